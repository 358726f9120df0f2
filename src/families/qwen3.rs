//! Qwen 3 ([Yang et al. 2025](https://arxiv.org/abs/2505.09388)): Qwen 2 with a norm on each head's queries and keys.
//!
//! Reference: `Qwen3ForCausalLM` of Hugging Face transformers,
//! <https://github.com/huggingface/transformers/blob/v4.57.0/src/transformers/models/qwen3/modeling_qwen3.py>

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
    Ok(Config { qk_norm: Some(QkNorm::HeadValues), windows: later_windows(settings, base.n_layers)?, ..base })
}
