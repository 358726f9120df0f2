//! [`Metric`]: one number for each text.

mod placed;

use super::align::Counterparts;
use crate::{
    Model, Result,
    error::{Error, PatchError, need_f32},
    hook::{Stack, ToIndex, ToTensor},
    model::{Run, ToTokenIds},
    order::rank,
    tensor::vector,
    text::Tokens,
};
use candle_core::{D, Tensor};
use candle_nn::ops::log_softmax;
use placed::Words;
use std::{borrow::Borrow, sync::Arc};

type Measure = Arc<dyn Fn(&Tensor) -> Result<Tensor> + Send + Sync>;

/// One number for each text of a batch, from the logits at its last position or at another ([`Metric::at`]).
///
/// # Examples
/// ```
/// use glassbox::{patching::Metric, prelude::*};
/// let model = Model::open("induction-2l")?;
/// let run = model.run("red fox blue owl red fox blue")?;
/// let metric = Metric::logit_diff(&model, "owl", "red", 1)?;
/// assert!((metric.of(&run)?[0] - run.logit_diff("owl", "red", -1)?).abs() < 1e-4);
/// let probability = Metric::probability(&model, "owl", 1)?;
/// assert!(probability.of(&run)?[0] > 0.9);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[doc(alias("patching_metric", "ioi_metric"))]
#[derive(Clone)]
pub struct Metric {
    name: String,
    /// As many as texts, in all of them.
    batch: Option<usize>,
    /// Where it looks: one position for all texts, or one for each.
    at: Vec<i64>,
    kind: Kind,
    /// Answers given as words, until it is known which texts they follow.
    words: Option<Words>,
}

#[derive(Clone)]
enum Kind {
    LogitDiff {
        answer: Vec<u32>,
        wrong: Vec<u32>,
    },
    Logit {
        answer: Vec<u32>,
    },
    Probability {
        answer: Vec<u32>,
    },
    LogProbability {
        answer: Vec<u32>,
    },
    Loss {
        answer: Vec<u32>,
    },
    Rank {
        answer: Vec<u32>,
    },
    /// Log-probabilities `[batch, d_vocab]` that the others are held against, and where they are from.
    Divergence {
        reference: Tensor,
        run: Box<Run>,
    },
    Custom(Measure),
}

impl Metric {
    fn made(name: &str, batch: usize, kind: Kind) -> Self {
        Self { name: name.into(), batch: Some(batch), at: vec![-1], kind, words: None }
    }

    /// Of one answer a text.
    fn of_answer(
        name: &str,
        model: &Model,
        answer: impl ToTokenIds,
        batch: usize,
        kind: impl Fn(Vec<u32>) -> Kind,
    ) -> Result<Self> {
        let ids = answer.token_ids(model, batch)?;
        Ok(Self::made(name, batch, kind(ids)).with_words(model, answer.answer_words(), Vec::new()))
    }

    /// The same under another name. Of several metrics of one experiment ([`Patching::also`](super::Patching::also)) each
    /// needs its own.
    pub fn named(self, name: &str) -> Self {
        Self { name: name.into(), ..self }
    }

    /// The same from the logits at another position of each text, counted as everywhere: -1 is the last that is no
    /// padding. In an encoder that is where the `[MASK]` stands.
    ///
    /// # Errors
    /// When it is a divergence, and its reference has no logits there.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{patching::{Metric, Patching}, prelude::*};
    /// let model = Model::open("induction-2l")?;
    /// // What follows the second "fox", whatever the text goes on with?
    /// let (clean, corrupt) = ("red fox blue red fox owl", "red owl blue red fox owl");
    /// let metric = Metric::logit(&model, "blue", 1)?.at(-2)?;
    /// let map = Patching::new(&model, clean, corrupt, metric)?.resid_pre()?;
    /// assert!((0..2).all(|layer| map.mean()[[layer, 6]].abs() < 1e-4), "\"owl\" comes after that");
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn at(self, position: impl ToIndex) -> Result<Self> {
        self.at_each([position])
    }

    /// As [`Metric::at`], with a position for each text.
    ///
    /// # Errors
    /// As there; also when there are not as many positions as texts.
    pub fn at_each(self, positions: impl IntoIterator<Item = impl ToIndex>) -> Result<Self> {
        let mut moved = Self { at: positions.into_iter().map(ToIndex::to_index).collect(), ..self };
        if moved.at.is_empty() {
            return Err(PatchError::Positions { positions: 0, texts: moved.batch.unwrap_or(1) }.into());
        }
        if let Kind::Divergence { run, .. } = &moved.kind {
            moved.check(run.tokens().batch())?;
            let reference = log_softmax(&logits_in(run, &moved.at)?, D::Minus1)?;
            moved.kind = Kind::Divergence { reference, run: run.clone() };
        }
        Ok(moved)
    }

    /// The one position of all texts, as it was given.
    pub(crate) fn one_position(&self) -> Option<i64> {
        if let [position] = self.at[..] { Some(position) } else { None }
    }

