//! The recipe of `modular-addition-1l`: one layer that learns to add modulo 53, first by memorizing, then by a general
//! algorithm.
//!
//! A text is `a + b =`, and the answer is `(a + b) mod 53`. A little less than half of all pairs are trained on. After
//! a few hundred steps the model has memorized those and is wrong about all others. Thousands of steps later, with
//! weight decay, it finds an algorithm that needs smaller weights, and then it is right about all pairs. This is
//! grokking ([Power et al. 2022](https://arxiv.org/abs/2201.02177)), in the setting of [Nanda et al.
//! 2023](https://arxiv.org/abs/2301.05217), who found what it learns: the embedding holds the sine and cosine of a few
//! multiples of `2 pi a / 53`, the neurons multiply them, and the unembedding sums them where `cos(2 pi k (a + b - c) /
//! 53)` is largest.
//!
//! As in that paper, the model does not have norms, so its parts are only sums and products. The loss is computed in
//! double precision: for a memorized text it is soon too small for float32, and the step from memorizing to
//! generalizing depends on such texts.

mod sums;

use super::{Batch, Decay, Parameters, Recipe, Schedule, schedule::within, vocabulary};
use crate::{
    Model, Result,
    model::{Config, Normalization},
    ops::Activation,
    plot::LineChart,
    text::Tokenizer,
    train::History,
};
use candle_core::{DType, Tensor};
use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};
use std::{fmt::Display, path::Path};
pub(crate) use sums::score;
pub use sums::{Score, Sums};

/// The modulus of the sums.
///
/// It is prime, so that all frequencies are alike.
pub const MODULUS: u32 = 53;

/// The steps at which the shipped model's weights are kept.
pub const CHECKPOINTS: &[usize] = &[0, 50, 100, 150, 200, 300, 500, 1000, 1250, 1500, 1750, 2000, 2250, 2500, 3000];

/// The settings, which determine the weights.
///
/// # Examples
/// ```
/// use glassbox::train::modular::ModularAddition;
/// let (trained, held_out) = ModularAddition::default().split();
/// assert_eq!(trained.len() + held_out.len(), 53 * 53);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ModularAddition {
    /// The share of all pairs that is trained on, 0 to 1.
    pub trained_part: f64,
    /// The seed, length and learning rate.
    pub schedule: Schedule,
}

impl Default for ModularAddition {
    /// The recipe of the shipped weights.
    fn default() -> Self {
        let schedule = Schedule {
            steps: 3000,
            warm_up: 10,
            peak: 1e-3,
            decay: Decay::Constant,
            weight_decay: 2.0,
            clip: f64::INFINITY,
            evaluate_every: 25,
            ..Schedule::default()
        };
        Self { trained_part: 0.45, schedule }
    }
}

/// Two numbers below [`MODULUS`] to be added.
///
/// # Examples
/// ```
/// use glassbox::train::modular::{Pair, sum};
/// let pair: Pair = (50, 5);
/// assert_eq!(sum(pair), 2);
/// ```
pub type Pair = (u32, u32);

/// Returns the right answer.
///
/// # Examples
/// ```
/// use glassbox::train::modular::sum;
/// assert_eq!(sum((50, 5)), 2); // modulo 53
/// ```
pub fn sum((a, b): Pair) -> u32 {
    (a % MODULUS + b % MODULUS) % MODULUS
}

/// Returns all pairs, by the first and then the second number.
///
/// # Examples
/// ```
/// use glassbox::train::modular::pairs;
/// assert_eq!((pairs().len(), pairs()[1]), (53 * 53, (0, 1)));
/// ```
pub fn pairs() -> Vec<Pair> {
    (0..MODULUS).flat_map(|a| (0..MODULUS).map(move |b| (a, b))).collect()
}

/// Returns `a + b =` as token ids.
///
/// A number's id is the number itself.
///
/// # Examples
/// ```
/// use glassbox::{prelude::*, train::modular::{prompt, sum}};
/// let run = Model::open("modular-addition-1l")?.run(prompt((50, 5)))?;
/// assert_eq!(run.predictions(-1, 1)?[0].id, sum((50, 5)));
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn prompt((a, b): Pair) -> [u32; 4] {
    [a, MODULUS, b, MODULUS + 1]
}

impl ModularAddition {
    /// Returns the pairs that are trained on, and the others.
    ///
    /// # Examples
    /// ```
    /// use glassbox::train::modular::ModularAddition;
    /// let (trained, held_out) = ModularAddition::default().split();
    /// assert!(trained.len() < held_out.len()); // a little less than half
    /// ```
    pub fn split(&self) -> (Vec<Pair>, Vec<Pair>) {
        let mut pairs = pairs();
        // A generator other than that of the weights, which uses the seed itself.
        pairs.shuffle(&mut StdRng::seed_from_u64(self.schedule.seed.wrapping_add(1)));
        let held_out = pairs.split_off((self.trained_part.clamp(0.0, 1.0) * pairs.len() as f64) as usize);
        (pairs, held_out)
    }
}

