//! SentencePiece's byte pair encoding, which merges pieces in the order of the merged pieces' scores.

use std::{cmp::Ordering, collections::HashMap};

use serde_json::{Value, json};

use super::{NORMAL, Vocabulary};
use crate::{error::Result, order::falling};

pub(super) fn json(vocabulary: &Vocabulary) -> Result<Value> {
    let Vocabulary { metadata, tokens, kinds } = vocabulary;
    let scores = vocabulary.scores()?;
    let unknown = vocabulary.special(&["unknown"])?.map(|(token, _)| token).or(tokens.first().map(String::as_str));
    let mark = json!({"type": "Replace", "pattern": {"String": " "}, "content": "▁"});
    let prefix = metadata.or("tokenizer.ggml.add_space_prefix", true)?;
    let normalizers = if prefix { vec![json!({"type": "Prepend", "prepend": "▁"}), mark] } else { vec![mark] };
    let strip = json!({"type": "Strip", "content": " ", "start": usize::from(prefix), "stop": 0});
    Ok(json!({
        "normalizer": {"type": "Sequence", "normalizers": normalizers},
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
            {"type": "ByteFallback"}, {"type": "Fuse"}, strip]},
        "model": {"type": "BPE", "vocab": vocabulary.ids(), "merges": merges(tokens, kinds, &scores),
                  "unk_token": unknown, "fuse_unk": true, "byte_fallback": true},
    }))
}

/// Every way to merge two pieces into a third, the best score first. Ties are ordered as in transformers'
/// `generate_merges`: the longer first half comes first.
fn merges(tokens: &[String], kinds: &[u32], scores: &[f64]) -> Vec<[String; 2]> {
    let ids: HashMap<&str, usize> = tokens.iter().enumerate().map(|(id, token)| (&**token, id)).collect();
    let mut found = Vec::new();
    for ((token, &score), _) in tokens.iter().zip(scores).zip(kinds).filter(|(_, kind)| **kind == NORMAL) {
        let halves = token.char_indices().skip(1).filter_map(|(at, _)| token.split_at_checked(at));
        let mut local: Vec<_> =
            halves.filter_map(|(left, right)| Some((*ids.get(left)?, *ids.get(right)?, left, right))).collect();
        local.sort_by_key(|&(left, right, ..)| (left, right));
        found.extend(local.into_iter().map(|(_, _, left, right)| (score, left, right)));
    }
    let lengths = |left: &str, right: &str| (left.chars().count(), right.chars().count());
    found.sort_by(|a, b| match falling(a.0, b.0) {
        Ordering::Equal => lengths(b.1, b.2).cmp(&lengths(a.1, a.2)),
        order => order,
    });
    found.into_iter().map(|(_, left, right)| [left.to_owned(), right.to_owned()]).collect()
}
