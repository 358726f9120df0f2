//! Translates GGUF metadata to the settings of a `config.json`.

use serde_json::Value;

use super::{
    facts::Facts,
    family::{Family, Fixed},
    rope::{self, Factors},
};
use crate::{
    error::{LoadError, Result},
    load::Settings,
};

pub(super) fn translate(facts: &Facts, family: &Family, factors: &Factors) -> Result<Settings> {
    refuse_parts(facts.metadata)?;
    let mut settings = Settings::default();
    settings.set("model_type", family.model_type);
    if let Some(rows) = facts.rows("token_embd.weight") {
        settings.set("vocab_size", rows);
    }
    settings.set("tie_word_embeddings", !facts.has("output.weight"));
    for (own, gguf) in family.keys.iter().copied().flatten() {
        settings.set(own, facts.get::<Value>(gguf)?);
        settings.call(own, facts.key(gguf));
    }
    for (own, gguf) in family.optional.iter().copied().flatten() {
        if let Some(value) = facts.find::<Value>(gguf)? {
            settings.set(own, value);
            settings.call(own, facts.key(gguf));
        }
    }
    if let Some((own, tensor)) = family.d_mlp {
        match facts.columns(tensor) {
            Some(width) => settings.set(own, width),
            None => settings.set(own, facts.get::<Value>("feed_forward_length")?),
        }
    }
    for (own, tensor) in family.flags {
        settings.set(own, facts.has(tensor));
    }
    for (own, value) in family.fixed {
        settings.set(own, *value);
    }
    match family.rotary {
        Some(rotary) => rope::translate(rotary, facts, factors, &mut settings)?,
        None => rope::refuse(factors)?,
    }
    for step in family.steps {
        step(facts, &mut settings)?;
    }
    special_ids(facts.metadata, &mut settings)?;
    refuse_two_widths(facts)?;
    facts.refuse_unasked()?;
    Ok(settings)
}

impl From<Fixed> for Value {
    fn from(fixed: Fixed) -> Self {
        match fixed {
            Fixed::Text(text) => text.into(),
            Fixed::Flag(flag) => flag.into(),
            Fixed::Count(count) => count.into(),
        }
    }
}

/// The key in `config.json` and the key in GGUF. The misspelling is GGUF's.
const SPECIAL_IDS: [(&str, &str); 6] = [
    ("bos_token_id", "tokenizer.ggml.bos_token_id"),
    ("pad_token_id", "tokenizer.ggml.padding_token_id"),
    ("unk_token_id", "tokenizer.ggml.unknown_token_id"),
    ("cls_token_id", "tokenizer.ggml.cls_token_id"),
    ("sep_token_id", "tokenizer.ggml.seperator_token_id"),
    ("mask_token_id", "tokenizer.ggml.mask_token_id"),
];

fn special_ids(metadata: &Settings, settings: &mut Settings) -> Result<()> {
    for (kind, gguf) in SPECIAL_IDS {
        if let Some(id) = metadata.find::<Value>(gguf)? {
            settings.set(kind, id);
            settings.call(kind, gguf);
        }
    }
    let ends =
        ["eos", "eot", "eom"].map(|kind| metadata.find::<u32>(format!("tokenizer.ggml.{kind}_token_id").as_str()));
    let ends = ends.into_iter().filter_map(Result::transpose).collect::<Result<Vec<_>>>()?;
    settings.set("eos_token_id", ends);
    Ok(())
}

/// Refuses one part of a model that is split over several files.
fn refuse_parts(metadata: &Settings) -> Result<()> {
    match metadata.or("split.count", 1u32)? {
        0 | 1 => Ok(()),
        parts => {
            let why = "join the parts first, with llama-gguf-split --merge".to_owned();
            Err(LoadError::Unsupported { key: "split.count".into(), value: parts.to_string(), why }.into())
        }
    }
}

/// Refuses values and keys of different widths, which no supported family has.
fn refuse_two_widths(facts: &Facts) -> Result<()> {
    let keys = facts.find::<usize>("attention.key_length")?;
    match facts.find::<usize>("attention.value_length")? {
        Some(values) if keys.is_some_and(|keys| keys != values) => {
            Err(facts.refuse("attention.value_length", values, "keys and values must have one width"))
        }
        _ => Ok(()),
    }
}
