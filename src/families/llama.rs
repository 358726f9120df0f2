//! Llama 1 to 3 ([Touvron et al. 2023](https://arxiv.org/abs/2302.13971), [Llama Team
//! 2024](https://arxiv.org/abs/2407.21783)) and models of exactly the same form.
//!
//! Reference: `LlamaForCausalLM` of Hugging Face transformers,
//! <https://github.com/huggingface/transformers/blob/v4.57.0/src/transformers/models/llama/modeling_llama.py>

use super::{
    Family,
    common::only,
    llama_like::{FORM, LLAMA},
};
use crate::{
    Result,
    config::Config,
    load::{Settings, Weights},
};

pub(super) const FAMILY: Family =
    Family { model_type: LLAMA.model_type, config, build: |config, weights| LLAMA.build(config, weights), ..FORM };

fn config(settings: &Settings, _: &Weights) -> Result<Config> {
    only(settings, "pretraining_tp", 1usize)?;
    LLAMA.config(&LLAMA.settings(settings)?)
}
