//! Settings that repeat what other settings or the tensors show. Hugging Face transformers obeys them, while glassbox
//! goes by the tensors, so the two must agree.

use super::common::senseless;
use crate::{
    Result,
    load::{Settings, Weights},
};

/// A flag, the families whose reference obeys it, and the suffixes of tensor names that exist if it is true.
type Flag = (&'static str, &'static [&'static str], &'static [&'static str]);

const FLAGS: &[Flag] = &[
    (
        "attention_bias",
        &[
            "cohere",
            "cohere2",
            "gemma",
            "gemma2",
            "gemma3_text",
            "gpt_neox",
            "granite",
            "llama",
            "olmo",
            "olmo2",
            "olmo3",
            "olmoe",
            "qwen3",
            "qwen3_moe",
            "smollm3",
        ],
        &["self_attn.q_proj.bias", "attention.query_key_value.bias"],
    ),
    ("mlp_bias", &["granite", "llama", "smollm3"], &["mlp.gate_proj.bias"]),
    ("use_bias", &["starcoder2"], &["self_attn.q_proj.bias"]),
    ("use_qkv_bias", &["stablelm"], &["self_attn.q_proj.bias"]),
    ("bias", &["falcon"], &["query_key_value.bias"]),
    ("enable_bias", &["opt"], &["fc1.bias"]),
];

/// Counts that some models of a family ignore.
const COUNTS: [&str; 5] = [
    "num_key_value_heads",
    "num_kv_heads",
    "original_max_position_embeddings",
    "rope_parameters.original_max_position_embeddings",
    "rope_scaling.original_max_position_embeddings",
];

/// Checks all flags and counts.
///
/// # Errors
/// When one has the wrong type, or contradicts the tensors in the file.
pub(super) fn agree(settings: &Settings, weights: &Weights, family: &str) -> Result<()> {
    for key in COUNTS {
        settings.find::<usize>(key)?;
    }
    for (key, families, ends) in FLAGS {
        let Some(given) = settings.find::<bool>(*key)?.filter(|_| families.contains(&family)) else { continue };
        let found = weights.names().into_iter().find(|name| ends.iter().any(|end| name.ends_with(end)));
        let why = match (given, found) {
            (false, Some(name)) => format!("the file has `{name}`"),
            (true, None) => format!("the file has no tensor whose name ends in {}", ends.join(" or ")),
            _ => continue,
        };
        return Err(senseless(key, given, why));
    }
    Ok(())
}
