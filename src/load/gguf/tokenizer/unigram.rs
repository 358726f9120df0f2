//! SentencePiece's unigram language model: T5's tokenizer, and XLM-RoBERTa's.

use serde_json::{Value, json};

use super::Vocabulary;
use crate::error::Result;

pub(super) fn json(vocabulary: &Vocabulary) -> Result<Value> {
    let Vocabulary { metadata, tokens, .. } = vocabulary;
    let scores = metadata.get::<Vec<f64>>("tokenizer.ggml.scores")?;
    let scored: Vec<_> = tokens.iter().zip(scores).collect();
    let unknown = metadata.or("tokenizer.ggml.unknown_token_id", 2usize)?;
    let table = metadata.or("tokenizer.ggml.precompiled_charsmap", Vec::<u32>::new())?;
    let rewrite = match table.is_empty() {
        true => Value::Null,
        false => {
            let bytes: Vec<u8> = table.into_iter().map(|byte| byte as u8).collect();
            json!({"type": "Precompiled", "precompiled_charsmap": base64::encode(bytes)})
        }
    };
    let scheme = if metadata.or("tokenizer.ggml.add_space_prefix", true)? { "always" } else { "never" };
    let mark = json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": true});
    let squeezed = metadata.or("tokenizer.ggml.remove_extra_whitespaces", true)?;
    let words = if squeezed { vec![json!({"type": "WhitespaceSplit"}), mark.clone()] } else { vec![mark.clone()] };
    // RoBERTas begin with a token of their own; T5 only ends with one.
    let begins = metadata.or("tokenizer.ggml.add_bos_token", false)?;
    Ok(json!({
        "normalizer": rewrite,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": words},
        "post_processor": vocabulary.frame(begins, if begins { 2 } else { 1 })?,
        "decoder": mark,
        "model": {"type": "Unigram", "unk_id": unknown, "vocab": scored, "byte_fallback": false},
    }))
}
