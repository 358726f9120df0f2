//! The constructors of a [`Metric`].

use super::{Kind, Metric, logits_in};
use crate::{
    Result,
    hook::ToTensor,
    model::{Model, Run, ToTokenIds},
};
use candle_core::{D, Tensor};
use candle_nn::ops::log_softmax;
use std::{borrow::Borrow, sync::Arc};

/// Constructors.
impl Metric {
    /// The logit of an answer minus that of a wrong answer, for `batch` texts, which have one answer each or all the
    /// same. A word is read as it continues the text at the metric's position ([the
    /// rule](crate::model::AnswerWord#the-space-before-a-word)).
    ///
    /// # Errors
    /// When an answer is not a single token, or there are neither one nor `batch` answers.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let run = model.run("red fox blue owl red fox blue")?;
    /// assert!(Metric::logit_diff(&model, "owl", "red", 1)?.of(&run)?[0] > 5.0);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn logit_diff(model: &Model, answer: impl ToTokenIds, wrong: impl ToTokenIds, batch: usize) -> Result<Self> {
        let kind = Kind::LogitDiff { answer: answer.token_ids(model, batch)?, wrong: wrong.token_ids(model, batch)? };
        Ok(Self::made("logit difference", batch, kind).with_words(model, answer.answer_words(), wrong.answer_words()))
    }

    /// The logit of an answer.
    ///
    /// # Errors
    /// As [`Metric::logit_diff`].
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let run = model.run("red fox blue owl red fox blue")?;
    /// assert!((Metric::logit(&model, "owl", 1)?.of(&run)?[0] - run.predictions(-1, 1)?[0].logit).abs() < 1e-4);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn logit(model: &Model, answer: impl ToTokenIds, batch: usize) -> Result<Self> {
        Self::of_answer("logit", model, answer, batch, |answer| Kind::Logit { answer })
    }

    /// The probability of an answer, 0 to 1.
    ///
    /// # Errors
    /// As [`Metric::logit_diff`].
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let run = model.run(["red fox red", "owl ant owl"])?;
    /// let metric = Metric::probability(&model, ["fox", "ant"], 2)?; // an answer for each text
    /// assert!(metric.of(&run)?.iter().all(|probability| *probability > 0.5));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn probability(model: &Model, answer: impl ToTokenIds, batch: usize) -> Result<Self> {
        Self::of_answer("probability", model, answer, batch, |answer| Kind::Probability { answer })
    }

    /// The logarithm of an answer's probability, in nats.
    ///
    /// # Errors
    /// As [`Metric::logit_diff`].
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let run = model.run("red fox blue owl red fox blue")?;
    /// assert!(Metric::log_probability(&model, "owl", 1)?.of(&run)?[0] > -0.1);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn log_probability(model: &Model, answer: impl ToTokenIds, batch: usize) -> Result<Self> {
        Self::of_answer("log-probability (nats)", model, answer, batch, |answer| Kind::LogProbability { answer })
    }

    /// The loss of an answer, in nats: minus the logarithm of its probability.
    ///
    /// # Errors
    /// As [`Metric::logit_diff`].
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let run = model.run("red fox blue owl red fox blue")?;
    /// assert!(Metric::loss(&model, "owl", 1)?.of(&run)?[0] < 0.1);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn loss(model: &Model, answer: impl ToTokenIds, batch: usize) -> Result<Self> {
        Self::of_answer("loss (nats)", model, answer, batch, |answer| Kind::Loss { answer })
    }

    /// The rank of an answer among all tokens; 1 is the most likely. NaN if a logit is.
    ///
    /// # Errors
    /// As [`Metric::logit_diff`].
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let run = model.run("red fox blue owl red fox blue")?;
    /// assert_eq!(Metric::rank(&model, "owl", 1)?.of(&run)?, [1.0]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn rank(model: &Model, answer: impl ToTokenIds, batch: usize) -> Result<Self> {
        Self::of_answer("rank", model, answer, batch, |answer| Kind::Rank { answer })
    }

    /// The Kullback-Leibler divergence from the prediction of `reference` at the end of its texts, in nats. The metric
    /// keeps that run.
    ///
    /// # Errors
    /// When that run has no logits there.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let run = model.run("red fox blue owl red fox blue")?;
    /// let metric = Metric::kl_divergence(&run)?;
    /// assert!(metric.of(&run)?[0].abs() < 1e-5); // from itself
    /// assert!(metric.of(model.run_with(run.tokens(), zero(Site::z(1)))?)?[0] > 1.0);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "kl_div")]
    pub fn kl_divergence(reference: impl Borrow<Run>) -> Result<Self> {
        let reference = reference.borrow();
        let (batch, run) = (reference.tokens().batch(), Box::new(reference.clone()));
        let reference = log_softmax(&logits_in(reference, &[-1])?, D::Minus1)?;
        Ok(Self::made("KL divergence (nats)", batch, Kind::Divergence { reference, run }))
    }

    /// [`Metric::custom`] under the name "metric".
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::new(|logits| logits.max(1)); // the largest logit of each text
    /// assert_eq!(metric.of(model.run(["red fox", "owl ant"])?)?.len(), 2);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn new<R: ToTensor>(measure: impl Fn(&Tensor) -> R + Send + Sync + 'static) -> Self {
        Self::custom("metric", measure)
    }

    /// A metric of your own. The closure receives the logits of the texts at their last positions (see [`Metric::at`]),
    /// `[batch, d_vocab]`, and returns `[batch]`. [`Patching::attribution`](crate::patching::Patching::attribution) needs a
    /// closure that gradients can flow through.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let largest = Metric::custom("largest logit", |logits| logits.max(1));
    /// let run = model.run("red fox red")?;
    /// assert!((largest.of(&run)?[0] - run.predictions(-1, 1)?[0].logit).abs() < 1e-4);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn custom<R: ToTensor>(name: &str, measure: impl Fn(&Tensor) -> R + Send + Sync + 'static) -> Self {
        let measure = move |logits: &Tensor| measure(logits).to_tensor();
        Self { name: name.into(), batch: None, at: vec![-1], kind: Kind::Custom(Arc::new(measure)), words: None }
    }
}
