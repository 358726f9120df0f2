//! OLMo 3 (Team OLMo 2025): OLMo 2 with a sliding window in all but every fourth layer. Only the layers without a
//! window scale their rotary frequencies for long texts.
//!
//! Reference: `Olmo3ForCausalLM` of Hugging Face transformers,
//! <https://github.com/huggingface/transformers/blob/v4.57.0/src/transformers/models/olmo3/modeling_olmo3.py>

use super::{
    Family,
    llama_like::{FORM, LLAMA, LlamaLike, windows},
    rope::by_layer_type,
};
use crate::{
    Result,
    config::{Config, NormPlace, QkNorm},
    load::{Settings, Weights},
};

pub(super) const FAMILY: Family =
    Family { model_type: OLMO3.model_type, config, build: |config, weights| OLMO3.build(config, weights), ..FORM };

const OLMO3: LlamaLike = LlamaLike {
    model_type: "olmo3",
    defaults: r#"{"rms_norm_eps": 1e-5, "rope_theta": 5e5, "sliding_window": 4096}"#,
    rotary: |settings, d_head| by_layer_type(settings, d_head, "rope_theta").map(|[global, _]| global),
    ..LLAMA
};

fn config(settings: &Settings, _: &Weights) -> Result<Config> {
    let settings = &OLMO3.settings(settings)?;
    let base = OLMO3.config(settings)?;
    let [_, local] = by_layer_type(settings, base.d_head, "rope_theta")?;
    let sliding = |layer: usize| !(layer + 1).is_multiple_of(4);
    Ok(Config {
        norm_place: NormPlace::After,
        qk_norm: Some(QkNorm::Whole),
        windows: windows(settings, base.n_layers, settings.find("sliding_window")?, sliding)?,
        local_rotary: Some(local),
        ..base
    })
}
