//! OLMo 1 (Groeneveld et al. 2024), as `OlmoForCausalLM` of Hugging Face transformers computes it: Llama with
//! LayerNorms that have no weights, and queries, keys and values cut off.

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
        // The reference has this number in its code, whatever the configuration says.
        eps: 1e-5,
        clip_qkv: settings.find("clip_qkv")?,
        ..OLMO.config(settings)?
    })
}