    /// Where it looks in each text, counted along the tensor.
    pub(super) fn answers(&self, tokens: &Tokens) -> Result<Vec<usize>> {
        (0..tokens.batch()).map(|text| tokens.index_in(text, of_text(&self.at, text))).collect()
    }

    /// The same for the prompts whose positions answer to those of `tokens`: what is counted from the start is looked at in
    /// its counterpart, what is counted from the end is each text's own.
    pub(super) fn at_counterparts(&self, counterparts: &Counterparts, tokens: &Tokens) -> Result<Self> {
        if self.at.iter().all(|&position| position < 0) {
            return Ok(self.clone());
        }
        let there = |text: usize| match of_text(&self.at, text) {
            position if position < 0 => Ok(position),
            position => match counterparts.get(Stack::Blocks, text, tokens.index_in(text, position)?) {
                Some(there) => Ok(there as i64),
                None => Err(PatchError::NoCounterpart { position, text }.into()),
            },
        };
        Ok(Self { at: (0..tokens.batch()).map(there).collect::<Result<_>>()?, ..self.clone() })
    }

    /// The logit of an answer less that of a wrong one, for `batch` texts (each has its own, or all have one). A word is read
    /// as its text goes on where the metric looks ([the rule](crate::model::AnswerWord#the-space-before-a-word)).
    ///
    /// # Errors
    /// When an answer is no single token, or there are neither one nor `batch` of them.
    pub fn logit_diff(model: &Model, answer: impl ToTokenIds, wrong: impl ToTokenIds, batch: usize) -> Result<Self> {
        let kind = Kind::LogitDiff { answer: answer.token_ids(model, batch)?, wrong: wrong.token_ids(model, batch)? };
        Ok(Self::made("logit difference", batch, kind).with_words(model, answer.answer_words(), wrong.answer_words()))
    }

    /// The logit of an answer.
    ///
    /// # Errors
    /// As [`Metric::logit_diff`].
    pub fn logit(model: &Model, answer: impl ToTokenIds, batch: usize) -> Result<Self> {
        Self::of_answer("logit", model, answer, batch, |answer| Kind::Logit { answer })
    }

    /// The probability of an answer, 0 to 1.
    ///
    /// # Errors
    /// As [`Metric::logit_diff`].
    pub fn probability(model: &Model, answer: impl ToTokenIds, batch: usize) -> Result<Self> {
        Self::of_answer("probability", model, answer, batch, |answer| Kind::Probability { answer })
    }

    /// The logarithm of an answer's probability, in nats.
    ///
    /// # Errors
    /// As [`Metric::logit_diff`].
    pub fn log_probability(model: &Model, answer: impl ToTokenIds, batch: usize) -> Result<Self> {
        Self::of_answer("log-probability (nats)", model, answer, batch, |answer| Kind::LogProbability { answer })
    }

    /// The place of the answer among all tokens, from 1 for the likeliest; NaN where a logit is.
    ///
    /// # Errors
    /// As [`Metric::logit_diff`].
    pub fn rank(model: &Model, answer: impl ToTokenIds, batch: usize) -> Result<Self> {
        Self::of_answer("rank", model, answer, batch, |answer| Kind::Rank { answer })
    }

    /// The Kullback-Leibler divergence from what `reference` predicts at the end of its texts, in nats. Keeps that run.
    ///
    /// # Errors
    /// When that run has no logits there.
    #[doc(alias = "kl_div")]
    pub fn kl_divergence(reference: impl Borrow<Run>) -> Result<Self> {
        let reference = reference.borrow();
        let (batch, run) = (reference.tokens().batch(), Box::new(reference.clone()));
        let reference = log_softmax(&logits_in(reference, &[-1])?, D::Minus1)?;
        Ok(Self::made("KL divergence (nats)", batch, Kind::Divergence { reference, run }))
    }

    /// [`Metric::custom`] under the name "metric".
    pub fn new<R: ToTensor>(measure: impl Fn(&Tensor) -> R + Send + Sync + 'static) -> Self {
        Self::custom("metric", measure)
    }

    /// Anything: the closure is given the logits of the texts at their last positions (see [`Metric::at`]),
    /// `[batch, d_vocab]`, and returns `[batch]`. For [`Patching::attribution`](super::Patching::attribution) gradients must flow through what it does.
    pub fn custom<R: ToTensor>(name: &str, measure: impl Fn(&Tensor) -> R + Send + Sync + 'static) -> Self {
        let measure = move |logits: &Tensor| measure(logits).to_tensor();
        Self { name: name.into(), batch: None, at: vec![-1], kind: Kind::Custom(Arc::new(measure)), words: None }
    }

    /// The loss of an answer, in nats: minus the logarithm of its probability.
    ///
    /// # Errors
    /// As [`Metric::logit_diff`].
    pub fn loss(model: &Model, answer: impl ToTokenIds, batch: usize) -> Result<Self> {
        Self::of_answer("loss (nats)", model, answer, batch, |answer| Kind::Loss { answer })
    }

    /// What it measures, for axes and legends.
    pub fn name(&self) -> String {
        self.name.clone()
    }

