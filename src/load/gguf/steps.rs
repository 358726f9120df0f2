//! Settings that take more than a name to tell back: what each family's `config.json` says in another way.

use serde_json::{Value, json};

use super::facts::Facts;
use crate::{error::Result, load::Settings};

const WINDOW: &str = "attention.sliding_window";

/// How many tokens back a token sees; GGUF writes 0 for all.
pub(super) fn window(facts: &Facts, settings: &mut Settings) -> Result<()> {
    let window = facts.or(WINDOW, 0u32)?;
    settings.set("sliding_window", (window > 0).then_some(window));
    Ok(())
}

/// Which layers have a window: the last of every `period` sees all, unless the file says otherwise.
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

/// More layers than any model has: a damaged file may announce any number.
const MOST_LAYERS: usize = 100_000;

/// What scores are divided by the root of: the width of a head, and in the family's largest model the width of the
/// model shared among the heads. GGUF does not write it, and llama.cpp knows the largest by its number of layers.
pub(super) fn query_scale(facts: &Facts, settings: &mut Settings, largest: usize) -> Result<()> {
    let (width, (heads, _)): (usize, _) = (facts.get("embedding_length")?, facts.heads()?);
    let is_largest = facts.get::<usize>("block_count")? == largest;
    let scalar = if is_largest { width.checked_div(heads).unwrap_or_default() } else { facts.d_head()? };
    settings.set("query_pre_attn_scalar", scalar);
    Ok(())
}

/// The base of the frequencies in layers with a window.
pub(super) fn local_rotary(facts: &Facts, settings: &mut Settings) -> Result<()> {
    settings.set("rope_local_base_freq", facts.or("rope.freq_base_swa", 10_000.0)?);
    Ok(())
}

/// Every fourth layer turns nothing, as in SmolLM 3 and in llama.cpp; 1 is a layer that turns.
pub(super) fn every_fourth_without_rotation(facts: &Facts, settings: &mut Settings) -> Result<()> {
    let layers = facts.get::<usize>("block_count")?.min(MOST_LAYERS);
    settings.set("no_rope_layers", (1..=layers).map(|layer| u8::from(layer % 4 != 0)).collect::<Vec<_>>());
    Ok(())
}

/// Whether all queries read one key head: the rows tell, since the converter writes one key head in any case.
pub(super) fn one_key_head(facts: &Facts, settings: &mut Settings) -> Result<()> {
    facts.heads()?;
    let width: usize = facts.get("embedding_length")?;
    let each_its_own =
        facts.rows("blk.0.attn_qkv.weight").is_some_and(|rows| rows.is_multiple_of(3) && rows / 3 == width);
    settings.set("multi_query", !each_its_own);
    Ok(())
}

/// Refuses fewer key heads than query heads, in families that cannot have them.
pub(super) fn as_many_key_heads(facts: &Facts, _: &mut Settings) -> Result<()> {
    let (queries, keys) = facts.heads()?;
    let why = || format!("this family has as many key heads as query heads, which are {queries}");
    if queries == keys { Ok(()) } else { Err(facts.refuse("attention.head_count_kv", keys, why())) }
}

/// Falcon 7B has one key head, the later ones groups of queries that share one.
pub(super) fn falcon_heads(facts: &Facts, settings: &mut Settings) -> Result<()> {
    let (_, keys) = facts.heads()?;
    settings.set("num_kv_heads", keys);
    settings.set("multi_query", keys == 1);
    settings.set("new_decoder_architecture", keys != 1 || facts.has("blk.0.attn_norm_2.weight"));
    Ok(())
}

/// Refuses an encoder of this architecture that sees only what comes before.
pub(super) fn bidirectional(facts: &Facts, _: &mut Settings) -> Result<()> {
    match facts.or("attention.causal", false)? {
        true => Err(facts.refuse("attention.causal", true, "an encoder sees what comes after as well")),
        false => Ok(()),
    }
}

/// How many kinds of token there are.
pub(super) fn token_types(facts: &Facts, settings: &mut Settings) -> Result<()> {
    settings.set("type_vocab_size", facts.rows("token_types.weight").unwrap_or_default());
    Ok(())
}

/// T5 scales what its decoder gives where the head is the embedding, and not where the head is its own.
pub(super) fn scaled_where_tied(facts: &Facts, settings: &mut Settings) -> Result<()> {
    settings.set("scale_decoder_outputs", json!(!facts.has("output.weight")));
    Ok(())
}
