//! The mixture-of-experts models of Qwen 3 ([Yang et al. 2025](https://arxiv.org/abs/2505.09388)).
//!
//! Reference: `Qwen3MoeForCausalLM` of Hugging Face transformers,
//! <https://github.com/huggingface/transformers/blob/v4.57.0/src/transformers/models/qwen3_moe/modeling_qwen3_moe.py>

use super::{
    Family,
    common::only,
    llama_like::{FORM, LLAMA, LlamaLike, windows},
};
use crate::{
    Result,
    config::{Config, Experts, QkNorm},
    error::LoadError,
    load::{Settings, Weights},
};

pub(super) const FAMILY: Family = Family {
    model_type: QWEN3_MOE.model_type,
    config,
    build: |config, weights| QWEN3_MOE.build(config, weights),
    ..FORM
};

const QWEN3_MOE: LlamaLike = LlamaLike {
    model_type: "qwen3_moe",
    defaults: r#"{
        "max_position_embeddings": 32768, "use_sliding_window": false, "sliding_window": 4096,
        "num_experts_per_tok": 8, "num_experts": 128, "norm_topk_prob": false, "moe_intermediate_size": 768
    }"#,
    ..LLAMA
};

fn config(settings: &Settings, _: &Weights) -> Result<Config> {
    const DENSE: &str = "mlp_only_layers";
    only(settings, "decoder_sparse_step", 1usize)?;
    let dense: Vec<u32> = settings.or(DENSE, Vec::new())?;
    if !dense.is_empty() {
        let why = "it supports only mixtures in every layer".into();
        return Err(LoadError::Unsupported { key: DENSE.into(), value: format!("{dense:?}"), why }.into());
    }
    // Transformers 5 uses a new key for the number of experts. The default of the old key must not override it.
    let count = settings.find(["num_local_experts", "num_experts"])?;
    let settings = &QWEN3_MOE.settings(settings)?;
    let base = QWEN3_MOE.config(settings)?;
    let used: bool = settings.get("use_sliding_window")?;
    let window = settings.find("sliding_window")?.filter(|_| used);
    let count = count.map_or_else(|| settings.get("num_experts"), Ok)?;
    let normalized = settings.get("norm_topk_prob")?;
    Ok(Config {
        d_mlp: settings.get("moe_intermediate_size")?,
        qk_norm: Some(QkNorm::HeadValues),
        windows: windows(settings, base.n_layers, window, |_| window.is_some())?,
        experts: Some(Experts::new(count, settings.get("num_experts_per_tok")?, normalized)),
        ..base
    })
}
