//! A GGUF's metadata as the settings of a `config.json`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{family::Family, header::TensorInfo};
use crate::{
    error::{LoadError, Result},
    load::Settings,
};

pub(super) fn translate(
    metadata: &Settings,
    family: &Family,
    tensors: &BTreeMap<String, TensorInfo>,
) -> Result<Settings> {
    let architecture = family.architecture;
    let key = |name: &str| format!("{architecture}.{name}");
    let mut settings = Settings::default();
    for (own, gguf) in family.keys {
        settings.set(own, metadata.get::<Value>(key(gguf).as_str())?);
    }
    for (own, gguf) in family.optional {
        if let Some(value) = metadata.find::<Value>(key(gguf).as_str())? {
            settings.set(own, value);
        }
    }
    let vocab_size = tensors.get("token_embd.weight").and_then(|tensor| tensor.shape.first().copied());
    let model_type = if architecture == "llama" && settings.has("sliding_window") { "mistral" } else { architecture };
    settings.set("model_type", model_type);
    settings.set("vocab_size", vocab_size.unwrap_or_default());
    settings.set("tie_word_embeddings", !tensors.contains_key("output.weight"));
    settings.set("attention_bias", tensors.contains_key("blk.0.attn_q.bias"));
    settings.set("mlp_bias", tensors.contains_key("blk.0.ffn_up.bias"));
    let (activation, function) = family.activation;
    settings.set(activation, function);
    for (kind, gguf) in SPECIAL_IDS {
        if let Some(id) = metadata.find::<Value>(gguf)? {
            settings.set(kind, id);
        }
    }
    let ends =
        ["eos", "eot", "eom"].map(|kind| metadata.find::<usize>(format!("tokenizer.ggml.{kind}_token_id").as_str()));
    let ends = ends.into_iter().filter_map(Result::transpose).collect::<Result<Vec<_>>>()?;
    settings.set("eos_token_id", ends);
    if let Some(scaling) = rope_scaling(metadata, &key)? {
        settings.set("rope_scaling", scaling);
    }
    refuse_what_is_lost(metadata, &settings, &key)?;
    Ok(settings)
}

/// The key in `config.json` and GGUF's own. The misspelt one is GGUF's.
const SPECIAL_IDS: [(&str, &str); 6] = [
    ("bos_token_id", "tokenizer.ggml.bos_token_id"),
    ("pad_token_id", "tokenizer.ggml.padding_token_id"),
    ("unk_token_id", "tokenizer.ggml.unknown_token_id"),
    ("cls_token_id", "tokenizer.ggml.cls_token_id"),
    ("sep_token_id", "tokenizer.ggml.seperator_token_id"),
    ("mask_token_id", "tokenizer.ggml.mask_token_id"),
];

/// How rotary positions are stretched: the kind and the factor, for the family to implement or to refuse.
fn rope_scaling(metadata: &Settings, key: &impl Fn(&str) -> String) -> Result<Option<Value>> {
    let kind = metadata.find::<String>(key("rope.scaling.type").as_str())?;
    let factor = metadata.find::<f64>([key("rope.scaling.factor"), key("rope.scale_linear")])?;
    let kind = kind.or(factor.filter(|&factor| factor != 1.0).map(|_| "linear".to_owned()));
    let Some(kind) = kind.filter(|kind| kind != "none") else { return Ok(None) };
    Ok(Some(json!({ "rope_type": kind, "factor": factor.unwrap_or(1.0) })))
}

/// Refuses what a `config.json` of this family has no word for, so that no family can overlook it.
fn refuse_what_is_lost(metadata: &Settings, settings: &Settings, key: &impl Fn(&str) -> String) -> Result<()> {
    let refuse = |key: String, value: usize, why: &str| {
        Err(LoadError::Unsupported { key, value: value.to_string(), why: why.to_owned() }.into())
    };
    let parts = metadata.or("split.count", 1)?;
    if parts > 1 {
        return refuse("split.count".into(), parts, "join the parts first, with llama-gguf-split --merge");
    }
    let experts = metadata.or(key("expert_count").as_str(), 0)?;
    if experts > 0 {
        return refuse(key("expert_count"), experts, "mixtures of experts are not read from GGUF");
    }
    if let Some(turned) = metadata.find(key("rope.dimension_count").as_str())? {
        let (width, heads): (usize, usize) = (settings.get("hidden_size")?, settings.get("num_attention_heads")?);
        let d_head = settings.or("head_dim", width.checked_div(heads).unwrap_or_default())?;
        if d_head != turned {
            let why = format!("rotary positions on a part of a head of {d_head} are not read from GGUF");
            return refuse(key("rope.dimension_count"), turned, &why);
        }
    }
    if let (Some(keys), Some(values)) = (
        metadata.find::<usize>(key("attention.key_length").as_str())?,
        metadata.find(key("attention.value_length").as_str())?,
    ) && keys != values
    {
        return refuse(key("attention.value_length"), values, "keys and values must have one width");
    }
    Ok(())
}
