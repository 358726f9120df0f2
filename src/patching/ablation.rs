//! Ablations: patching with zeros, means, or the values of another prompt.

use super::{Alignment, Patching, ToMetric, source::Source};
use crate::{Model, Result, model::ToInput};

impl Patching {
    /// Measures what the model loses without each part: every map sets activations to zero and holds the change of the
    /// metric ([`PatchSweep::mean`](super::PatchSweep::mean)). Zeros may be far from every value that the rest of the
    /// model has read in training. [`Patching::mean_ablation`] and [`Patching::resample_ablation`] stay closer (Zhang
    /// and Nanda 2024).
    ///
    /// # Errors
    /// When the metric does not fit the prompts.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{patching::{HeadPart, Metric, Patching}, prelude::*};
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::log_probability(&model, "owl", 1)?;
    /// let ablation = Patching::zero_ablation(&model, "red fox blue owl red fox blue", metric)?;
    /// let change = ablation.heads(HeadPart::Out)?.mean(); // in nats
    /// assert!(change[[0, 0]] < -2.0, "without the head that looks back, the model is lost: {change}");
    /// assert_eq!(ablation.layers()?.mean().shape(), [2, 1]); // this model has attention alone
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn zero_ablation(model: &Model, prompts: impl ToInput, metric: impl ToMetric) -> Result<Self> {
        Self::between(model, Source::Zero, prompts.to_input(model)?, metric.to_metric()?)
    }

    /// As [`Patching::zero_ablation`], with the mean at each position over the texts of a reference (Wang et al. 2023).
    /// It keeps what these texts have in common, such as that a name stands here, and removes what differs, such as
    /// which name.
    ///
    /// # Errors
    /// As [`Patching::zero_ablation`], and when the prompts and the reference texts are not all of one length.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::log_probability(&model, "owl", 1)?;
    /// let others = ["cat hat sun dog ant cat hat", "bell cup pen ship king bell cup"]; // the mean over these
    /// let ablation = Patching::mean_ablation(&model, "red fox blue owl red fox blue", others, metric)?;
    /// assert!(ablation.heads(HeadPart::Out)?.mean()[[1, 0]] < -1.0); // the induction head is needed
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn mean_ablation(
        model: &Model,
        prompts: impl ToInput,
        reference: impl ToInput,
        metric: impl ToMetric,
    ) -> Result<Self> {
        Self::between(model, Source::Mean(reference.to_input(model)?), prompts.to_input(model)?, metric.to_metric()?)
    }

    /// As [`Patching::zero_ablation`], with the activations of another prompt (Chan et al. 2022). The values are those
    /// of `Patching::new(model, others, prompts, metric)`, as changes of the metric.
    ///
    /// # Errors
    /// As [`Patching::zero_ablation`], and when the other prompts differ in number or length.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::log_probability(&model, "owl", 1)?;
    /// let (prompt, other) = ("red fox blue owl red fox blue", "cat hat sun dog ant pen cup");
    /// let ablation = Patching::resample_ablation(&model, prompt, other, metric)?;
    /// assert!(ablation.heads(HeadPart::Out)?.mean()[[1, 0]] < -1.0); // the induction head is needed
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn resample_ablation(
        model: &Model,
        prompts: impl ToInput,
        others: impl ToInput,
        metric: impl ToMetric,
    ) -> Result<Self> {
        Self::resample_ablation_aligned(model, prompts, others, Alignment::SameLength, metric)
    }

    /// As [`Patching::resample_ablation`], with other prompts of any length. The [`Alignment`] says which position of
    /// the other prompt (its clean prompt) corresponds to which position of a prompt (its corrupt prompt).
    ///
    /// # Errors
    /// As [`Patching::resample_ablation`], except for the length. Also when the alignment names a position that does
    /// not exist, names one twice, or leaves a prompt without counterparts.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{patching::{Alignment, HeadPart, Metric, Patching}, prelude::*};
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::log_probability(&model, "owl", 1)?;
    /// let (prompt, other) = ("red fox blue owl red fox blue", "cat red owl tree fox sun dog ant");
    /// let ablation = Patching::resample_ablation_aligned(&model, prompt, other, Alignment::FromEnd, metric)?;
    /// assert!(ablation.heads(HeadPart::Out)?.mean()[[0, 0]] < -1.0);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn resample_ablation_aligned(
        model: &Model,
        prompts: impl ToInput,
        others: impl ToInput,
        alignment: Alignment,
        metric: impl ToMetric,
    ) -> Result<Self> {
        let prompts = prompts.to_input(model)?;
        let source = Source::pair(others.to_input(model)?, &prompts, &alignment)?;
        Self::between(model, source, prompts, metric.to_metric()?)
    }
}
