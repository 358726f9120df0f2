//! WordPiece, the tokenizer of BERT.

use serde_json::{Value, json};

use super::{CONTROL, NORMAL, Vocabulary};
use crate::error::Result;

/// Restores BERT's spelling. GGUF marks the beginnings of words (`▁token`), while BERT marks continuations
/// (`##ization`).
pub(super) fn restore(vocabulary: &mut Vocabulary) {
    for (token, _) in vocabulary.tokens.iter_mut().zip(&vocabulary.kinds).filter(|(_, kind)| **kind != CONTROL) {
        *token = match token.strip_prefix('▁') {
            Some(word) => word.to_owned(),
            None => format!("##{token}"),
        };
    }
}

pub(super) fn json(vocabulary: &Vocabulary) -> Result<Value> {
    let unknown = vocabulary.special(&["unknown"])?.map_or("[UNK]", |(token, _)| token);
    let mut words = vocabulary.tokens.iter().zip(&vocabulary.kinds).filter(|(_, kind)| **kind == NORMAL);
    // Older files do not say whether text is lower-cased. Then it is, if the vocabulary has no capitals.
    let capitals = words.any(|(token, _)| !is_placeholder(token) && token.chars().any(char::is_uppercase));
    let lowercase = vocabulary.metadata.or("tokenizer.ggml.normalizer.lowercase", !capitals)?;
    let (cls, sep) = (vocabulary.special(&["cls", "bos"])?, vocabulary.special(&["seperator", "eos"])?);
    let frame = match (cls, sep) {
        (Some(cls), Some(sep)) => json!({"type": "BertProcessing", "cls": cls, "sep": sep}),
        _ => Value::Null,
    };
    Ok(json!({
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                       "strip_accents": null, "lowercase": lowercase},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": frame,
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
        "model": {"type": "WordPiece", "vocab": vocabulary.ids(), "unk_token": unknown,
                  "continuing_subword_prefix": "##", "max_input_chars_per_word": 100},
    }))
}

/// Whether a token is not a word, such as `[UNK]`, `[unused7]` or `[PAD30522]`.
fn is_placeholder(token: &str) -> bool {
    token.starts_with('[') && token.ends_with(']')
}