fn batch(pairs: &[Pair]) -> Result<Batch> {
    let prompts: Vec<_> = pairs.iter().copied().map(prompt).collect();
    let sums: Vec<_> = pairs.iter().copied().map(sum).collect();
    Batch::answers(&prompts, &sums)
}

fn config() -> Config {
    let (d_model, n_heads) = (64, 4);
    let (d_head, d_vocab) = (d_model / n_heads, MODULUS as usize + 2);
    Config {
        n_layers: 1,
        d_model,
        d_embed: d_model,
        n_heads,
        n_key_value_heads: n_heads,
        d_head,
        d_mlp: 256,
        d_vocab,
        n_ctx: 4,
        act_fn: Activation::Relu,
        normalization: Normalization::None,
        attn_scale: 1.0 / (d_head as f64).sqrt(),
        ..Config::base("hooked_transformer")
    }
}

impl Recipe for ModularAddition {
    fn name(&self) -> &'static str {
        "modular-addition-1l"
    }

    fn schedule(&self) -> Schedule {
        self.schedule.clone()
    }

    fn check(&self) -> Result<()> {
        within("trained_part", self.trained_part, 0.001..=0.999)?;
        self.schedule.check()
    }

    fn schedule_mut(&mut self) -> &mut Schedule {
        &mut self.schedule
    }

    /// Every initial matrix keeps the size of its input.
    fn parameters(&self) -> Result<Parameters> {
        let config = config();
        let (d_model, d_mlp) = (config.d_model as f64, config.d_mlp as f64);
        let mut rng = StdRng::seed_from_u64(self.schedule.seed);
        let parameters = Parameters::random(config, d_model.sqrt().recip() as f32, &mut rng)?;
        let output = (parameters.get("blocks.0.mlp.W_out")?.detach() * (d_model / d_mlp).sqrt())?;
        parameters.set("blocks.0.mlp.W_out", &output)?;
        Ok(parameters)
    }

    fn tokenizer(&self) -> Result<Tokenizer> {
        let numbers: Vec<String> = (0..MODULUS).map(|number| number.to_string()).collect();
        let words: Vec<&str> = numbers.iter().map(String::as_str).chain(["+", "="]).collect();
        Tokenizer::from_bytes(vocabulary::plain(&words).as_bytes())
    }

    /// Every step uses all training pairs.
    fn batches(&self, _: usize) -> Box<dyn Iterator<Item = Result<Batch>>> {
        let (trained, _) = self.split();
        let all = batch(&trained);
        Box::new(std::iter::repeat_with(move || all.clone()))
    }

    fn held_out(&self) -> Result<Batch> {
        batch(&self.split().1)
    }

    fn loss(&self, parameters: &Parameters, batch: &Batch) -> Result<Tensor> {
        let logits = parameters.logits(batch)?.to_dtype(DType::F64)?;
        Ok(candle_nn::loss::cross_entropy(&logits, &batch.answers)?)
    }

    fn evaluate(&self, model: &Model) -> Result<Box<dyn Display>> {
        let (trained, held_out) = self.split();
        let sums = Sums::of(model)?;
        Ok(Box::new(Evaluation { trained: sums.score(&trained)?, held_out: sums.score(&held_out)? }))
    }

    fn kept_steps(&self) -> Vec<usize> {
        CHECKPOINTS.to_vec()
    }

    fn save(&self, model: &Model, folder: &Path) -> Result<()> {
        model.save_native(folder)
    }

    fn chart(&self, history: &History) -> LineChart {
        history.chart("Training of modular-addition-1l").log_x().log_y()
    }
}

/// The results of a model on trained and held-out pairs.
///
/// # Examples
/// ```
/// use glassbox::{prelude::*, train::{Recipe, modular::ModularAddition}};
/// let evaluation = ModularAddition::default().evaluate(&Model::open("modular-addition-1l")?)?;
/// assert!(evaluation.to_string().contains("held-out"), "{evaluation}");
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Evaluation {
    /// The score on the pairs that it was trained on.
    pub trained: Score,
    /// The score on the other pairs.
    pub held_out: Score,
}

impl Display for Evaluation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut line = |pairs: &str, Score { loss, accuracy }: Score, end: &str| {
            write!(f, "{pairs}: loss {loss:.2e} nats, {:.2} % right{end}", 100.0 * accuracy)
        };
        line("training pairs", self.trained, "\n")?;
        line("held-out pairs", self.held_out, "")
    }
}
