//! The recipe of `grammar-4l`: a GPT-2 with four layers, trained on the small English of [`corpus`](crate::corpus).
//!
//! A text is `<bos>` followed by sentences, cut off at the end of the model's context. Every token counts in the loss.
//! The verdicts `true` and `false` count again, because they are rare: otherwise the model would learn them last, by
//! memorizing each wording separately. Held-out material ([`Partition`]) is never read. Embedding and unembedding are
//! one matrix, as in GPT-2. So a predicted word and a read word are vectors in the same space, which helps to judge
//! whether a statement is true.

mod evaluation;

use super::{Batch, Decay, Parameters, Recipe, Schedule, schedule::within};
use crate::{
    Model, Result,
    corpus::{Grammar, Partition, tokenizer_json, vocabulary},
    error::{at_most, together},
    model::Config,
    ops::Activation,
    tensor::{from_values, vector},
    text::{SpecialIds, Tokenizer},
};
use candle_core::{DType, Tensor};
use candle_nn::loss::cross_entropy;
pub use evaluation::{Evaluation, evaluate};
use rand::{SeedableRng, rngs::StdRng};
use std::{collections::HashMap, fmt::Display, path::Path};

/// The settings, which determine the weights.
///
/// # Examples
/// ```
/// use glassbox::train::{Recipe, grammar::English};
/// let recipe = English { texts: 8, ..English::default() };
/// assert_eq!(recipe.name(), "grammar-4l");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct English {
    /// The number of texts per step.
    pub texts: usize,
    /// The number of tokens per text.
    pub len: usize,
    /// The standard deviation of the initial weights.
    pub deviation: f32,
    /// The weight of the mean loss of the verdicts (`true`, `false`), added to the mean loss of all words.
    pub verdicts: f64,
    /// The seed, length and learning rate.
    pub schedule: Schedule,
}

impl Default for English {
    /// The recipe of the shipped weights.
    fn default() -> Self {
        let schedule = Schedule {
            steps: 14_000,
            warm_up: 50,
            peak: 3e-3,
            decay: Decay::Linear,
            weight_decay: 0.05,
            ..Schedule::default()
        };
        Self { texts: 16, len: N_CTX, deviation: 0.1, verdicts: 5.0, schedule }
    }
}

const N_CTX: usize = 40;

const VERDICTS: [&str; 2] = ["true", "false"];

/// The id of `<bos>`, which begins every text.
const BOS_ID: u32 = 0;

fn config(d_vocab: usize) -> Config {
    let (d_model, n_heads) = (128, 4);
    let d_head = d_model / n_heads;
    Config {
        n_layers: 4,
        d_model,
        d_embed: d_model,
        n_heads,
        n_key_value_heads: n_heads,
        d_head,
        d_mlp: 2 * d_model,
        d_vocab,
        n_ctx: N_CTX,
        act_fn: Activation::GeluNew,
        attn_scale: 1.0 / (d_head as f64).sqrt(),
        tied: true,
        ..Config::base("gpt2")
    }
}

/// The id of every word.
fn ids() -> HashMap<String, u32> {
    (1..).zip(vocabulary()).map(|(id, word)| (word, id)).collect()
}

/// Returns initial positions: sinusoids. A shift by one is a rotation, so looking one word back is learned quickly.
///
/// # Shapes
/// `[pos, d_model]`
fn sinusoids(config: &Config, size: f32) -> Result<Tensor> {
    let pairs = config.d_model / 2;
    let wave = |pos: usize, at: usize| {
        let angle = pos as f32 / 100f32.powf((at % pairs) as f32 / pairs as f32);
        size * if at < pairs { angle.sin() } else { angle.cos() }
    };
    let waves: Vec<f32> = (0..config.n_ctx).flat_map(|pos| (0..config.d_model).map(move |at| wave(pos, at))).collect();
    Ok(from_values(waves, (config.n_ctx, config.d_model))?)
}

