//! Granite 3 (IBM 2024): Llama with four multipliers.
//!
//! Reference: `GraniteForCausalLM` of Hugging Face transformers,
//! <https://github.com/huggingface/transformers/blob/v4.57.0/src/transformers/models/granite/modeling_granite.py>

use super::{
    Family,
    llama_like::{FORM, LLAMA, LlamaLike},
};
use crate::{
    Result,
    config::Config,
    load::{Settings, Weights},
};

pub(super) const FAMILY: Family =
    Family { model_type: GRANITE.model_type, config, build: |config, weights| GRANITE.build(config, weights), ..FORM };

const GRANITE: LlamaLike = LlamaLike { model_type: "granite", ..LLAMA };

fn config(settings: &Settings, _: &Weights) -> Result<Config> {
    let settings = &GRANITE.settings(settings)?;
    Ok(Config {
        embed_scale: settings.or("embedding_multiplier", 1.0)?,
        residual_scale: settings.or("residual_multiplier", 1.0)?,
        // It replaces 1 / sqrt(d_head).
        attn_scale: settings.or("attention_multiplier", 1.0)?,
        logit_scale: 1.0 / settings.or("logits_scaling", 1.0)?,
        ..GRANITE.config(settings)?
    })
}
