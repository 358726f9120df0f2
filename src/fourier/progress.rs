//! [`ProgressMeasures`]: what goes on inside while the loss stands still.

use super::{Fourier, basis::pair};
use crate::{
    Model, Result,
    train::modular::{MODULUS, ModularAddition, Sums, pairs, score, sum},
};
use candle_core::{Device, Tensor};

/// Four losses of a model that adds, in nats (Nanda et al. 2023, section 5). The first two are what everybody sees. The
/// others watch the circuit: it adds frequency by frequency, so what it says is a wave of `a + b` at its frequencies.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ProgressMeasures {
    /// On pairs that are trained on.
    pub trained: f64,
    /// On all others.
    pub held_out: f64,
    /// On all pairs, with nothing left of the logits but their waves of `a + b` at the circuit's frequencies, and their
    /// mean: it falls as the circuit comes to know the answer.
    pub restricted: f64,
    /// On pairs that are trained on, with just those waves taken away: it rises as the model stops knowing them by heart.
    pub excluded: f64,
}

impl ProgressMeasures {
    /// Measures a model whose circuit is to use the frequencies `key`. It is found in the finished model and looked for in
    /// its checkpoints.
    ///
    /// # Errors
    /// When there is no such frequency, or the model has another vocabulary than the recipe's.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{fourier::{Fourier, ProgressMeasures}, prelude::*, train::modular::ModularAddition};
    /// let model = Model::open("modular-addition-1l")?;
    /// let key = Fourier::new(53)?.spectrum(&model.weights().w_e()?)?.above(0.05);
    /// let measures = ProgressMeasures::of(&model, &ModularAddition::default(), &key)?;
    /// assert!(measures.restricted < 0.1); // these frequencies are enough ...
    /// assert!(measures.excluded > 1.0); // ... and without them it knows nothing
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn of(model: &Model, recipe: &ModularAddition, key: &[usize]) -> Result<Self> {
        let logits = Sums::of(model)?.logits().clone();
        let waves = sum_waves(key)?;
        let circuit = waves.t()?.matmul(&waves.matmul(&logits)?)?;
        let restricted = circuit.broadcast_add(&logits.mean_keepdim(0)?)?;
        let excluded = (&logits - &circuit)?;
        let (trained, held_out) = recipe.split();
        Ok(Self {
            trained: score(&logits, &trained)?.loss,
            held_out: score(&logits, &held_out)?.loss,
            restricted: score(&restricted, &pairs())?.loss,
            excluded: score(&excluded, &trained)?.loss,
        })
    }
}

/// Cosine and sine of `2 pi k (a + b) / p` over all pairs, of length 1, for each frequency.
///
/// # Shapes
/// `[wave, pair]`, float64
fn sum_waves(key: &[usize]) -> Result<Tensor> {
    let modulus = MODULUS as usize;
    let fourier = Fourier::new(modulus)?;
    key.iter().try_for_each(|&frequency| fourier.check(frequency))?;
    let sums = pairs().into_iter().map(|pair| sum(pair) as usize).collect::<Vec<_>>();
    let waves = key.iter().flat_map(|&frequency| pair(modulus, frequency, sums.iter().copied()));
    // Each sum comes as often as there are numbers.
    let values: Vec<f64> = waves.flatten().map(|value| value / (modulus as f64).sqrt()).collect();
    Ok(Tensor::from_vec(values, (2 * key.len(), sums.len()), &Device::Cpu)?)
}
