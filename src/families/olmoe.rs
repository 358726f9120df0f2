//! OLMoE ([Muennighoff et al. 2024](https://arxiv.org/abs/2409.02060)): a mixture of experts. One norm covers the
//! queries of all heads, another the keys.
//!
//! Reference: `OlmoeForCausalLM` of Hugging Face transformers,
//! <https://github.com/huggingface/transformers/blob/v4.57.0/src/transformers/models/olmoe/modeling_olmoe.py>

use super::{
    Family,
    llama_like::{FORM, LLAMA, LlamaLike},
};
use crate::{
    Result,
    config::{Config, Experts, QkNorm},
    error::LoadError,
    load::{Settings, Weights},
};

pub(super) const FAMILY: Family =
    Family { model_type: OLMOE.model_type, config, build: |config, weights| OLMOE.build(config, weights), ..FORM };

const OLMOE: LlamaLike = LlamaLike {
    model_type: "olmoe",
    defaults: r#"{
        "max_position_embeddings": 4096, "rms_norm_eps": 1e-5,
        "num_experts_per_tok": 8, "num_experts": 64, "norm_topk_prob": false
    }"#,
    ..LLAMA
};

fn config(settings: &Settings, _: &Weights) -> Result<Config> {
    if let Some(clip) = settings.find::<f64>("clip_qkv")? {
        let why = "it supports only null, because in this family clipping would follow the norm of queries and \
                   keys"
            .into();
        return Err(LoadError::Unsupported { key: "clip_qkv".into(), value: clip.to_string(), why }.into());
    }
    let settings = &OLMOE.settings(settings)?;
    let normalized = settings.get("norm_topk_prob")?;
    Ok(Config {
        qk_norm: Some(QkNorm::Whole),
        experts: Some(Experts::new(settings.get("num_experts")?, settings.get("num_experts_per_tok")?, normalized)),
        ..OLMOE.config(settings)?
    })
}
