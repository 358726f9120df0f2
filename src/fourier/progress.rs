//! [`ProgressMeasures`]: losses that show the circuit forming while the training loss stays flat.

use super::{Fourier, basis::pair};
use crate::{
    Model, Result,
    tensor::from_values,
    train::modular::{MODULUS, ModularAddition, Sums, pairs, score, sum},
};
use candle_core::Tensor;

/// Four losses of a model that adds, in nats ([Nanda et al. 2023](https://arxiv.org/abs/2301.05217), section 5).
///
/// The first two are the usual ones. The others measure the circuit. It adds frequency by frequency, so its output is a
/// wave of `a + b` at its frequencies.
///
/// # Examples
/// ```
/// use glassbox::{fourier::{Fourier, ProgressMeasures}, prelude::*, train::modular::ModularAddition};
/// let (before, after) = (Model::open("modular-addition-1l@0")?, Model::open("modular-addition-1l")?);
/// let key = Fourier::new(53)?.spectrum(after.weights().w_e()?)?.above(0.05);
/// let [first, last] = [before, after].map(|model| ProgressMeasures::of(&model, &ModularAddition::default(), &key));
/// assert!(last?.restricted < first?.restricted);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ProgressMeasures {
    /// The loss on training pairs.
    pub trained: f64,
    /// The loss on all other pairs.
    pub held_out: f64,
    /// The loss on all pairs when the logits keep only their mean and their waves of `a + b` at the circuit's
    /// frequencies. It falls as the circuit learns.
    pub restricted: f64,
    /// The loss on training pairs when just those waves are removed. It rises as the model stops relying on
    /// memorization.
    pub excluded: f64,
}

impl ProgressMeasures {
    /// Measures a model whose circuit uses the frequencies `key`.
    ///
    /// Find these in the final model and measure them in its checkpoints.
    ///
    /// # Errors
    /// Fails when there is no such frequency, or the model does not have the recipe's vocabulary.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{fourier::{Fourier, ProgressMeasures}, prelude::*, train::modular::ModularAddition};
    /// let model = Model::open("modular-addition-1l")?;
    /// let key = Fourier::new(53)?.spectrum(&model.weights().w_e()?)?.above(0.05);
    /// let measures = ProgressMeasures::of(&model, &ModularAddition::default(), &key)?;
    /// assert!(measures.restricted < 0.1); // these frequencies are enough ...
    /// assert!(measures.excluded > 1.0); // ... and without them it fails
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

/// Returns the cosine and sine of `2 pi k (a + b) / p` over all pairs, with length 1, for each frequency.
///
/// # Shapes
/// `[component, pair]`, float64
fn sum_waves(key: &[usize]) -> Result<Tensor> {
    let modulus = MODULUS as usize;
    let fourier = Fourier::new(modulus)?;
    key.iter().try_for_each(|&frequency| fourier.check(frequency))?;
    let sums = pairs().into_iter().map(|pair| sum(pair) as usize).collect::<Vec<_>>();
    let waves = key.iter().flat_map(|&frequency| pair(modulus, frequency, sums.iter().copied()));
    // Each sum occurs as often as there are numbers.
    let values: Vec<f64> = waves.flatten().map(|value| value / (modulus as f64).sqrt()).collect();
    Ok(from_values(values, (2 * key.len(), sums.len()))?)
}
