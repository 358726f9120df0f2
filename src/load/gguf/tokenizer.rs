//! A GGUF's tokenizer, written as the `tokenizer.json` it was made from.

use std::{cmp::Ordering, collections::HashMap, path::Path};

use serde_json::{Map, Value, json};

use super::super::Settings;
use crate::{
    error::{LoadError, Result},
    text::Tokenizer,
};

/// The kinds of a token (`tokenizer.ggml.token_type`) that matter here.
const NORMAL: u32 = 1;
const CONTROL: u32 = 3;
const USER_DEFINED: u32 = 4;

/// The tokenizer, where the file has one.
pub(super) fn build(metadata: &Settings, path: &Path) -> Result<Option<Tokenizer>> {
    let Some(model) = metadata.find::<String>("tokenizer.ggml.model")? else { return Ok(None) };
    let tokens = metadata.get::<Vec<String>>("tokenizer.ggml.tokens")?;
    let kinds = metadata.or("tokenizer.ggml.token_type", vec![NORMAL; tokens.len()])?;
    let mut json = match model.as_str() {
        "gpt2" => byte_level(metadata, &tokens)?,
        "llama" => sentence_piece(metadata, &tokens, &kinds)?,
        "none" | "no_vocab" => return Ok(None),
        _ => {
            let why = "it reads `gpt2` (byte-level) and `llama` (SentencePiece) tokenizers from GGUF".to_owned();
            return Err(LoadError::Unsupported { key: "tokenizer.ggml.model".into(), value: model, why }.into());
        }
    };
    json.insert("version".into(), "1.0".into());
    json.insert("added_tokens".into(), added(&tokens, &kinds));
    let json = Value::Object(json).to_string();
    let damaged = |why: String| LoadError::Damaged { path: path.to_owned(), what: "a tokenizer", why };
    Tokenizer::from_bytes(json.as_bytes()).map(Some).map_err(|why| damaged(why.to_string()).into())
}

/// What is said about special tokens beyond their ids, with llama.cpp's defaults.
pub(super) fn flags(metadata: &Settings) -> Settings {
    let text = |key| metadata.find::<String>(key).ok().flatten().unwrap_or_default();
    let by_default = text("tokenizer.ggml.model") == "llama" || LLAMA_3.contains(&&*text("tokenizer.ggml.pre"));
    let adds = metadata.or("tokenizer.ggml.add_bos_token", by_default).unwrap_or(by_default);
    let mut flags = Settings::default();
    flags.set("add_bos_token", adds);
    flags
}

/// Tokens that are recognised in a text before it is split.
fn added(tokens: &[String], kinds: &[u32]) -> Value {
    let entry = |(id, (content, &kind)): (usize, (&String, &u32))| {
        matches!(kind, CONTROL | USER_DEFINED).then(|| {
            json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
                   "normalized": false, "special": kind == CONTROL})
        })
    };
    tokens.iter().zip(kinds).enumerate().filter_map(entry).collect()
}

fn vocabulary(tokens: &[String]) -> Map<String, Value> {
    tokens.iter().enumerate().map(|(id, token)| (token.clone(), id.into())).collect()
}

fn object(json: Value) -> Map<String, Value> {
    if let Value::Object(map) = json { map } else { Map::new() }
}

/// Byte pair encoding over GPT-2's printable bytes.
fn byte_level(metadata: &Settings, tokens: &[String]) -> Result<Map<String, Value>> {
    let merges = metadata.get::<Vec<String>>("tokenizer.ggml.merges")?;
    let default = if metadata.get::<String>("general.architecture")? == "gpt2" { "gpt-2" } else { "default" };
    let pre = metadata.or("tokenizer.ggml.pre", default.to_owned())?;
    let splitter = splitter(&pre).ok_or_else(|| LoadError::Unsupported {
        key: "tokenizer.ggml.pre".into(),
        value: pre.clone(),
        why: "its way of splitting text into words is not known".into(),
    })?;
    let normalizer = if QWEN_2.contains(&&*pre) { json!({"type": "NFC"}) } else { Value::Null };
    Ok(object(json!({
        "normalizer": normalizer,
        "pre_tokenizer": splitter,
        "decoder": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
        "model": {"type": "BPE", "vocab": vocabulary(tokens), "merges": merges,
                  "ignore_merges": LLAMA_3.contains(&&*pre)},
    })))
}

