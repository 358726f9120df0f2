//! OLMo 2 ([Walsh et al. 2024](https://arxiv.org/abs/2501.00656)): norms on the outputs of attention and MLP instead of
//! their inputs, one norm over all queries and one over all keys.
//!
//! The hooks follow the computation: the norms are `ln1_post` and `ln2_post`, as in Gemma 2, and `hook_attn_out` and
//! `hook_mlp_out` are what is added to the residual stream. TransformerLens 3.5.1 calls these norms `ln1` and `ln2` and
//! puts `hook_attn_out` and `hook_mlp_out` before them, so its residual stream is not the sum of its hooks.
//!
//! Reference: `Olmo2ForCausalLM` of Hugging Face transformers,
//! <https://github.com/huggingface/transformers/blob/v4.57.0/src/transformers/models/olmo2/modeling_olmo2.py>

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
