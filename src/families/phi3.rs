//! Phi 3 and 4 ([Abdin et al. 2024](https://arxiv.org/abs/2404.14219)): Llama with queries, keys and values in one
//! matrix, gate and input of the MLP in another, and LongRoPE.
//!
//! Reference: `Phi3ForCausalLM` of Hugging Face transformers,
//! <https://github.com/huggingface/transformers/blob/v4.57.0/src/transformers/models/phi3/modeling_phi3.py>

use super::{
    Family,
    llama_like::{FORM, LLAMA, LlamaLike, windows},
    rope::Rope,
};
use crate::{
    Result,
    config::Config,
    load::{Settings, Weights},
};

pub(super) const FAMILY: Family =
    Family { model_type: PHI3.model_type, config, build: |config, weights| PHI3.build(config, weights), ..FORM };

const PHI3: LlamaLike = LlamaLike {
    model_type: "phi3",
    defaults: r#"{
        "max_position_embeddings": 4096, "original_max_position_embeddings": 4096, "rms_norm_eps": 1e-5
    }"#,
    rotary: |settings, d_head| {
        let rope = Rope::of(settings)?;
        rope.rotary(rope.dims(d_head)?)
    },
    ..LLAMA
};

fn config(settings: &Settings, _: &Weights) -> Result<Config> {
    let settings = &PHI3.settings(settings)?;
    let base = PHI3.config(settings)?;
    let window = settings.find("sliding_window")?;
    Ok(Config { windows: windows(settings, base.n_layers, window, |_| window.is_some())?, ..base })
}
