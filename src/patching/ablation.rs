//! Ablations: patches of nothing in particular.

use super::{Alignment, Metric, Patching, source::Source};
use crate::{Model, Result, model::ToInput};

impl Patching {
    /// What the model loses without a part: each of the methods puts zeros there, and maps the change of the metric
    /// ([`PatchSweep::mean`](super::PatchSweep::mean)). Zeros may be far from anything the rest of the model has ever
    /// read; [`Patching::mean_ablation`] and [`Patching::resample_ablation`] stay nearer (Zhang and Nanda 2024).
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
    pub fn zero_ablation(model: &Model, prompts: impl ToInput, metric: Metric) -> Result<Self> {
        Self::between(model, Source::Zero, prompts.to_input(model)?, metric)
    }

    /// As [`Patching::zero_ablation`], with the mean at each position over the texts of a reference: keeps what all of
    /// these have in common (Wang et al. 2023), such as that a name comes here, and loses which.
    ///
    /// # Errors
    /// As there; also when the prompts and the reference's texts are not all of one length.
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
        metric: Metric,
    ) -> Result<Self> {
        Self::between(model, Source::Mean(reference.to_input(model)?), prompts.to_input(model)?, metric)
    }

    /// As [`Patching::zero_ablation`], with what the run of another prompt has there (Chan et al. 2022). The values are
    /// those of `Patching::new(model, others, prompts, metric)`, on the scale of the metric's change.
    ///
    /// # Errors
    /// As there; also when the others are not as many or not as long.
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
        metric: Metric,
    ) -> Result<Self> {
        Self::resample_ablation_aligned(model, prompts, others, Alignment::SameLength, metric)
    }

    /// As [`Patching::resample_ablation`], with others of any length: the [`Alignment`] says which position of another
    /// prompt (the clean one, there) answers to which of a prompt (the corrupt one).
    ///
    /// # Errors
    /// As there, but for the length; also when the alignment names a position that is not there or names one twice, or
    /// leaves a prompt without counterparts.
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
        metric: Metric,
    ) -> Result<Self> {
        let prompts = prompts.to_input(model)?;
        let source = Source::pair(others.to_input(model)?, &prompts, &alignment)?;
        Self::between(model, source, prompts, metric)
    }
}
