//! Qwen 3 (Yang et al. 2025), as `Qwen3ForCausalLM` of Hugging Face transformers computes it: Qwen 2 with each head's
//! queries and keys normed.

use super::{
    Family,
    llama_like::{FORM, LLAMA, LlamaLike},
    qwen2::{QWEN_DEFAULTS, later_windows},
};
use crate::{
    Result,
    config::{Config, QkNorm},
    load::{Settings, Weights},
};

pub(super) const FAMILY: Family =
    Family { model_type: QWEN3.model_type, config, build: |config, weights| QWEN3.build(config, weights), ..FORM };

const QWEN3: LlamaLike = LlamaLike { model_type: "qwen3", defaults: QWEN_DEFAULTS, ..LLAMA };

fn config(settings: &Settings, _: &Weights) -> Result<Config> {
    let settings = &QWEN3.settings(settings)?;
    let base = QWEN3.config(settings)?;
    Ok(Config { qk_norm: Some(QkNorm::PerHead), windows: later_windows(settings, base.n_layers)?, ..base })
}
