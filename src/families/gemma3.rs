//! Gemma 3 ([Gemma Team 2025](https://arxiv.org/abs/2503.19786)): Gemma 2 with norms on queries and keys instead of
//! soft-capped scores. All but every sixth layer have a sliding window and other rotary frequencies.
//!
//! Of models that also read images, only the text model is used.
//!
//! Reference: `Gemma3ForCausalLM` of Hugging Face transformers,
//! <https://github.com/huggingface/transformers/blob/v4.57.0/src/transformers/models/gemma3/modeling_gemma3.py>

use super::{
    Family,
    common::only,
    flags::agree,
    gemma::GEMMA,
    gemma2::shared_from_2,
    llama_like::{FORM, LlamaLike, windows},
    rope::by_layer_type,
};
use crate::{
    Result,
    config::{Config, QkNorm},
    error::LoadError,
    load::{Settings, Weights},
    net::transformer::Transformer,
};

pub(super) const FAMILY: Family =
    Family { model_type: GEMMA3.model_type, config, build: |config, weights| GEMMA3.build(config, weights), ..FORM };

/// Gemma 3 with a vision tower.
pub(super) const WITH_IMAGES: Family =
    Family { model_type: "gemma3", prefixes: TEXT, config: text_config, build: text_build, ..FORM };

/// Prefixes of the names of the text model's tensors.
const TEXT: &[&str] = &["language_model.model.", "model.language_model.", "language_model.", "model."];

const GEMMA3: LlamaLike = LlamaLike {
    model_type: "gemma3_text",
    defaults: r#"{
        "vocab_size": 262208, "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256,
        "max_position_embeddings": 131072, "hidden_activation": "gelu_pytorch_tanh", "tie_word_embeddings": true,
        "query_pre_attn_scalar": 256, "sliding_window": 4096, "sliding_window_pattern": 6,
        "rope_theta": 1e6, "rope_local_base_freq": 1e4
    }"#,
    rotary: |settings, d_head| by_layer_type(settings, d_head, "rope_local_base_freq").map(|[global, _]| global),
    ..GEMMA
};

fn config(settings: &Settings, _: &Weights) -> Result<Config> {
    let settings = &GEMMA3.settings(settings)?;
    let key = "attn_logit_softcapping";
    if let Some(cap) = settings.find::<f64>(key)? {
        let why = "it supports only null".into();
        return Err(LoadError::Unsupported { key: key.into(), value: cap.to_string(), why }.into());
    }
    let base = shared_from_2(&GEMMA3, settings)?;
    let [_, local] = by_layer_type(settings, base.d_head, "rope_local_base_freq")?;
    let pattern: usize = settings.get("sliding_window_pattern")?;
    let sliding = |layer: usize| !(layer + 1).is_multiple_of(pattern);
    Ok(Config {
        windows: windows(settings, base.n_layers, settings.find("sliding_window")?, sliding)?,
        local_rotary: Some(local),
        qk_norm: Some(QkNorm::HeadValues),
        ..base
    })
}

fn text_config(settings: &Settings, weights: &Weights) -> Result<Config> {
    let missing = || LoadError::MissingKey { key: "text_config".into(), family: "gemma3".into() };
    let text = settings.section("text_config")?.ok_or_else(missing)?;
    only(&text, "model_type", GEMMA3.model_type.to_owned())?;
    agree(&text, weights, GEMMA3.model_type)?;
    let stored =
        |part: &&str| weights.leave_out(&format!("{part}.")) + weights.leave_out(&format!("model.{part}.")) > 0;
    let left_out =
        ["vision_tower", "multi_modal_projector"].iter().filter(|part| stored(part)).map(|part| part.to_string());
    Ok(Config { family: "gemma3".into(), left_out: left_out.collect(), ..config(&text, weights)? })
}

fn text_build(config: &Config, weights: &Weights) -> Result<Transformer> {
    GEMMA3.build(config, weights)
}
