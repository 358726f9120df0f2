//! Command R7B and Command A (Cohere 2024): Command R with a sliding window in all but every fourth layer, and no
//! rotary embedding in those others.
//!
//! Reference: `Cohere2ForCausalLM` of Hugging Face transformers,
//! <https://github.com/huggingface/transformers/blob/v4.57.0/src/transformers/models/cohere2/modeling_cohere2.py>

use super::{
    Family,
    cohere::{COHERE, shared},
    llama_like::{FORM, LlamaLike, windows},
};
use crate::{
    Result,
    config::Config,
    load::{Settings, Weights},
};

pub(super) const FAMILY: Family =
    Family { model_type: COHERE2.model_type, config, build: |config, weights| COHERE2.build(config, weights), ..FORM };

const COHERE2: LlamaLike = LlamaLike {
    model_type: "cohere2",
    defaults: r#"{
        "max_position_embeddings": 8192, "layer_norm_eps": 1e-5, "tie_word_embeddings": true, "logit_scale": 0.0625,
        "sliding_window": 4096, "sliding_window_pattern": 4
    }"#,
    ..COHERE
};

fn config(settings: &Settings, _: &Weights) -> Result<Config> {
    let settings = &COHERE2.settings(settings)?;
    let base = shared(&COHERE2, settings)?;
    let pattern: usize = settings.get("sliding_window_pattern")?;
    let sliding = |layer: usize| !(layer + 1).is_multiple_of(pattern);
    let windows = windows(settings, base.n_layers, settings.find("sliding_window")?, sliding)?;
    let no_rope_layers = (0..base.n_layers).filter(|&layer| !matches!(windows.get(layer), Some(Some(_)))).collect();
    Ok(Config { windows, no_rope_layers, ..base })
}
