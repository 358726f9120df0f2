//! Gemma 1 ([Gemma Team 2024](https://arxiv.org/abs/2403.08295)): Llama with norms that multiply by 1 plus their
//! weight, embeddings multiplied by sqrt(d_model), and gelu.
//!
//! Reference: `GemmaForCausalLM` of Hugging Face transformers,
//! <https://github.com/huggingface/transformers/blob/v4.57.0/src/transformers/models/gemma/modeling_gemma.py>

use super::{
    Family,
    common::only,
    llama_like::{FORM, LLAMA, LlamaLike, NormWeight},
};
use crate::{
    Result,
    config::Config,
    load::{Settings, Weights},
    ops::Activation,
};

pub(super) const FAMILY: Family =
    Family { model_type: GEMMA.model_type, config, build: |config, weights| GEMMA.build(config, weights), ..FORM };

pub(super) const GEMMA: LlamaLike = LlamaLike {
    model_type: "gemma",
    defaults: r#"{
        "head_dim": 256, "hidden_act": "gelu_pytorch_tanh", "max_position_embeddings": 8192,
        "tie_word_embeddings": true
    }"#,
    norm_weight: NormWeight::AndOne,
    ..LLAMA
};

fn config(settings: &Settings, _: &Weights) -> Result<Config> {
    let base = shared(&GEMMA, &GEMMA.settings(settings)?)?;
    // The first releases say "gelu" but mean its tanh approximation.
    let act_fn = if base.act_fn == Activation::Gelu { Activation::GeluNew } else { base.act_fn };
    Ok(Config { act_fn, ..base })
}

/// The part of the configuration that Gemma 1 to 3 share.
pub(super) fn shared(family: &LlamaLike, settings: &Settings) -> Result<Config> {
    only(settings, "use_bidirectional_attention", false)?;
    let base = family.config(settings)?;
    Ok(Config { embed_scale: (base.d_model as f64).sqrt(), ..base })
}
