//! The recipe of `induction-2l`: two layers of attention, trained on lists of words that repeat.
//!
//! To predict a repeated list one must find the word's earlier copy and read off what came after it. Two heads do
//! that together: one in layer 0 that tells every position which word stands before it, and one in layer 1 that looks
//! for the position whose "word before" is the present word: an induction head (Elhage et al. 2021, Olsson et al.
//! 2022). Lists have every length, so looking back a fixed distance does not do.

use super::{Curve, Parameters, Progress, Schedule, descend};
use crate::{
    Model, Result,
    circuits::{HeadScores, head_scores},
    model::{Config, Normalization, Position},
    ops::Activation,
    text::Tokenizer,
};
use candle_core::{Device, Tensor};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::index};

/// The vocabulary: plain English words, one per line.
const WORDS: &str = include_str!("../../data/induction-2l/words.txt");

/// The id of `<bos>`, which begins every text.
const BOS: u32 = 0;

/// Everything that decides the weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// Seed of weights and texts.
    pub seed: u64,
    /// Texts per step.
    pub batch: usize,
    /// Tokens per text, `<bos>` included.
    pub len: usize,
    /// Length and speed of the training.
    pub schedule: Schedule,
}

impl Default for Recipe {
    /// The recipe of the shipped weights.
    fn default() -> Self {
        let schedule = Schedule { steps: 3000, warm_up: 100, peak: 3e-3, weight_decay: 0.01, clip: 1.0 };
        Self { seed: 0, batch: 32, len: 64, schedule }
    }
}

/// A trained model and how it went.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Trained {
    /// The model, its weights rounded to the half precision they are stored in.
    pub model: Model,
    /// The loss at every step.
    pub curve: Curve,
    /// What it can do on texts it has not seen.
    pub evaluation: Evaluation,
    pub(super) parameters: Parameters,
}

/// What the model can do on texts it has not seen.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Evaluation {
    /// Mean loss of the words of second repeats (all but the first, which nothing announces), in nats.
    pub second_repeat_loss: f64,
    /// Part of those words that the model thinks likeliest, 0 to 1.
    pub second_repeat_accuracy: f64,
    /// What its heads look at, averaged over the texts.
    pub heads: HeadScores,
}

impl std::fmt::Display for Evaluation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (loss, accuracy) = (self.second_repeat_loss, 100.0 * self.second_repeat_accuracy);
        writeln!(f, "on lists it has not seen, in their second repeat: loss {loss:.3} nats, {accuracy:.1} % right")?;
        let (layer, head, score) = self.heads.strongest_previous_token();
        writeln!(f, "previous-token head L{layer}H{head}: {score:.3}")?;
        let (layer, head, score) = self.heads.strongest_induction();
        write!(f, "induction head L{layer}H{head}: {score:.3}")
    }
}

/// The words, in order of id from 1.
pub(super) fn words() -> Vec<&'static str> {
    WORDS.lines().map(str::trim).filter(|word| !word.is_empty()).collect()
}

fn config() -> Config {
    let (d_model, n_heads) = (128, 4);
    let d_head = d_model / n_heads;
    Config {
        family: "hooked_transformer".into(),
        n_layers: 2,
        d_model,
        n_heads,
        n_key_value_heads: n_heads,
        d_head,
        d_mlp: 0,
        d_vocab: words().len() + 1,
        n_ctx: 128,
        act_fn: Activation::Relu,
        normalization: Normalization::LayerNorm,
        eps: 1e-5,
        position: Position::Learned,
        attn_scale: 1.0 / (d_head as f64).sqrt(),
        attn_only: true,
        gated_mlp: false,
        tied: false,
    }
}

/// `<bos>`, then a list of different words, over and over, to `len` tokens.
fn text(period: usize, len: usize, rng: &mut StdRng) -> Vec<u32> {
    let list: Vec<u32> = index::sample(rng, words().len(), period).into_iter().map(|word| word as u32 + 1).collect();
    std::iter::once(BOS).chain(list.into_iter().cycle()).take(len).collect()
}

/// A list at least twice in the text.
fn random_text(len: usize, rng: &mut StdRng) -> Vec<u32> {
    let period = rng.random_range(2..=(len - 1) / 2);
    text(period, len, rng)
}

impl Recipe {
    /// Trains the model, reporting after every step.
    ///
    /// # Errors
    /// When the loss stops being a number.
    pub fn train(&self, report: impl FnMut(&Progress)) -> Result<Trained> {
        let mut rng = StdRng::seed_from_u64(self.seed);
        let config = config();
        let parameters = Parameters::random(&config, 0.8 / (config.d_model as f32).sqrt(), &mut rng)?;
        let loss = |_| self.loss(&config, &parameters, &mut rng);
        let curve = descend(&parameters, &self.schedule, loss, report)?;
        let parameters = parameters.rounded()?;
        let model = model(config, &parameters)?;
        let evaluation = evaluate(&model, 32, self.seed + 1)?;
        Ok(Trained { model, curve, evaluation, parameters })
    }

    /// The mean loss over a fresh batch.
    fn loss(&self, config: &Config, parameters: &Parameters, rng: &mut StdRng) -> Result<Tensor> {
        // Texts of every length, so that every position embedding is trained.
        let ids: Vec<u32> = (0..self.batch).flat_map(|_| random_text(self.len, rng)).collect();
        let tokens = Tensor::from_vec(ids, (self.batch, self.len), &Device::Cpu)?;
        let transformer = parameters.transformer(config)?;
        let mut tap = crate::model::Tap::idle();
        let resid = transformer.residual(config, &tokens, config.n_layers, &mut tap)?;
        let resid = resid.narrow(1, 0, self.len - 1)?;
        let logits = transformer.logits(&resid, None, &mut tap)?.flatten_to(1)?;
        let next = tokens.narrow(1, 1, self.len - 1)?.flatten_all()?;
        Ok(candle_nn::loss::cross_entropy(&logits, &next)?)
    }
}

fn model(config: Config, parameters: &Parameters) -> Result<Model> {
    let transformer = parameters.transformer(&config)?;
    let tokenizer = Tokenizer::from_bytes(super::vocabulary::tokenizer_json(&words()).as_bytes())?;
    Ok(Model::from_parts("induction-2l".into(), "trained here".into(), config, transformer, Some(tokenizer)))
}

/// Measures a model on `texts` lists of 4 to 31 words, said twice, that a seed makes.
///
/// # Errors
/// When the model has another vocabulary than the recipe's.
pub fn evaluate(model: &Model, texts: usize, seed: u64) -> Result<Evaluation> {
    let mut rng = StdRng::seed_from_u64(seed);
    let (mut losses, mut right, mut heads) = (Vec::new(), 0, Vec::new());
    for _ in 0..texts {
        let period = rng.random_range(4..=31);
        let run = model.run(text(period, 2 * period + 1, &mut rng))?;
        // Token t is predicted at t - 1; the second repeat's own first word is announced by nothing.
        losses.extend(run.token_losses()?.get(0)?.to_vec1::<f32>()?.split_off(period + 1));
        let ids = run.tokens().ids(0);
        for position in period + 1..2 * period {
            right += usize::from(run.predictions(position as i64, 1)?[0].id == ids[position + 1]);
        }
        heads.push(head_scores(&run)?);
    }
    let count = losses.len() as f64;
    Ok(Evaluation {
        second_repeat_loss: losses.iter().map(|&loss| f64::from(loss)).sum::<f64>() / count,
        second_repeat_accuracy: right as f64 / count,
        heads: HeadScores::mean(&heads),
    })
}