impl English {
    /// Returns texts of one length, made from a seed.
    fn batch(&self, ids: &HashMap<String, u32>, material: Partition, seed: u64) -> Result<Batch> {
        let mut sentences = Grammar::new(material, seed);
        let text = |_| {
            let words = sentences.by_ref().flat_map(|sentence| sentence.words);
            let known = words.filter_map(|word| ids.get(&word.text).copied());
            std::iter::once(BOS_ID).chain(known).take(self.len).collect()
        };
        Batch::next_tokens(&(0..self.texts).map(text).collect::<Vec<Vec<u32>>>(), |_, _| true)
    }
}

impl Recipe for English {
    fn name(&self) -> &'static str {
        "grammar-4l"
    }

    fn schedule(&self) -> Schedule {
        self.schedule.clone()
    }

    fn check(&self) -> Result<()> {
        within("texts", self.texts, 1..=1 << 20)?;
        within("len", self.len, 2..=N_CTX)?;
        within("deviation", self.deviation, 0.0..=10.0)?;
        within("verdicts", self.verdicts, 0.0..=1e6)?;
        self.schedule.check()
    }

    fn schedule_mut(&mut self) -> &mut Schedule {
        &mut self.schedule
    }

    fn parameters(&self) -> Result<Parameters> {
        at_most("tokens a step", together([self.texts, self.len]), 1 << 20)?;
        let config = config(self.tokenizer()?.d_vocab());
        let smaller = 1.0 / (2.0 * config.n_layers as f64).sqrt();
        let parameters = Parameters::random(config, self.deviation, &mut StdRng::seed_from_u64(self.schedule.seed))?;
        // Matrices that write to the residual stream start small, so that the sum of all outputs is as large as one of
        // them would be.
        let writers = ["attn.W_O", "mlp.W_out"];
        for name in parameters.names() {
            if writers.iter().any(|writer| name.ends_with(writer)) {
                parameters.set(&name, &(parameters.get(&name)?.detach() * smaller)?)?;
            }
        }
        let waves = sinusoids(&parameters.config(), 0.1)?;
        parameters.set("pos_embed.W_pos", &waves)?;
        Ok(parameters)
    }

    fn tokenizer(&self) -> Result<Tokenizer> {
        let tokenizer = Tokenizer::from_bytes(tokenizer_json().as_bytes())?;
        Ok(tokenizer.with_special_ids(SpecialIds { bos: Some(BOS_ID), ..SpecialIds::default() }))
    }

    fn batches(&self, from: usize) -> Box<dyn Iterator<Item = Result<Batch>>> {
        let (recipe, ids, seed) = (self.clone(), ids(), self.schedule.seed << 32);
        Box::new((from as u64..).map(move |step| recipe.batch(&ids, Partition::Training, seed.wrapping_add(step))))
    }

    fn held_out(&self) -> Result<Batch> {
        Self { texts: 64, ..self.clone() }.batch(&ids(), Partition::Training, u64::MAX - self.schedule.seed)
    }

    /// The mean loss of all words, plus that of the verdicts.
    fn loss(&self, parameters: &Parameters, batch: &Batch) -> Result<Tensor> {
        let logits = parameters.logits(batch)?;
        let loss = cross_entropy(&logits, &batch.answers)?;
        let ids = ids();
        let verdicts = VERDICTS.map(|word| ids.get(word).copied());
        let answers = (0..).zip(batch.answers.to_vec1::<u32>()?);
        let places: Vec<u32> =
            answers.filter(|(_, id)| verdicts.contains(&Some(*id))).map(|(place, _)| place).collect();
        if places.is_empty() {
            return Ok(loss);
        }
        let places = vector(places)?;
        let judged = cross_entropy(&logits.index_select(&places, 0)?, &batch.answers.index_select(&places, 0)?)?;
        Ok((loss + (judged * self.verdicts)?)?)
    }

    fn evaluate(&self, model: &Model) -> Result<Box<dyn Display>> {
        Ok(Box::new(evaluate(model, 200, self.schedule.seed.wrapping_add(1))?))
    }

    fn save(&self, model: &Model, folder: &Path) -> Result<()> {
        model.save_hugging_face(folder, DType::F16)
    }
}
