//! [`Step`] and [`ProcessingRecord`]: the ways to rewrite a model's weights, and the record of those that were applied.

use crate::{Result, error::WeightsError};
use std::fmt;

/// A rewriting of the weights that preserves every log-probability.
///
/// # Examples
/// ```
/// use glassbox::{prelude::*, weights::Step};
/// let processed = Model::open("induction-2l")?.fold_ln()?;
/// assert!(format!("{:?}", processed.processing()).contains(&format!("{:?}", Step::FoldLn)));
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Folds a norm's weight and bias into the matrices that read it: [`Model::fold_ln`](crate::Model::fold_ln).
    FoldLn,
    /// Makes everything written to the residual stream have mean 0:
    /// [`Model::center_writing_weights`](crate::Model::center_writing_weights).
    CenterWritingWeights,
    /// Makes logits have mean 0: [`Model::center_unembed`](crate::Model::center_unembed).
    CenterUnembed,
    /// Moves the biases of values to the output: [`Model::fold_value_biases`](crate::Model::fold_value_biases).
    FoldValueBiases,
    /// Makes each head's matrices orthogonal:
    /// [`Model::refactor_factored_attn_matrices`](crate::Model::refactor_factored_attn_matrices).
    RefactorFactoredAttnMatrices,
}

impl Step {
    /// All steps, in the order in which they are applied.
    pub const ALL: [Self; 5] = [
        Self::FoldLn,
        Self::CenterWritingWeights,
        Self::CenterUnembed,
        Self::FoldValueBiases,
        Self::RefactorFactoredAttnMatrices,
    ];

    /// TransformerLens's name of the step, such as `fold_ln`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FoldLn => "fold_ln",
            Self::CenterWritingWeights => "center_writing_weights",
            Self::CenterUnembed => "center_unembed",
            Self::FoldValueBiases => "fold_value_biases",
            Self::RefactorFactoredAttnMatrices => "refactor_factored_attn_matrices",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The steps that were applied to a model's weights, and those that were left out because they do not apply:
/// [`Model::processing`](crate::Model::processing).
///
/// # Examples
/// ```
/// use glassbox::{Model, weights::Step};
/// let model = Model::open("induction-2l")?;
/// assert!(model.processing().is_empty());
/// assert_eq!(model.fold_ln()?.processing().done(), [Step::FoldLn]);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProcessingRecord {
    done: Vec<Step>,
    left_out: Vec<(Step, &'static str)>,
}

impl ProcessingRecord {
    /// The steps that were applied, in order.
    pub fn done(&self) -> Vec<Step> {
        self.done.clone()
    }

    /// Whether a step was applied.
    pub fn has(&self, step: Step) -> bool {
        self.done.contains(&step)
    }

    /// The steps that were requested but do not apply to this model, with the reason.
    pub fn left_out(&self) -> Vec<(Step, &'static str)> {
        self.left_out.clone()
    }

    /// Whether the weights are unchanged and no other step was requested.
    pub fn is_empty(&self) -> bool {
        self.done.is_empty() && self.left_out.is_empty()
    }

    /// Returns an error if the step, or one that comes after it, was already applied.
    pub(crate) fn check(&self, step: Step) -> Result<()> {
        let step_name = step.name();
        match self.done.iter().find(|done| **done >= step) {
            Some(done) if *done == step => Err(WeightsError::Twice { step: step_name }.into()),
            Some(done) => Err(WeightsError::Order { step: step_name, after: done.name() }.into()),
            None => Ok(()),
        }
    }

    pub(crate) fn record(&mut self, step: Step) {
        self.done.push(step);
    }

    pub(crate) fn leave_out(&mut self, step: Step, why: &'static str) {
        self.left_out.retain(|(other, _)| *other != step);
        self.left_out.push((step, why));
    }
}

impl fmt::Display for ProcessingRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let done = self.done.iter().map(|step| step.name()).collect::<Vec<_>>().join(", ");
        f.write_str(if done.is_empty() { "none" } else { &done })?;
        for (step, why) in &self.left_out {
            write!(f, "; not {step}: {why}")?;
        }
        Ok(())
    }
}
