//! Gemma 2 ([Gemma Team 2024](https://arxiv.org/abs/2408.00118)): Gemma with norms before and after attention and MLP,
//! soft-capped scores and logits, and a sliding window in every second layer, starting with the first.
//!
//! Reference: `Gemma2ForCausalLM` of Hugging Face transformers,
//! <https://github.com/huggingface/transformers/blob/v4.57.0/src/transformers/models/gemma2/modeling_gemma2.py>

use super::{
    Family,
    common::activation,
    gemma::{GEMMA, shared},
    llama_like::{FORM, LlamaLike, windows},
};
use crate::{
    Result,
    config::{Config, NormPlace},
    load::{Settings, Weights},
};

pub(super) const FAMILY: Family =
    Family { model_type: GEMMA2.model_type, config, build: |config, weights| GEMMA2.build(config, weights), ..FORM };

const GEMMA2: LlamaLike = LlamaLike {
    model_type: "gemma2",
    defaults: r#"{
        "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256, "max_position_embeddings": 8192,
        "hidden_activation": "gelu_pytorch_tanh", "tie_word_embeddings": true, "query_pre_attn_scalar": 256,
        "sliding_window": 4096, "attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0
    }"#,
    ..GEMMA
};

fn config(settings: &Settings, _: &Weights) -> Result<Config> {
    let settings = &GEMMA2.settings(settings)?;
    let base = shared_from_2(&GEMMA2, settings)?;
    Ok(Config {
        windows: windows(settings, base.n_layers, settings.find("sliding_window")?, |layer| layer % 2 == 0)?,
        attn_scores_soft_cap: settings.find("attn_logit_softcapping")?,
        ..base
    })
}

/// The part of the configuration that Gemma 2 and 3 share.
pub(super) fn shared_from_2(family: &LlamaLike, settings: &Settings) -> Result<Config> {
    let scalar: f64 = settings.get("query_pre_attn_scalar")?;
    Ok(Config {
        act_fn: activation(settings, ["hidden_activation", "hidden_activation"], "gelu_pytorch_tanh")?,
        norm_place: NormPlace::PreAndPost,
        attn_scale: 1.0 / scalar.sqrt(),
        output_logits_soft_cap: settings.find("final_logit_softcapping")?,
        ..shared(family, settings)?
    })
}
