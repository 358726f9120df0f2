//! [`Metric`]: one number for each text.

mod make;
mod placed;

use super::align::Counterparts;
use crate::{
    Model, Result,
    error::{Error, PatchError, need_f32},
    hook::{Stack, ToIndex},
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

/// One number for each text of a batch, computed from the logits at its last position, or at another ([`Metric::at`]).
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
    /// The number of texts; `None` for any number.
    batch: Option<usize>,
    /// The position that it reads: one for all texts, or one for each.
    at: Vec<i64>,
    kind: Kind,
    /// Answers given as words, until the texts before them are known.
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

/// What an experiment accepts as its metric: a [`Metric`], a reference to one, or the `Result` that one was made with.
pub trait ToMetric {
    /// Returns the metric.
    ///
    /// # Errors
    /// Returns the error that the metric could not be made with.
    fn to_metric(self) -> Result<Metric>;
}

impl ToMetric for Metric {
    fn to_metric(self) -> Result<Metric> {
        Ok(self)
    }
}

impl ToMetric for &Metric {
    fn to_metric(self) -> Result<Metric> {
        Ok(self.clone())
    }
}

impl<E: Into<Error>> ToMetric for Result<Metric, E> {
    fn to_metric(self) -> Result<Metric> {
        self.map_err(Into::into)
    }
}

impl Metric {
    fn made(name: &str, batch: usize, kind: Kind) -> Self {
        Self { name: name.into(), batch: Some(batch), at: vec![-1], kind, words: None }
    }

    /// A metric with one answer for each text.
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

    /// Returns the same metric under another name. The metrics of one experiment
    /// ([`Patching::also`](super::Patching::also)) need different names.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// assert_eq!(Metric::logit(&model, "owl", 1)?.named("logit of owl").name(), "logit of owl");
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn named(self, name: &str) -> Self {
        Self { name: name.into(), ..self }
    }

    /// Returns the same metric at another position of each text. -1 is the last position that is not padding. In an
    /// encoder, give the position of the `[MASK]`.
    ///
    /// # Errors
    /// When the metric is a divergence whose reference run has no logits there.
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
    /// As [`Metric::at`], and when the numbers of positions and texts differ.
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

    /// The position, as given, if it is the same for all texts.
    pub(crate) fn one_position(&self) -> Option<i64> {
        if let [position] = self.at[..] { Some(position) } else { None }
    }

    /// The position that it reads in each text, counted along the tensor.
    pub(super) fn answers(&self, tokens: &Tokens) -> Result<Vec<usize>> {
        (0..tokens.batch()).map(|text| tokens.index_in(text, of_text(&self.at, text))).collect()
    }

    /// The same metric for the prompts that correspond to `tokens`. A position counted from the start moves to its
    /// counterpart; one counted from the end is each text's own.
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

    /// The name of the metric, for axes and legends.
    pub fn name(&self) -> String {
        self.name.clone()
    }

    /// Returns the metric of each text of a run.
    ///
    /// # Shapes
    /// `[batch]`
    ///
    /// # Errors
    /// When the run has no logits at the metric's position, or the numbers of texts and answers differ.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::probability(&model, "fox", 1)?;
    /// assert_eq!(metric.of(model.run(["red fox red"])?)?.len(), 1);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
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

    /// The tokens whose logits suffice: lists with one token for each text. `None` for the whole vocabulary.
    pub(super) fn looks_at(&self) -> Option<Vec<&[u32]>> {
        match &self.kind {
            Kind::LogitDiff { answer, wrong } => Some(vec![answer, wrong]),
            Kind::Logit { answer } => Some(vec![answer]),
            _ => None,
        }
    }

    /// The metric from the logits of the tokens of [`Metric::looks_at`].
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

    /// The metric as a tensor with gradients to the logits.
    ///
    /// # Errors
    /// When the metric changes in steps, so that its gradient is 0 or undefined.
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

/// The value of each text's own token.
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
