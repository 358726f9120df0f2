//! [`Sums`]: what a model does with every pair of numbers.

use super::{MODULUS, Pair, pairs, prompt, sum};
use crate::{Model, Result, hook::Site, index::Counted, model::Run};
use candle_core::{DType, Device, IndexOp, Tensor};
use ndarray::Array2;

/// One run over all sums `a + b =`, in the order of [`pairs`]: what the model says, and what goes on at `=`.
#[derive(Clone, Debug)]
pub struct Sums {
    run: Run,
    /// `[pair, number]`, float64
    logits: Tensor,
}

/// How well a model adds some pairs.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Score {
    /// The mean loss of the sum, in nats.
    pub loss: f64,
    /// The part of the sums that the model thinks likeliest, 0 to 1.
    pub accuracy: f64,
}

impl Sums {
    /// Runs a model over all of them.
    ///
    /// # Errors
    /// When the model has another vocabulary than the recipe's, or no MLP.
    pub fn of(model: &Model) -> Result<Self> {
        let prompts: Vec<Vec<u32>> = pairs().into_iter().map(|pair| prompt(pair).to_vec()).collect();
        let run = model.pass(&prompts)?.record([Site::mlp_post(0), Site::pattern(0)]).logits_at([-1]).run()?;
        let logits = run.logits()?.i((.., 0, ..MODULUS as usize))?.to_dtype(DType::F64)?;
        Ok(Self { run, logits })
    }

    /// The logits of all numbers.
    ///
    /// # Shapes
    /// `[pair, number]`, float64
    pub fn logits(&self) -> Tensor {
        self.logits.clone()
    }

    /// The probability that the model gives to what is right.
    ///
    /// # Shapes
    /// `[first number, second number]`
    ///
    /// # Errors
    /// When the tensor library refuses.
    pub fn right(&self) -> Result<Array2<f32>> {
        let probabilities = candle_nn::ops::softmax(&self.logits, 1)?.to_dtype(DType::F32)?.to_vec2::<f32>()?;
        let right = |(a, b): (usize, usize)| {
            let row = probabilities.get(a * MODULUS as usize + b);
            row.and_then(|row| row.get(sum((a as u32, b as u32)) as usize)).copied().unwrap_or(0.0)
        };
        Ok(Array2::from_shape_fn((MODULUS as usize, MODULUS as usize), right))
    }

    /// How each head divides its attention at `=`, over `a`, `+`, `b` and `=`: the mean over all pairs.
    ///
    /// # Shapes
    /// `[head, pos]`
    ///
    /// # Errors
    /// When the tensor library refuses.
    pub fn attention(&self) -> Result<Array2<f32>> {
        let mean = self.run.cache().get(Site::pattern(0))?.i((.., .., 3))?.mean(0)?;
        let values = mean.to_vec2::<f32>()?;
        Ok(Array2::from_shape_fn(mean.dims2()?, |(head, pos)| values[head][pos]))
    }

    /// What every neuron says at `=`.
    ///
    /// # Shapes
    /// `[first number, second number, neuron]`
    ///
    /// # Errors
    /// When the tensor library refuses.
    pub fn neurons(&self) -> Result<Tensor> {
        let at_equals = self.run.cache().get(Site::mlp_post(0))?.i((.., 3))?;
        Ok(at_equals.reshape((MODULUS as usize, MODULUS as usize, ()))?)
    }

    /// What one neuron says at `=`.
    ///
    /// # Shapes
    /// `[first number, second number]`
    ///
    /// # Errors
    /// When there is no such neuron.
    pub fn neuron(&self, neuron: usize) -> Result<Array2<f32>> {
        let neurons = self.neurons()?;
        let neuron = Counted::new("neuron", "this model's MLP has neurons", neurons.dim(2)?).at(neuron)?;
        let values = neurons.i((.., .., neuron))?.to_vec2::<f32>()?;
        Ok(Array2::from_shape_fn((MODULUS as usize, MODULUS as usize), |(a, b)| values[a][b]))
    }

    /// How well the model adds some pairs.
    ///
    /// # Errors
    /// When there are none, or a number is not below the modulus.
    pub fn score(&self, pairs: &[Pair]) -> Result<Score> {
        score(&self.logits, pairs)
    }
}

/// The same of any logits of all pairs.
///
/// # Shapes
/// `[pair, number]`, float64
pub(crate) fn score(logits: &Tensor, pairs: &[Pair]) -> Result<Score> {
    let numbers = Counted::new("number", "the numbers that are added are", MODULUS as usize);
    pairs.iter().try_for_each(|&(a, b)| numbers.all_at(&[a, b]))?;
    let places: Vec<u32> = pairs.iter().map(|(a, b)| a * MODULUS + b).collect();
    let answers: Vec<u32> = pairs.iter().copied().map(sum).collect();
    let logits = logits.index_select(&Tensor::from_vec(places, pairs.len(), &Device::Cpu)?, 0)?;
    let answers = Tensor::from_vec(answers, pairs.len(), &Device::Cpu)?;
    let right = logits.argmax(1)?.eq(&answers)?.to_dtype(DType::F64)?;
    let loss: f64 = candle_nn::loss::cross_entropy(&logits, &answers)?.to_scalar()?;
    // Of logits that are NaN none is the largest.
    Ok(Score { loss, accuracy: if loss.is_nan() { loss } else { right.mean_all()?.to_scalar()? } })
}
