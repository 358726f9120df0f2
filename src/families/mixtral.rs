//! Mixtral ([Jiang et al. 2024](https://arxiv.org/abs/2401.04088)): Mistral with a mixture of experts.
//!
//! Reference: `MixtralForCausalLM` of Hugging Face transformers,
//! <https://github.com/huggingface/transformers/blob/v4.57.0/src/transformers/models/mixtral/modeling_mixtral.py>

use super::{
    Family,
    llama_like::{FORM, LLAMA, LlamaLike, windows},
};
use crate::{
    Result,
    config::{Config, Experts},
    load::{Settings, Weights},
};

pub(super) const FAMILY: Family =
    Family { model_type: MIXTRAL.model_type, config, build: |config, weights| MIXTRAL.build(config, weights), ..FORM };

const MIXTRAL: LlamaLike = LlamaLike {
    model_type: "mixtral",
    defaults: r#"{"rms_norm_eps": 1e-5, "rope_theta": 1e6, "num_experts_per_tok": 2, "num_local_experts": 8}"#,
    experts: ["block_sparse_moe", "w1", "w3", "w2"],
    ..LLAMA
};

fn config(settings: &Settings, _: &Weights) -> Result<Config> {
    let settings = &MIXTRAL.settings(settings)?;
    let base = MIXTRAL.config(settings)?;
    let window = settings.find("sliding_window")?;
    Ok(Config {
        windows: windows(settings, base.n_layers, window, |_| window.is_some())?,
        experts: Some(Experts::new(settings.get("num_local_experts")?, settings.get("num_experts_per_tok")?, true)),
        ..base
    })
}
