//! Translations of settings that need more than a name. The tables in `families/` list them.

use serde_json::{Value, json};

use super::facts::Facts;
use crate::{error::Result, load::Settings};

const WINDOW: &str = "attention.sliding_window";

/// The width of the sliding window; GGUF writes 0 for none.
pub(super) fn window(facts: &Facts, settings: &mut Settings) -> Result<()> {
    let window = facts.or(WINDOW, 0u32)?;
    settings.set("sliding_window", (window > 0).then_some(window));
    Ok(())
}

/// The layers with a sliding window: all but the last of every `period`, unless the file says otherwise.
pub(super) fn layer_types(facts: &Facts, settings: &mut Settings, period: usize) -> Result<()> {
    const PATTERN: &str = "attention.sliding_window_pattern";
    window(facts, settings)?;
    let local: Vec<bool> = match facts.find::<Value>(PATTERN)? {
        Some(Value::Array(_)) => facts.get(PATTERN)?,
        _ => {
            let (layers, period): (usize, usize) = (facts.get("block_count")?, facts.or(PATTERN, period)?);
            (1..=layers.min(MOST_LAYERS)).map(|layer| !layer.is_multiple_of(period)).collect()
        }
    };
    let windowed = facts.states(WINDOW);
    let kind = |local: bool| if local && windowed { "sliding_attention" } else { "full_attention" };
    settings.set("layer_types", local.into_iter().map(kind).collect::<Vec<_>>());
    Ok(())
}

/// The most layers; no model has more, but a damaged file may claim any number.
const MOST_LAYERS: usize = 100_000;

/// The number whose root divides the scores: the width of a head, except in the family's largest model, where it is
/// `d_model / n_heads`. GGUF does not write it, and llama.cpp recognises the largest model by its number of layers.
pub(super) fn query_scale(facts: &Facts, settings: &mut Settings, largest: usize) -> Result<()> {
    let (width, (heads, _)): (usize, _) = (facts.get("embedding_length")?, facts.heads()?);
    let is_largest = facts.get::<usize>("block_count")? == largest;
    let scalar = if is_largest { width.checked_div(heads).unwrap_or_default() } else { facts.d_head()? };
    settings.set("query_pre_attn_scalar", scalar);
    Ok(())
}

/// The base of the frequencies in layers with a sliding window.
pub(super) fn local_rotary(facts: &Facts, settings: &mut Settings) -> Result<()> {
    settings.set("rope_local_base_freq", facts.or("rope.freq_base_swa", 10_000.0)?);
    Ok(())
}

/// The layers without rotation: every fourth, as in SmolLM 3 and in llama.cpp. 1 marks a layer with rotation.
pub(super) fn every_fourth_without_rotation(facts: &Facts, settings: &mut Settings) -> Result<()> {
    let layers = facts.get::<usize>("block_count")?.min(MOST_LAYERS);
    settings.set("no_rope_layers", (1..=layers).map(|layer| u8::from(layer % 4 != 0)).collect::<Vec<_>>());
    Ok(())
}

/// Whether all queries share one key head. The number of rows shows it, because the converter always writes one key
/// head.
pub(super) fn one_key_head(facts: &Facts, settings: &mut Settings) -> Result<()> {
    facts.heads()?;
    let width: usize = facts.get("embedding_length")?;
    let each_its_own =
        facts.rows("blk.0.attn_qkv.weight").is_some_and(|rows| rows.is_multiple_of(3) && rows / 3 == width);
    settings.set("multi_query", !each_its_own);
    Ok(())
}

/// Refuses grouped-query attention in families that do not have it.
pub(super) fn as_many_key_heads(facts: &Facts, _: &mut Settings) -> Result<()> {
    let (queries, keys) = facts.heads()?;
    let why = || format!("this family has as many key heads as query heads, here {queries}");
    if queries == keys { Ok(()) } else { Err(facts.refuse("attention.head_count_kv", keys, why())) }
}

/// Falcon 7B has one key head; later Falcon models have grouped-query attention.
pub(super) fn falcon_heads(facts: &Facts, settings: &mut Settings) -> Result<()> {
    let (_, keys) = facts.heads()?;
    settings.set("num_kv_heads", keys);
    settings.set("multi_query", keys == 1);
    settings.set("new_decoder_architecture", keys != 1 || facts.has("blk.0.attn_norm_2.weight"));
    Ok(())
}

/// Refuses an encoder of this architecture with causal attention.
pub(super) fn bidirectional(facts: &Facts, _: &mut Settings) -> Result<()> {
    match facts.or("attention.causal", false)? {
        true => Err(facts.refuse("attention.causal", true, "an encoder attends to later tokens too")),
        false => Ok(()),
    }
}

/// The number of token types.
pub(super) fn token_types(facts: &Facts, settings: &mut Settings) -> Result<()> {
    settings.set("type_vocab_size", facts.rows("token_types.weight").unwrap_or_default());
    Ok(())
}

/// T5 scales its decoder's output if the unembedding is the embedding, but not if it is separate.
pub(super) fn scaled_where_tied(facts: &Facts, settings: &mut Settings) -> Result<()> {
    settings.set("scale_decoder_outputs", json!(!facts.has("output.weight")));
    Ok(())
}
