//! [`Metric`]: one number for the end of each text.

use crate::{Model, Result, decompose::ToTokenIds, error::PatchError, model::Run};
use candle_core::{D, Tensor};
use candle_nn::ops::log_softmax;
use std::{fmt, sync::Arc};

type Measure = Arc<dyn Fn(&Tensor) -> Result<Tensor> + Send + Sync>;

/// One number for each text of a batch, from the logits at its last position.
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
#[derive(Clone)]
pub struct Metric {
    name: String,
    /// As many as texts, in all of them.
    batch: Option<usize>,
    kind: Kind,
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
    /// Log-probabilities `[batch, d_vocab]` that the others are held against.
    Divergence {
        reference: Tensor,
    },
    Custom(Measure),
}

impl Metric {
    fn new(name: &str, batch: usize, kind: Kind) -> Self {
        Self { name: name.into(), batch: Some(batch), kind }
    }

    /// The logit of an answer less that of a wrong one, for `batch` texts (each has its own, or all have one).
    ///
    /// # Errors
    /// When an answer is no single token, or there are neither one nor `batch` of them.
    pub fn logit_diff(model: &Model, answer: impl ToTokenIds, wrong: impl ToTokenIds, batch: usize) -> Result<Self> {
        let (answer, wrong) = (answer.token_ids(model, batch)?, wrong.token_ids(model, batch)?);
        Ok(Self::new("logit difference", batch, Kind::LogitDiff { answer, wrong }))
    }

    /// The logit of an answer.
    ///
    /// # Errors
    /// As [`Metric::logit_diff`].
    pub fn logit(model: &Model, answer: impl ToTokenIds, batch: usize) -> Result<Self> {
        Ok(Self::new("logit", batch, Kind::Logit { answer: answer.token_ids(model, batch)? }))
    }

    /// The probability of an answer, 0 to 1.
    ///
    /// # Errors
    /// As [`Metric::logit_diff`].
    pub fn probability(model: &Model, answer: impl ToTokenIds, batch: usize) -> Result<Self> {
        Ok(Self::new("probability", batch, Kind::Probability { answer: answer.token_ids(model, batch)? }))
    }

    /// The logarithm of an answer's probability, in nats.
    ///
    /// # Errors
    /// As [`Metric::logit_diff`].
    pub fn log_probability(model: &Model, answer: impl ToTokenIds, batch: usize) -> Result<Self> {
        Ok(Self::new("log-probability (nats)", batch, Kind::LogProbability { answer: answer.token_ids(model, batch)? }))
    }

    /// How many tokens the model finds likelier than the answer: 0 is the best.
    ///
    /// # Errors
    /// As [`Metric::logit_diff`].
    pub fn rank(model: &Model, answer: impl ToTokenIds, batch: usize) -> Result<Self> {
        Ok(Self::new("rank", batch, Kind::Rank { answer: answer.token_ids(model, batch)? }))
    }

    /// The Kullback-Leibler divergence from what `reference` predicts at the end of its texts, in nats.
    ///
    /// # Errors
    /// When that run has no logits there.
    pub fn divergence(reference: &Run) -> Result<Self> {
        let logits = last_logits(reference)?;
        let batch = logits.dim(0)?;
        let reference = log_softmax(&logits, D::Minus1)?;
        Ok(Self::new("KL divergence (nats)", batch, Kind::Divergence { reference }))
    }

    /// Anything: the closure is given the logits of the texts at their last positions, `[batch, d_vocab]`, and returns
    /// `[batch]`. For [`Patching::attribution`](super::Patching::attribution) gradients must flow through what it does.
    pub fn custom(name: &str, measure: impl Fn(&Tensor) -> Result<Tensor> + Send + Sync + 'static) -> Self {
        Self { name: name.into(), batch: None, kind: Kind::Custom(Arc::new(measure)) }
    }

    /// The loss of an answer, in nats: minus the logarithm of its probability.
    ///
    /// # Errors
    /// As [`Metric::logit_diff`].
    pub fn loss(model: &Model, answer: impl ToTokenIds, batch: usize) -> Result<Self> {
        Ok(Self::new("loss (nats)", batch, Kind::Loss { answer: answer.token_ids(model, batch)? }))
    }

    /// The same for all texts so many times, one round after the other.
    pub(super) fn repeated(&self, rounds: usize) -> Result<Self> {
        let again = |ids: &[u32]| ids.repeat(rounds);
        let kind = match &self.kind {
            Kind::LogitDiff { answer, wrong } => Kind::LogitDiff { answer: again(answer), wrong: again(wrong) },
            Kind::Logit { answer } => Kind::Logit { answer: again(answer) },
            Kind::Probability { answer } => Kind::Probability { answer: again(answer) },
            Kind::LogProbability { answer } => Kind::LogProbability { answer: again(answer) },
            Kind::Loss { answer } => Kind::Loss { answer: again(answer) },
            Kind::Rank { answer } => Kind::Rank { answer: again(answer) },
            Kind::Divergence { reference } => Kind::Divergence { reference: reference.repeat((rounds, 1))? },
            Kind::Custom(measure) => Kind::Custom(measure.clone()),
        };
        Ok(Self { name: self.name.clone(), batch: self.batch.map(|batch| batch * rounds), kind })
    }

    /// What it measures, for axes and legends.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number for each text of a run.
    ///
    /// # Shapes
    /// `[batch]`
    ///
    /// # Errors
    /// When the run has no logits at the ends of its texts, or as many texts as the metric has answers.
    pub fn of(&self, run: &Run) -> Result<Vec<f32>> {
        let logits = last_logits(run)?;
        self.check(logits.dim(0)?)?;
        self.measure(&logits)
    }

    pub(super) fn check(&self, batch: usize) -> Result<()> {
        match self.batch {
            Some(expected) if expected != batch => Err(PatchError::Texts { metric: expected, texts: batch }.into()),
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
                let better = |row: &[f32], id: usize| row.iter().filter(|&&logit| logit > row[id]).count() as f32;
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
            Kind::Divergence { reference } => {
                let log_probabilities = log_softmax(logits, D::Minus1)?;
                let gain = ((reference - log_probabilities)? * reference.exp()?)?;
                Ok(gain.sum(D::Minus1)?)
            }
            Kind::Custom(measure) => {
                let values = measure(logits)?;
                match values.dims() == [logits.dim(0)?] {
                    true => Ok(values),
                    false => Err(PatchError::MetricShape { got: values.dims().to_vec(), batch: logits.dim(0)? }.into()),
                }
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

/// The logits at the last position of each text that is no padding.
///
/// # Shapes
/// `[batch, d_vocab]`
pub(super) fn last_logits(run: &Run) -> Result<Tensor> {
    let rows =
        (0..run.tokens().batch()).map(|text| Ok(Tensor::new(run.logits_at(text, -1)?, &candle_core::Device::Cpu)?));
    Ok(Tensor::stack(&rows.collect::<Result<Vec<_>>>()?, 0)?)
}

impl fmt::Debug for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Metric({})", self.name)
    }
}