/// Names that llama.cpp gives to one and the same way of splitting text into words.
const GPT_2: &[&str] = &["gpt-2", "gpt2", "phi-2", "olmo", "mpt", "jais", "trillion", "exaone4", "mellum"];
const SMOLLM: &[&str] = &["smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"];
const LLAMA_3: &[&str] = &["llama-bpe", "llama3", "llama-v3", "falcon3"];
const SMAUG: &[&str] = &["smaug-bpe", "dbrx"];
const QWEN_2: &[&str] = &["qwen2", "stablelm2", "deepseek-r1-qwen"];

/// How text is split into words before their bytes are joined.
fn splitter(pre: &str) -> Option<Value> {
    const CONTRACTION: &str = r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])";
    const REST: &str = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    let bytes =
        |regex| json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": regex});
    let split =
        |regex: String| json!({"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": false});
    let cl100k = |digits: &str| split(format!(r"{CONTRACTION}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{digits}|{REST}"));
    let steps = if GPT_2.contains(&pre) {
        vec![bytes(true)]
    } else if SMOLLM.contains(&pre) {
        vec![json!({"type": "Digits", "individual_digits": true}), bytes(true)]
    } else if LLAMA_3.contains(&pre) || SMAUG.contains(&pre) {
        vec![cl100k("{1,3}"), bytes(false)]
    } else if QWEN_2.contains(&pre) {
        vec![cl100k(""), bytes(false)]
    } else if pre == "default" {
        let words = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)";
        let regexes = [r"[\p{P}\$\+<=>\^~\|]+", words, r"\p{N}+", "[0-9][0-9][0-9]"];
        regexes.into_iter().map(|regex| split(regex.to_owned())).chain([bytes(false)]).collect()
    } else {
        return None;
    };
    Some(json!({"type": "Sequence", "pretokenizers": steps}))
}

/// SentencePiece's byte pair encoding, whose order of merges is that of the joined pieces' scores.
fn sentence_piece(metadata: &Settings, tokens: &[String], kinds: &[u32]) -> Result<Map<String, Value>> {
    let scores = metadata.get::<Vec<f64>>("tokenizer.ggml.scores")?;
    let unknown = metadata.or("tokenizer.ggml.unknown_token_id", 0)?;
    let unknown = tokens.get::<usize>(unknown);
    let mark = json!({"type": "Replace", "pattern": {"String": " "}, "content": "▁"});
    let prefix = metadata.or("tokenizer.ggml.add_space_prefix", true)?;
    let normalizers = if prefix { vec![json!({"type": "Prepend", "prepend": "▁"}), mark] } else { vec![mark] };
    let strip = json!({"type": "Strip", "content": " ", "start": usize::from(prefix), "stop": 0});
    Ok(object(json!({
        "normalizer": {"type": "Sequence", "normalizers": normalizers},
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
            {"type": "ByteFallback"}, {"type": "Fuse"}, strip]},
        "model": {"type": "BPE", "vocab": vocabulary(tokens), "merges": merges(tokens, kinds, &scores),
                  "unk_token": unknown, "fuse_unk": true, "byte_fallback": true},
    })))
}

/// Every way to join two pieces into a third, the best score first. The order among equal scores is that of
/// transformers' `generate_merges`: longer first halves before shorter ones.
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
    found.sort_by(|a, b| match b.0.total_cmp(&a.0) {
        Ordering::Equal => lengths(b.1, b.2).cmp(&lengths(a.1, a.2)),
        order => order,
    });
    found.into_iter().map(|(_, left, right)| [left.to_owned(), right.to_owned()]).collect()
}
