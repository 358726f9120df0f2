//! SmolLM 3 (Hugging Face 2025): Llama with some layers without rotary embedding.
//!
//! Reference: `SmolLM3ForCausalLM` of Hugging Face transformers,
//! <https://github.com/huggingface/transformers/blob/v4.57.0/src/transformers/models/smollm3/modeling_smollm3.py>

use super::{
    Family,
    common::senseless,
    llama_like::{FORM, LLAMA, LlamaLike, windows},
};
use crate::{
    Result,
    config::Config,
    load::{Settings, Weights},
};

pub(super) const FAMILY: Family =
    Family { model_type: SMOLLM3.model_type, config, build: |config, weights| SMOLLM3.build(config, weights), ..FORM };

const SMOLLM3: LlamaLike = LlamaLike {
    model_type: "smollm3",
    defaults: r#"{
        "max_position_embeddings": 32768, "rope_theta": 2e6, "tie_word_embeddings": true,
        "no_rope_layer_interval": 4, "use_sliding_window": false
    }"#,
    ..LLAMA
};

fn config(settings: &Settings, _: &Weights) -> Result<Config> {
    let settings = &SMOLLM3.settings(settings)?;
    let base = SMOLLM3.config(settings)?;
    const KEY: &str = "no_rope_layers";
    // The list has a number for each layer, and 0 marks a layer without rotation.
    let turning: Option<Vec<u32>> = settings.find(KEY)?;
    if let Some(turning) = &turning
        && (turning.len() != base.n_layers || turning.iter().any(|turns| *turns > 1))
    {
        let why = format!("it must be 0 or 1 for each of the {} layers", base.n_layers);
        return Err(senseless(KEY, format!("{turning:?}"), why));
    }
    let interval: usize = settings.get("no_rope_layer_interval")?;
    let is_still = |layer: &usize| match &turning {
        Some(turning) => turning.get(*layer) == Some(&0),
        None => (layer + 1).is_multiple_of(interval),
    };
    let no_rope_layers: Vec<usize> = (0..base.n_layers).filter(is_still).collect();
    let used: bool = settings.get("use_sliding_window")?;
    let window = settings.find("sliding_window")?.filter(|_| used);
    let still = |layer| window.is_some() && no_rope_layers.contains(&layer);
    Ok(Config { windows: windows(settings, base.n_layers, window, still)?, no_rope_layers, ..base })
}
