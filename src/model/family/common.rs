//! What several families' files share.

use super::Tensors;
use crate::{
    Result,
    error::LoadError,
    hook::Point,
    load::{FromSetting, Settings},
    model::{
        Architecture, Config, Normalization,
        parts::{Attention, Linear, Norm},
    },
    ops::Activation,
};
use candle_core::Tensor;

/// Refuses a setting that has another value than the only one this crate computes.
pub(super) fn only<T: FromSetting + PartialEq + std::fmt::Display>(
    settings: &Settings,
    key: &str,
    value: T,
) -> Result<()> {
    match settings.find::<T>(key)? {
        Some(given) if given != value => {
            let why = format!("only {value} is");
            Err(LoadError::Unsupported { key: key.into(), value: given.to_string(), why }.into())
        }
        _ => Ok(()),
    }
}

/// The MLP's nonlinearity by its Hugging Face name.
pub(super) fn activation(settings: &Settings, keys: [&str; 2], default: &str) -> Result<Activation> {
    let name = settings.or(keys, default.to_owned())?;
    Activation::from_name(&name).ok_or_else(|| {
        let why = Activation::KNOWN.into();
        LoadError::Unsupported { key: keys[0].into(), value: name, why }.into()
    })
}

/// A norm with `{name}.weight`, and `{name}.bias` where the kind has one, hooked at `points`.
pub(super) fn norm(weights: &impl Tensors, name: &str, config: &Config, points: [Point; 2]) -> Result<Norm> {
    let d = [config.d_model];
    let bias = match config.normalization {
        Normalization::LayerNorm => Some(weights.tensor(&format!("{name}.bias"), &d)?),
        _ => None,
    };
    let weight = Some(weights.tensor(&format!("{name}.weight"), &d)?);
    Ok(Norm { kind: config.normalization, weight, bias, eps: config.eps, points })
}

/// Attention over four projections, as the configuration has it at this layer.
pub(super) fn attention(config: &Config, layer: usize, q: Linear, k: Linear, v: Linear, o: Linear) -> Attention {
    let clipped = |linear: Linear| Linear { clip: config.clip_qkv, ..linear };
    Attention {
        q: clipped(q),
        k: clipped(k),
        v: clipped(v),
        o,
        q_norm: None,
        k_norm: None,
        n_heads: config.n_heads,
        n_key_value_heads: config.n_key_value_heads,
        d_head: config.d_head,
        scale: config.attn_scale(layer),
        soft_cap: config.attn_scores_soft_cap,
        causal: config.architecture != Architecture::Encoder,
        window: config.window(layer),
    }
}

/// `{name}.weight` as PyTorch's `Linear` stores it, `[d_out, d_in]`, turned without copying; `{name}.bias` if there.
pub(super) fn linear(weights: &impl Tensors, name: &str, d_in: usize, d_out: usize) -> Result<Linear> {
    let weight = weights.tensor(&format!("{name}.weight"), &[d_out, d_in])?.t()?;
    Ok(Linear::new(weight, weights.maybe(&format!("{name}.bias"), &[d_out])?))
}

/// The unembedding: the head's own weight, or the embedding turned when the two are tied.
pub(super) fn unembed(weights: &impl Tensors, config: &Config, embed: &Tensor) -> Result<Linear> {
    match config.tied {
        true => Ok(Linear::new(embed.t()?, None)),
        false => linear(weights, "lm_head", config.d_model, config.d_vocab),
    }
}
