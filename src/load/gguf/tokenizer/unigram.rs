//! SentencePiece's unigram language model ([arXiv:1804.10959](https://arxiv.org/abs/1804.10959)): the tokenizer of T5
//! and XLM-RoBERTa.

use serde_json::{Value, json};

use super::Vocabulary;
use crate::error::{LoadError, Result};

const TABLE: &str = "tokenizer.ggml.precompiled_charsmap";

pub(super) fn json(vocabulary: &Vocabulary) -> Result<Value> {
    let Vocabulary { metadata, tokens, .. } = vocabulary;
    let scored: Vec<_> = tokens.iter().zip(vocabulary.scores()?).collect();
    let unknown = vocabulary.special(&["unknown"])?.map_or(2, |(_, id)| id);
    let table = metadata.or(TABLE, Vec::<u32>::new())?;
    let rewrite = match table.is_empty() {
        true => Value::Null,
        false => {
            let bytes = table.into_iter().map(u8::try_from).collect::<Result<Vec<_>, _>>();
            let bytes = bytes.map_err(|_| LoadError::Senseless {
                key: TABLE.into(),
                value: "a list of numbers".into(),
                why: "each must be a byte".into(),
            })?;
            json!({"type": "Precompiled", "precompiled_charsmap": base64::encode(bytes)})
        }
    };
    let scheme = if metadata.or("tokenizer.ggml.add_space_prefix", true)? { "always" } else { "never" };
    let mark = json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": true});
    let squeezed = metadata.or("tokenizer.ggml.remove_extra_whitespaces", true)?;
    let words = if squeezed { vec![json!({"type": "WhitespaceSplit"}), mark.clone()] } else { vec![mark.clone()] };
    // RoBERTa models begin with a special token; T5 models only end with one.
    let begins = metadata.or("tokenizer.ggml.add_bos_token", false)?;
    Ok(json!({
        "normalizer": rewrite,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": words},
        "post_processor": vocabulary.frame(begins, if begins { 2 } else { 1 })?,
        "decoder": mark,
        "model": {"type": "Unigram", "unk_id": unknown, "vocab": scored, "byte_fallback": false},
    }))
}
