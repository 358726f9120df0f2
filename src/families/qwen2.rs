//! Qwen 1.5, 2 and 2.5 ([Yang et al. 2024](https://arxiv.org/abs/2407.10671)): Llama with biases on queries, keys and
//! values, and optionally a sliding window in the later layers.
//!
//! Reference: `Qwen2ForCausalLM` of Hugging Face transformers,
//! <https://github.com/huggingface/transformers/blob/v4.57.0/src/transformers/models/qwen2/modeling_qwen2.py>

use super::{
    Family,
    llama_like::{FORM, LLAMA, LlamaLike, windows},
};
use crate::{
    Result,
    config::Config,
    load::{Settings, Weights},
};

pub(super) const FAMILY: Family =
    Family { model_type: QWEN2.model_type, config, build: |config, weights| QWEN2.build(config, weights), ..FORM };

const QWEN2: LlamaLike = LlamaLike { model_type: "qwen2", defaults: QWEN_DEFAULTS, ..LLAMA };

pub(super) const QWEN_DEFAULTS: &str = r#"{
    "max_position_embeddings": 32768, "use_sliding_window": false, "sliding_window": 4096, "max_window_layers": 28
}"#;

fn config(settings: &Settings, _: &Weights) -> Result<Config> {
    let settings = &QWEN2.settings(settings)?;
    let base = QWEN2.config(settings)?;
    Ok(Config { windows: later_windows(settings, base.n_layers)?, ..base })
}

/// The window of each layer: layers from `max_window_layers` on have it, if `use_sliding_window` is true.
pub(super) fn later_windows(settings: &Settings, n_layers: usize) -> Result<Vec<Option<usize>>> {
    let used: bool = settings.get("use_sliding_window")?;
    let window = settings.find("sliding_window")?.filter(|_| used);
    let first: u32 = settings.get("max_window_layers")?;
    windows(settings, n_layers, window, |layer| window.is_some() && layer >= first as usize)
}
