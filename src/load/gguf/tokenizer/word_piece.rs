//! WordPiece, BERT's tokenizer.

use serde_json::{Value, json};

use super::{CONTROL, NORMAL, Vocabulary};
use crate::error::Result;

/// GGUF marks the beginnings of words (`▁token`), where BERT marks what continues one (`##ization`).
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
    // Older files do not say whether text is made lower case; then a vocabulary without a capital does.
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

/// `[UNK]`, `[unused7]`, `[PAD30522]`: no words.
fn is_placeholder(token: &str) -> bool {
    token.starts_with('[') && token.ends_with(']')
}
