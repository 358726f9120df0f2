//! The recipe of `induction-2l`: two layers of attention, trained on repeated lists of words.
//!
//! A text consists of lists of random words and of pieces of earlier lists. Inside such a piece every next word can be
//! predicted: find the earlier copy of the current word and read what came after it. Two heads do this together. One in
//! layer 0 tells every position which word precedes it. One in layer 1 looks for the position whose "previous word" is
//! the current word: an induction head ([Elhage et al.
//! 2021](https://transformer-circuits.pub/2021/framework/index.html), [Olsson et al.
//! 2022](https://arxiv.org/abs/2209.11895)). Pieces start anywhere and have any length, so neither a fixed distance nor
//! a memory of the text's words is enough. The loss counts only predictable words, plus a small penalty for every
//! active head, so that one head does each job.

use super::{Batch, Decay, Parameters, Recipe, Schedule, schedule::within, vocabulary::tokenizer_json};
use crate::{
    Model, Result,
    circuits::{HeadScores, head_scores},
    error::{TrainError, at_most},
    model::Config,
    tensor::from_values,
    text::{SpecialIds, Tokenizer},
};
use candle_core::Tensor;
use rand::{Rng, SeedableRng, rngs::StdRng, seq::index};
use std::{fmt::Display, path::Path};

/// The vocabulary: plain English words, one per line.
const WORDS: &str = include_str!("../../data/induction-2l/words.txt");

/// The id of `<bos>`, which begins every text.
const BOS: u32 = 0;

/// The settings, which determine the weights.
///
/// # Examples
/// ```
/// use glassbox::train::{Recipe, Training, induction::Induction};
/// let recipe = Induction { tokens: 512, ..Induction::default() };
/// assert_eq!(recipe.name(), "induction-2l");
/// Training::start(Box::new(recipe))?;
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Induction {
    /// The number of tokens per step.
    pub tokens: usize,
    /// The penalty in nats per unit of size of each head's output matrix.
    pub head_price: f64,
    /// The seed, length and learning rate.
    pub schedule: Schedule,
}

impl Default for Induction {
    /// The recipe of the shipped weights.
    fn default() -> Self {
        let schedule = Schedule { steps: 2000, warm_up: 100, peak: 4e-3, decay: Decay::Cosine, ..Schedule::default() };
        Self { tokens: 1536, head_price: 0.05, schedule }
    }
}

/// The results of a model on texts it has not seen.
///
/// # Examples
/// ```
/// use glassbox::{prelude::*, train::induction::evaluate};
/// let evaluation = evaluate(&Model::open("induction-2l")?, 4, 0)?;
/// assert!(evaluation.second_repeat_accuracy > 0.9);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Evaluation {
    /// The mean loss of the words in second repeats, in nats. The first word counts as unpredictable and is left out.
    pub second_repeat_loss: f64,
    /// The share of those words that the model finds most likely, 0 to 1.
    pub second_repeat_accuracy: f64,
    /// The head scores, averaged over the texts.
    pub heads: HeadScores,
}

impl Display for Evaluation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (loss, accuracy) = (self.second_repeat_loss, 100.0 * self.second_repeat_accuracy);
        writeln!(f, "on the second repeat of new lists: loss {loss:.3} nats, {accuracy:.1} % right")?;
        let (layer, head, score) = self.heads.strongest_previous_token();
        writeln!(f, "previous-token head L{layer}H{head}: {score:.3}")?;
        let (layer, head, score) = self.heads.strongest_induction();
        write!(f, "induction head L{layer}H{head}: {score:.3}")
    }
}

/// The words in order of their ids, which start at 1.
pub(super) fn words() -> Vec<&'static str> {
    WORDS.lines().map(str::trim).filter(|word| !word.is_empty()).collect()
}

fn config() -> Config {
    let (d_model, n_heads) = (64, 4);
    let d_head = d_model / n_heads;
    Config {
        n_layers: 2,
        d_model,
        d_embed: d_model,
        n_heads,
        n_key_value_heads: n_heads,
        d_head,
        d_vocab: words().len() + 1,
        n_ctx: 64,
        attn_scale: 1.0 / (d_head as f64).sqrt(),
        attn_only: true,
        ..Config::base("hooked_transformer")
    }
}

