//! Command R (Cohere 2024): attention and MLP in parallel after one LayerNorm without bias. Rotary embedding rotates
//! adjacent dimensions, and logits are multiplied by a constant.
//!
//! Reference: `CohereForCausalLM` of Hugging Face transformers,
//! <https://github.com/huggingface/transformers/blob/v4.57.0/src/transformers/models/cohere/modeling_cohere.py>

use super::{
    Family,
    common::eps,
    llama_like::{FORM, LLAMA, LlamaLike},
};
use crate::{
    Result,
    config::{Config, Normalization, QkNorm, Rotary},
    load::{Settings, Weights},
};

pub(super) const FAMILY: Family =
    Family { model_type: COHERE.model_type, config, build: |config, weights| COHERE.build(config, weights), ..FORM };

pub(super) const COHERE: LlamaLike = LlamaLike {
    model_type: "cohere",
    defaults: r#"{
        "max_position_embeddings": 8192, "layer_norm_eps": 1e-5, "rope_theta": 5e5, "tie_word_embeddings": true,
        "logit_scale": 0.0625, "use_qk_norm": false
    }"#,
    rotary: |settings, d_head| Ok(Rotary { adjacent: true, ..(LLAMA.rotary)(settings, d_head)? }),
    ..LLAMA
};

fn config(settings: &Settings, _: &Weights) -> Result<Config> {
    let settings = &COHERE.settings(settings)?;
    let qk_norm = settings.get::<bool>("use_qk_norm")?.then_some(QkNorm::HeadValues);
    Ok(Config { qk_norm, ..shared(&COHERE, settings)? })
}

/// The part of the configuration that Command R and its successors share.
pub(super) fn shared(family: &LlamaLike, settings: &Settings) -> Result<Config> {
    Ok(Config {
        normalization: Normalization::LayerNorm,
        eps: eps(settings, "layer_norm_eps", 1e-5)?,
        parallel_attn_mlp: true,
        logit_scale: settings.get("logit_scale")?,
        ..family.config(settings)?
    })
}
