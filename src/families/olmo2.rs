//! OLMo 2 (Walsh et al. 2024), as `Olmo2ForCausalLM` of Hugging Face transformers computes it: norms on what attention
//! and MLP write, none on what they read, and one over all queries and one over all keys.
//!
//! The hooks say what happens: the norms are `ln1_post` and `ln2_post`, as Gemma 2's are, and `hook_attn_out` and
//! `hook_mlp_out` are what is added to the residual stream. TransformerLens 3.5.1 calls these norms `ln1` and `ln2`,
//! and hooks `hook_attn_out` and `hook_mlp_out` before them, so that its residual streams are not the sums of those.

use super::{
    Family,
    llama_like::{FORM, LLAMA, LlamaLike},
};
use crate::{
    Result,
    config::{Config, NormPlace, QkNorm},
    load::{Settings, Weights},
};

pub(super) const FAMILY: Family =
    Family { model_type: OLMO2.model_type, config, build: |config, weights| OLMO2.build(config, weights), ..FORM };

const OLMO2: LlamaLike = LlamaLike { model_type: "olmo2", defaults: r#"{"rms_norm_eps": 1e-5}"#, ..LLAMA };

fn config(settings: &Settings, _: &Weights) -> Result<Config> {
    let base = OLMO2.config(&OLMO2.settings(settings)?)?;
    Ok(Config { norm_place: NormPlace::After, qk_norm: Some(QkNorm::Whole), ..base })
}