/// Token ids, and whether each is predictable from the tokens before it.
struct Text {
    ids: Vec<u32>,
    announced: Vec<bool>,
}

/// Returns different words in random order, as ids.
fn shuffled_words(count: usize, rng: &mut StdRng) -> Vec<u32> {
    index::sample(rng, words().len(), count).into_iter().map(|word| word as u32 + 1).collect()
}

/// Returns `len` tokens: new lists of 4 to 31 words, and pieces of earlier ones.
fn text(len: usize, rng: &mut StdRng) -> Text {
    let mut fresh = shuffled_words(words().len(), rng).into_iter();
    let mut lists: Vec<Vec<u32>> = Vec::new();
    let (mut ids, mut announced) = (vec![BOS], vec![false]);
    while ids.len() < len {
        let piece = if lists.is_empty() || rng.random_bool(0.25) {
            let list: Vec<u32> = fresh.by_ref().take(rng.random_range(4..=len / 3)).collect();
            announced.extend(list.iter().map(|_| false));
            lists.push(list.clone());
            list
        } else {
            let list = &lists[rng.random_range(0..lists.len())];
            let start = rng.random_range(0..list.len() - 1);
            let piece = list[start..(start + rng.random_range(2..=8)).min(list.len())].to_vec();
            // The first word of a piece is unpredictable.
            announced.extend((0..piece.len()).map(|at| at > 0));
            piece
        };
        ids.extend(piece);
    }
    ids.truncate(len);
    announced.truncate(len);
    Text { ids, announced }
}

/// Returns the initial weights. Positions start as sinusoids: a shift by one is a rotation, which is learned quickly.
/// The heads' outputs start at different sizes, which decides which head takes a job first.
fn initial(config: &Config, rng: &mut StdRng) -> Result<Parameters> {
    let parameters = Parameters::random(config.clone(), 0.1, rng)?;
    let (positions, pairs) = (config.n_ctx, config.d_model / 2);
    let angle = |pos: usize, pair: usize| pos as f32 / 100f32.powf(pair as f32 / pairs as f32);
    let sinusoid = |pos: usize| {
        let waves = [f32::sin, f32::cos].into_iter();
        waves.flat_map(move |wave| (0..pairs).map(move |pair| 0.5 * wave(angle(pos, pair))))
    };
    let sinusoids: Vec<f32> = (0..positions).flat_map(sinusoid).collect();
    parameters.set("pos_embed.W_pos", &from_values(sinusoids, (positions, config.d_model))?)?;
    let sizes: Vec<f32> = (0..config.n_heads).map(|head| 0.1f32.powi(head as i32)).collect();
    let sizes = from_values(sizes, (config.n_heads, 1, 1))?;
    for layer in 0..config.n_layers {
        let name = format!("blocks.{layer}.attn.W_O");
        parameters.set(&name, &parameters.get(&name)?.detach().broadcast_mul(&sizes)?)?;
    }
    Ok(parameters)
}

