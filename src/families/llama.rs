//! Llama 1 to 3 (Touvron et al. 2023) and models of its exact form, as `LlamaForCausalLM` of Hugging Face
//! transformers computes it.

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
