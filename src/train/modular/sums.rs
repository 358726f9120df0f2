//! [`Sums`]: one run of a model over every pair of numbers.

use super::{MODULUS, Pair, pairs, prompt, sum};
use crate::{Model, Result, hook::Site, index::Counted, model::Run, tensor::from_values};
use candle_core::{DType, IndexOp, Tensor};
use ndarray::Array2;

/// One run over all sums `a + b =`, in the order of [`pairs`]: the answers and the activations at `=`.
///
/// # Examples
/// ```
/// use glassbox::{prelude::*, train::modular::{Sums, pairs}};
/// let sums = Sums::of(&Model::open("modular-addition-1l")?)?;
/// assert_eq!(sums.score(&pairs())?.accuracy, 1.0);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sums {
    run: Run,
    /// `[pair, number]`, float64
    logits: Tensor,
}

/// How well a model adds some pairs.
///
/// # Examples
/// ```
/// use glassbox::{prelude::*, train::modular::{Sums, pairs}};
/// let score = Sums::of(&Model::open("modular-addition-1l@0")?)?.score(&pairs())?; // before the training
/// assert!(score.accuracy < 0.1 && score.loss > 1.0);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Score {
    /// The mean loss of the answers, in nats.
    pub loss: f64,
    /// The share of pairs for which the right answer is the most likely, 0 to 1.
    pub accuracy: f64,
}

impl Sums {
    /// Runs a model over all pairs.
    ///
    /// # Errors
    /// Fails when the model does not have the recipe's vocabulary, or an MLP.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{prelude::*, train::modular::Sums};
    /// let sums = Sums::of(&Model::open("modular-addition-1l")?)?;
    /// assert_eq!(sums.logits().dims(), [53 * 53, 53]); // [pair, number]
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn of(model: &Model) -> Result<Self> {
        let prompts: Vec<Vec<u32>> = pairs().into_iter().map(|pair| prompt(pair).to_vec()).collect();
        let run = model.pass(&prompts)?.record([Site::mlp_post(0), Site::pattern(0)]).logits_at([-1]).run()?;
        let logits = run.logits()?.i((.., 0, ..MODULUS as usize))?.to_dtype(DType::F64)?;
        Ok(Self { run, logits })
    }

    /// The logits of all numbers, for every pair.
    ///
    /// # Shapes
    /// `[pair, number]`, float64
    pub fn logits(&self) -> Tensor {
        self.logits.clone()
    }

    /// Returns the probability that the model gives to the right answer, by first and second number.
    ///
    /// # Shapes
    /// `[number, number]`
    ///
    /// # Errors
    /// Fails when memory runs out.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{prelude::*, train::modular::Sums};
    /// let right = Sums::of(&Model::open("modular-addition-1l")?)?.right()?;
    /// assert!(right.dim() == (53, 53) && right[[50, 5]] > 0.9);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn right(&self) -> Result<Array2<f32>> {
        let probabilities = candle_nn::ops::softmax(&self.logits, 1)?.to_dtype(DType::F32)?.to_vec2::<f32>()?;
        let right = |(a, b): (usize, usize)| {
            let row = probabilities.get(a * MODULUS as usize + b);
            row.and_then(|row| row.get(sum((a as u32, b as u32)) as usize)).copied().unwrap_or(0.0)
        };
        Ok(Array2::from_shape_fn((MODULUS as usize, MODULUS as usize), right))
    }

    /// Returns the mean attention of each head at `=` to `a`, `+`, `b` and `=`, over all pairs.
    ///
    /// # Shapes
    /// `[head, pos]`
    ///
    /// # Errors
    /// Fails when memory runs out.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{prelude::*, train::modular::Sums};
    /// let attention = Sums::of(&Model::open("modular-addition-1l")?)?.attention()?;
    /// assert_eq!(attention.ncols(), 4); // a, +, b, =
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn attention(&self) -> Result<Array2<f32>> {
        let mean = self.run.cache().get(Site::pattern(0))?.i((.., .., 3))?.mean(0)?;
        let values = mean.to_vec2::<f32>()?;
        Ok(Array2::from_shape_fn(mean.dims2()?, |(head, pos)| values[head][pos]))
    }

    /// Returns the activation of every neuron at `=`, by first and second number.
    ///
    /// # Shapes
    /// `[number, number, d_mlp]`
    ///
    /// # Errors
    /// Fails when memory runs out.
    pub fn neurons(&self) -> Result<Tensor> {
        let at_equals = self.run.cache().get(Site::mlp_post(0))?.i((.., 3))?;
        Ok(at_equals.reshape((MODULUS as usize, MODULUS as usize, ()))?)
    }

    /// Returns the activation of one neuron at `=`, by first and second number.
    ///
    /// # Shapes
    /// `[number, number]`
    ///
    /// # Errors
    /// Fails when there is no such neuron.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{prelude::*, train::modular::Sums};
    /// let sums = Sums::of(&Model::open("modular-addition-1l")?)?;
    /// Heatmap::new(sums.neuron(0)?).x("b").y("a").draw()?;
    /// assert_eq!(sums.neuron(0)?.dim(), (53, 53));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn neuron(&self, neuron: usize) -> Result<Array2<f32>> {
        let neurons = self.neurons()?;
        let neuron = Counted::new("neuron", "this model's MLP has neurons", neurons.dim(2)?).at(neuron)?;
        let values = neurons.i((.., .., neuron))?.to_vec2::<f32>()?;
        Ok(Array2::from_shape_fn((MODULUS as usize, MODULUS as usize), |(a, b)| values[a][b]))
    }

    /// Returns how well the model adds some pairs.
    ///
    /// # Errors
    /// Fails when there are no pairs, or a number is not below the modulus.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{prelude::*, train::modular::{ModularAddition, Sums}};
    /// let (_, held_out) = ModularAddition::default().split();
    /// let half_way = Sums::of(&Model::open("modular-addition-1l@300")?)?; // it has memorized, not generalized
    /// assert!(half_way.score(&held_out)?.accuracy < 0.5);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn score(&self, pairs: &[Pair]) -> Result<Score> {
        score(&self.logits, pairs)
    }
}

/// Returns the score for any logits of all pairs.
///
/// # Shapes
/// `[pair, number]`, float64
pub(crate) fn score(logits: &Tensor, pairs: &[Pair]) -> Result<Score> {
    let numbers = Counted::new("number", "the numbers that are added are", MODULUS as usize);
    pairs.iter().try_for_each(|&(a, b)| numbers.all_at(&[a, b]))?;
    let places: Vec<u32> = pairs.iter().map(|(a, b)| a * MODULUS + b).collect();
    let answers: Vec<u32> = pairs.iter().copied().map(sum).collect();
    let logits = logits.index_select(&from_values(places, pairs.len())?, 0)?;
    let answers = from_values(answers, pairs.len())?;
    let right = logits.argmax(1)?.eq(&answers)?.to_dtype(DType::F64)?;
    let loss: f64 = candle_nn::loss::cross_entropy(&logits, &answers)?.to_scalar()?;
    // If logits are NaN, none of them is the largest.
    Ok(Score { loss, accuracy: if loss.is_nan() { loss } else { right.mean_all()?.to_scalar()? } })
}