impl Recipe for Induction {
    fn name(&self) -> &'static str {
        "induction-2l"
    }

    fn schedule(&self) -> Schedule {
        self.schedule.clone()
    }

    fn check(&self) -> Result<()> {
        within("tokens", self.tokens, config().n_ctx..=1 << 24)?;
        within("head_price", self.head_price, 0.0..=1e6)?;
        self.schedule.check()
    }

    fn schedule_mut(&mut self) -> &mut Schedule {
        &mut self.schedule
    }

    fn parameters(&self) -> Result<Parameters> {
        at_most("tokens a step", self.tokens, 1 << 20)?;
        initial(&config(), &mut StdRng::seed_from_u64(self.schedule.seed))
    }

    fn tokenizer(&self) -> Result<Tokenizer> {
        let tokenizer = Tokenizer::from_bytes(tokenizer_json(&words()).as_bytes())?;
        Ok(tokenizer.with_special_ids(SpecialIds { bos: Some(BOS), ..SpecialIds::default() }))
    }

    /// The generator that made the weights also makes the texts, so texts before `from` are made and dropped.
    fn batches(&self, from: usize) -> Box<dyn Iterator<Item = Result<Batch>>> {
        let (recipe, mut rng) = (self.clone(), StdRng::seed_from_u64(self.schedule.seed));
        let weights = initial(&config(), &mut rng).map(drop);
        let mut texts = move |step| recipe.texts(step, &mut rng);
        (0..from).for_each(|step| drop(texts(step)));
        let batches = (from..).map(move |step| batch(&texts(step)));
        Box::new(weights.err().map(Err).into_iter().chain(batches))
    }

    fn held_out(&self) -> Result<Batch> {
        let (len, mut rng) = (config().n_ctx, StdRng::seed_from_u64(self.schedule.seed.wrapping_add(1)));
        batch(&(0..self.tokens / len).map(|_| text(len, &mut rng)).collect::<Vec<_>>())
    }

    fn loss(&self, parameters: &Parameters, batch: &Batch) -> Result<Tensor> {
        Ok((parameters.loss(batch)? + self.price(parameters)?)?)
    }

    fn evaluate(&self, model: &Model) -> Result<Box<dyn Display>> {
        Ok(Box::new(evaluate(model, 32, self.schedule.seed.wrapping_add(1))?))
    }

    fn save(&self, model: &Model, folder: &Path) -> Result<()> {
        model.save_native(folder)
    }
}

impl Induction {
    /// The first texts are half as long, because heads form sooner when there is less to attend to.
    fn texts(&self, step: usize, rng: &mut StdRng) -> Vec<Text> {
        let n_ctx = config().n_ctx;
        let len = if 10 * step < 3 * self.schedule.steps { n_ctx / 2 } else { n_ctx };
        (0..self.tokens / len).map(|_| text(len, rng)).collect()
    }

    /// The penalty for active heads: the size of each head's output matrix. Without it all heads of a layer end up
    /// doing the same.
    fn price(&self, parameters: &Parameters) -> Result<Tensor> {
        let size = |layer: usize| -> Result<Tensor> {
            let outputs = parameters.get(&format!("blocks.{layer}.attn.W_O"))?;
            Ok(outputs.sqr()?.sum((1, 2))?.sqrt()?.sum_all()?)
        };
        let sizes = (0..parameters.config().n_layers).map(size).collect::<Result<Vec<_>>>()?;
        Ok((Tensor::stack(&sizes, 0)?.sum_all()? * self.head_price)?)
    }
}

/// Only predictable words count.
fn batch(texts: &[Text]) -> Result<Batch> {
    let ids: Vec<&[u32]> = texts.iter().map(|text| &*text.ids).collect();
    Batch::next_tokens(&ids, |text, position| texts.get(text).is_some_and(|text| text.announced[position]))
}

/// Measures a model on `texts` lists of 4 to 31 words, repeated once, made from a seed.
///
/// # Errors
/// Fails when the model does not have the recipe's vocabulary, or `texts` is 0 or more than 100,000.
///
/// # Examples
/// ```
/// use glassbox::{prelude::*, train::induction::evaluate};
/// let evaluation = evaluate(&Model::open("induction-2l")?, 4, 0)?;
/// assert_eq!(evaluation.heads.strongest_induction().0, 1); // in layer 1
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn evaluate(model: &Model, texts: usize, seed: u64) -> Result<Evaluation> {
    at_most("texts", texts, 100_000)?;
    if texts == 0 {
        return Err(TrainError::NothingMeasured.into());
    }
    let mut rng = StdRng::seed_from_u64(seed);
    let (mut losses, mut right, mut heads) = (Vec::new(), 0, Vec::new());
    for _ in 0..texts {
        let period = rng.random_range(4..=31);
        let list = shuffled_words(period, &mut rng);
        let run = model.run([&[BOS][..], &list, &list].concat())?;
        // Token t is predicted at t - 1. The first word of the second repeat is unpredictable.
        losses.extend(run.loss_per_token()?.get(0)?.to_vec1::<f32>()?.split_off(period + 1));
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
