//! Mistral 7B ([Jiang et al. 2023](https://arxiv.org/abs/2310.06825)): Llama with a sliding window.
//!
//! Reference: `MistralForCausalLM` of Hugging Face transformers,
//! <https://github.com/huggingface/transformers/blob/v4.57.0/src/transformers/models/mistral/modeling_mistral.py>

use super::{
    Family,
    llama_like::{FORM, LLAMA, LlamaLike, windows},
};
use crate::{
    Result,
    config::Config,
    load::{Settings, Weights},
};

pub(super) const FAMILY: Family =
    Family { model_type: MISTRAL.model_type, config, build: |config, weights| MISTRAL.build(config, weights), ..FORM };

const MISTRAL: LlamaLike = LlamaLike { model_type: "mistral", defaults: r#"{"sliding_window": 4096}"#, ..LLAMA };

fn config(settings: &Settings, _: &Weights) -> Result<Config> {
    let settings = &MISTRAL.settings(settings)?;
    let base = MISTRAL.config(settings)?;
    let window = settings.find("sliding_window")?;
    Ok(Config { windows: windows(settings, base.n_layers, window, |_| window.is_some())?, ..base })
}
