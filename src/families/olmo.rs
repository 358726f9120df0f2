//! OLMo 1 ([Groeneveld et al. 2024](https://arxiv.org/abs/2402.00838)): Llama with LayerNorms without weights, and with
//! clipped queries, keys and values.
//!
//! Reference: `OlmoForCausalLM` of Hugging Face transformers,
//! <https://github.com/huggingface/transformers/blob/v4.57.0/src/transformers/models/olmo/modeling_olmo.py>

use super::{
    Family,
    llama_like::{FORM, LLAMA, LlamaLike, NormWeight},
};
use crate::{
    Result,
    config::{Config, Normalization},
    load::{Settings, Weights},
};

pub(super) const FAMILY: Family =
    Family { model_type: OLMO.model_type, config, build: |config, weights| OLMO.build(config, weights), ..FORM };

const OLMO: LlamaLike = LlamaLike { model_type: "olmo", norm_weight: NormWeight::Absent, ..LLAMA };

fn config(settings: &Settings, _: &Weights) -> Result<Config> {
    let settings = &OLMO.settings(settings)?;
    Ok(Config {
        normalization: Normalization::LayerNorm,
        // The reference hard-codes this value, whatever the configuration says.
        eps: 1e-5,
        clip_qkv: settings.find("clip_qkv")?,
        ..OLMO.config(settings)?
    })
}