    /// The number for each text of a run.
    ///
    /// # Shapes
    /// `[batch]`
    ///
    /// # Errors
    /// When the run has no logits where the metric looks, or not as many texts as the metric has answers.
    pub fn of(&self, run: impl Borrow<Run>) -> Result<Vec<f32>> {
        let run = run.borrow();
        self.check(run.tokens().batch())?;
        self.placed(&run.tokens())?.measure(&logits_in(run, &self.at)?)
    }

    pub(super) fn check(&self, batch: usize) -> Result<()> {
        match self.batch {
            Some(expected) if expected != batch => Err(PatchError::Texts { metric: expected, texts: batch }.into()),
            _ if ![1, batch].contains(&self.at.len()) => {
                Err(PatchError::Positions { positions: self.at.len(), texts: batch }.into())
            }
            _ => Ok(()),
        }
    }

    /// The tokens whose logits are all that is looked at: for each text one list. `None` is the whole vocabulary.
    pub(super) fn looks_at(&self) -> Option<Vec<&[u32]>> {
        match &self.kind {
            Kind::LogitDiff { answer, wrong } => Some(vec![answer, wrong]),
            Kind::Logit { answer } => Some(vec![answer]),
            _ => None,
        }
    }

    /// From the logits of what [`Metric::looks_at`] names, one list for each.
    pub(super) fn combine(&self, logits: &[Vec<f32>]) -> Vec<f32> {
        match logits {
            [answer, wrong] => answer.iter().zip(wrong).map(|(answer, wrong)| answer - wrong).collect(),
            [answer] => answer.clone(),
            _ => Vec::new(),
        }
    }

    /// # Shapes
    /// `logits`: `[batch, d_vocab]`; result: `[batch]`.
    pub(super) fn measure(&self, logits: &Tensor) -> Result<Vec<f32>> {
        match &self.kind {
            Kind::Rank { answer } => {
                let better = |row: &[f32], id: usize| rank(row, id).map_or(f32::NAN, |better| 1.0 + better as f32);
                let rows = logits.to_vec2::<f32>()?;
                Ok(rows.iter().zip(answer).map(|(row, &id)| better(row, id as usize)).collect())
            }
            _ => Ok(self.tensor(logits)?.to_vec1()?),
        }
    }

    /// The same as a tensor through which gradients flow back to the logits.
    ///
    /// # Errors
    /// When the metric goes in steps, so that its gradient is 0 wherever it has one.
    pub(super) fn tensor(&self, logits: &Tensor) -> Result<Tensor> {
        match &self.kind {
            Kind::LogitDiff { answer, wrong } => Ok((of_tokens(logits, answer)? - of_tokens(logits, wrong)?)?),
            Kind::Logit { answer } => of_tokens(logits, answer),
            Kind::Probability { answer } => Ok(of_tokens(&log_softmax(logits, D::Minus1)?, answer)?.exp()?),
            Kind::LogProbability { answer } => of_tokens(&log_softmax(logits, D::Minus1)?, answer),
            Kind::Loss { answer } => Ok(of_tokens(&log_softmax(logits, D::Minus1)?, answer)?.neg()?),
            Kind::Rank { .. } => Err(PatchError::NoGradient { metric: self.name.clone() }.into()),
            Kind::Divergence { reference, .. } => {
                let log_probabilities = log_softmax(logits, D::Minus1)?;
                let gain = ((reference - log_probabilities)? * reference.exp()?)?;
                Ok(gain.sum(D::Minus1)?)
            }
            Kind::Custom(measure) => {
                let of_closure = |why: Error| why.of_closure(format!("the metric `{}`", self.name), logits.dims());
                let values = measure(logits).map_err(of_closure)?;
                let (metric, given, batch) = (self.name.clone(), logits.dims().to_vec(), logits.dim(0)?);
                if values.dims() != [batch] {
                    return Err(PatchError::MetricShape { metric, given, got: values.dims().to_vec(), batch }.into());
                }
                need_f32(|| format!("what the metric `{metric}` gave"), &values)?;
                Ok(values)
            }
        }
    }
}

/// Each text's value for its own token.
///
/// # Shapes
/// `values`: `[batch, d_vocab]`; result: `[batch]`.
fn of_tokens(values: &Tensor, ids: &[u32]) -> Result<Tensor> {
    let ids = Tensor::new(ids, values.device())?.unsqueeze(1)?;
    Ok(values.contiguous()?.gather(&ids, 1)?.squeeze(1)?)
}

/// The position for one text: its own, or that of all.
fn of_text(at: &[i64], text: usize) -> i64 {
    at.get(text).or(at.first()).copied().unwrap_or(-1)
}

/// A run's logits at a position of each text.
///
/// # Shapes
/// `[batch, d_vocab]`
fn logits_in(run: &Run, at: &[i64]) -> Result<Tensor> {
    let row = |text| Ok(vector(run.logits_at(text, of_text(at, text))?)?);
    Ok(Tensor::stack(&(0..run.tokens().batch()).map(row).collect::<Result<Vec<_>>>()?, 0)?)
}
