//! The weights of a model in training.

use crate::{
    Result,
    error::{LoadError, nearest},
    model::{Config, family::native, transformer::Transformer},
};
use candle_core::{DType, Device, Tensor, Var};
use rand::rngs::StdRng;
use rand_distr::{Distribution, Normal};
use std::collections::BTreeMap;

/// Variables under their TransformerLens names.
#[derive(Clone, Debug)]
pub(crate) struct Parameters(pub(crate) BTreeMap<String, Var>);

impl Parameters {
    /// Weights drawn from a normal distribution of deviation `std`, norms at 1, biases at 0.
    pub(crate) fn random(config: &Config, std: f32, rng: &mut StdRng) -> Result<Self> {
        let mut parameters = BTreeMap::new();
        for (name, shape) in native::shapes(config) {
            let tensor = match name.rsplit('.').next().unwrap_or_default() {
                "w" => Tensor::ones(shape, DType::F32, &Device::Cpu)?,
                bias if bias.starts_with('b') => Tensor::zeros(shape, DType::F32, &Device::Cpu)?,
                _ => normal(shape, std, rng)?,
            };
            parameters.insert(name, Var::from_tensor(&tensor)?);
        }
        Ok(Self(parameters))
    }

    /// The model these variables make; its gradient reaches them.
    pub(crate) fn transformer(&self, config: &Config) -> Result<Transformer> {
        native::build(config, &self.0)
    }

    /// All variables, in order of name.
    pub(crate) fn vars(&self) -> Vec<Var> {
        self.0.values().cloned().collect()
    }

    fn var(&self, name: &str) -> Result<&Var> {
        let nearest = || nearest(name, self.0.keys().cloned(), 3).join(", ");
        self.0.get(name).ok_or_else(|| LoadError::MissingTensor { name: name.into(), nearest: nearest() }.into())
    }

    /// One of them; a gradient of what is made of it reaches it.
    pub(crate) fn tracked(&self, name: &str) -> Result<Tensor> {
        Ok(self.var(name)?.as_tensor().clone())
    }

    /// Gives one of them another value.
    pub(crate) fn set(&self, name: &str, value: &Tensor) -> Result<()> {
        Ok(self.var(name)?.set(value)?)
    }
}

fn normal(shape: Vec<usize>, std: f32, rng: &mut StdRng) -> Result<Tensor> {
    // A deviation that is no number would be a bug of the recipe, not of its user.
    let normal = Normal::new(0.0, std).map_err(|error| candle_core::Error::Msg(error.to_string()))?;
    let count = shape.iter().product();
    let values: Vec<f32> = normal.sample_iter(rng).take(count).collect();
    Ok(Tensor::from_vec(values, shape, &Device::Cpu)?)
}
