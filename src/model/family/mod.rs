//! One short file per family, which only translates configuration keys and weight names into the canonical parts.

mod gpt2;
mod llama;
pub(crate) mod native;
mod rope;

use super::{Config, Normalization, linear::Linear, norm::Norm, transformer::Transformer};
use crate::{
    Result,
    error::LoadError,
    load::{Checkpoint, Settings, Weights},
};
use candle_core::{Tensor, Var};
use std::collections::BTreeMap;

/// How one architecture is read.
struct Family {
    /// The `model_type` of its configuration.
    model_type: &'static str,
    config: fn(&Settings, &Weights) -> Result<Config>,
    build: fn(&Config, &Weights) -> Result<Transformer>,
    /// Ends of the names of tensors that are computed, not learned, and may be left unread.
    buffers: &'static [&'static str],
}

const FAMILIES: &[Family] = &[gpt2::FAMILY, llama::FAMILY, native::FAMILY];

/// The architecture and the parts of a checkpoint.
///
/// # Errors
/// When the family is unknown, a setting is missing, malformed or not implemented, or the weights do not fit it.
pub(crate) fn build(checkpoint: &Checkpoint) -> Result<(Config, Transformer)> {
    let model_type = checkpoint.settings.model_type()?;
    let Some(family) = FAMILIES.iter().find(|family| family.model_type == model_type) else {
        let known = FAMILIES.iter().map(|family| family.model_type).collect::<Vec<_>>().join(", ");
        return Err(LoadError::UnknownFamily { given: model_type, known }.into());
    };
    let config = (family.config)(&checkpoint.settings, &checkpoint.weights)?;
    sensible(&config)?;
    let transformer = (family.build)(&config, &checkpoint.weights)?;
    checkpoint.weights.refuse_unused(family.model_type, family.buffers)?;
    Ok((config, transformer))
}

/// Refuses sizes that no model can have, before any weight is read by them.
fn sensible(config: &Config) -> Result<()> {
    let bad = |key: &str, value: String, why: &str| -> Result<()> {
        Err(LoadError::Unsupported { key: key.into(), value, why: why.into() }.into())
    };
    let Config { n_layers, d_model, n_heads, n_key_value_heads, d_head, d_vocab, n_ctx, .. } = config;
    for (key, size) in [
        ("number of layers", n_layers),
        ("width", d_model),
        ("number of heads", n_heads),
        ("number of key heads", n_key_value_heads),
        ("width of a head", d_head),
        ("vocabulary", d_vocab),
        ("context length", n_ctx),
    ] {
        if *size == 0 {
            return bad(key, "0".into(), "it must be at least 1");
        }
    }
    if n_heads % n_key_value_heads != 0 {
        return bad(
            "number of key heads",
            n_key_value_heads.to_string(),
            &format!("it must divide the {n_heads} heads"),
        );
    }
    Ok(())
}

/// Refuses a setting that has another value than the only one this crate computes.
fn only<T: crate::load::FromSetting + PartialEq + std::fmt::Display>(
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
fn activation(settings: &Settings, keys: [&str; 2], default: &str) -> Result<crate::ops::Activation> {
    let name = settings.or(keys, default.to_owned())?;
    crate::ops::Activation::from_name(&name).ok_or_else(|| {
        let why = "known are relu, gelu, gelu_new and silu".into();
        LoadError::Unsupported { key: keys[0].into(), value: name, why }.into()
    })
}

/// Where a family's tensors come from: a checkpoint, or the variables of a model in training.
pub(crate) trait Tensors {
    fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor>;
    fn has(&self, name: &str) -> bool;

    /// A tensor that may be absent.
    fn maybe(&self, name: &str, shape: &[usize]) -> Result<Option<Tensor>> {
        self.has(name).then(|| self.tensor(name, shape)).transpose()
    }
}

impl Tensors for Weights {
    fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        self.get(name, shape)
    }

    fn has(&self, name: &str) -> bool {
        self.contains(name)
    }
}

impl Tensors for BTreeMap<String, Var> {
    fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        let missing = || LoadError::MissingTensor { name: name.into(), nearest: String::new() };
        let tensor = self.get(name).ok_or_else(missing)?.as_tensor().clone();
        match tensor.dims() == shape {
            true => Ok(tensor),
            false => {
                Err(LoadError::TensorShape { name: name.into(), got: tensor.dims().to_vec(), expected: shape.to_vec() }
                    .into())
            }
        }
    }

    fn has(&self, name: &str) -> bool {
        self.contains_key(name)
    }
}

/// A norm with `{name}.weight`, and `{name}.bias` where the kind has one.
fn norm(weights: &impl Tensors, name: &str, config: &Config) -> Result<Norm> {
    let d = [config.d_model];
    let bias = match config.normalization {
        Normalization::LayerNorm => Some(weights.tensor(&format!("{name}.bias"), &d)?),
        _ => None,
    };
    let weight = Some(weights.tensor(&format!("{name}.weight"), &d)?);
    Ok(Norm { kind: config.normalization, weight, bias, eps: config.eps })
}

/// `{name}.weight` as PyTorch's `Linear` stores it, `[d_out, d_in]`, turned without copying; `{name}.bias` if there.
fn linear(weights: &impl Tensors, name: &str, d_in: usize, d_out: usize) -> Result<Linear> {
    let weight = weights.tensor(&format!("{name}.weight"), &[d_out, d_in])?.t()?;
    Ok(Linear::new(weight, weights.maybe(&format!("{name}.bias"), &[d_out])?))
}

/// The unembedding: the head's own weight, or the embedding turned when the two are tied.
fn unembed(weights: &impl Tensors, tied: bool, embed: &Tensor, config: &Config) -> Result<Linear> {
    match tied {
        true => Ok(Linear::new(embed.t()?, None)),
        false => linear(weights, "lm_head", config.d_model, config.d_vocab),
    }
}
