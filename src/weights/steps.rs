//! [`Processing`]: which steps of weight processing to apply.

use super::{center, fold, refactor, value_bias};
use crate::{Result, config::Step, model::Config, net::transformer::Transformer};

impl Step {
    /// Returns why the step does not apply to a model: it has nothing to do, or the output would change.
    pub(super) fn obstacle(self, config: &Config, transformer: &Transformer) -> Option<&'static str> {
        match self {
            Self::FoldLn => fold::obstacle(config),
            Self::CenterWritingWeights => center::writing_obstacle(config),
            Self::CenterUnembed => center::unembed_obstacle(config),
            Self::FoldValueBiases => value_bias::obstacle(config, transformer),
            Self::RefactorFactoredAttnMatrices => refactor::obstacle(config),
        }
    }

    /// Applies the step and records it.
    pub(super) fn done_to(self, config: &mut Config, transformer: &mut Transformer) -> Result<()> {
        self.apply(transformer)?;
        config.processed.record(self);
        config.tied &= !self.unties();
        Ok(())
    }

    fn apply(self, transformer: &mut Transformer) -> Result<()> {
        match self {
            Self::FoldLn => fold::apply(transformer),
            Self::CenterWritingWeights => center::writing(transformer),
            Self::CenterUnembed => center::unembed(transformer),
            Self::FoldValueBiases => value_bias::apply(transformer),
            Self::RefactorFactoredAttnMatrices => refactor::apply(transformer),
        }
    }

    /// Whether the embedding and the unembedding are different matrices after the step.
    fn unties(self) -> bool {
        matches!(self, Self::FoldLn | Self::CenterWritingWeights | Self::CenterUnembed)
    }
}

/// Which steps [`Model::processed`](crate::Model::processed) applies.
///
/// The names and defaults are those of TransformerLens's `from_pretrained`: all but the last.
///
/// # Examples
/// ```
/// use glassbox::{prelude::*, weights::Step};
/// let model = Model::open("induction-2l")?;
/// let plain_logits = model.processed(Processing { center_unembed: false, ..Processing::default() })?;
/// let done = [Step::FoldLn, Step::CenterWritingWeights, Step::FoldValueBiases];
/// assert_eq!(plain_logits.processing().done(), done);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Processing {
    /// [`Model::fold_ln`](crate::Model::fold_ln).
    pub fold_ln: bool,
    /// [`Model::center_writing_weights`](crate::Model::center_writing_weights).
    pub center_writing_weights: bool,
    /// [`Model::center_unembed`](crate::Model::center_unembed).
    pub center_unembed: bool,
    /// [`Model::fold_value_biases`](crate::Model::fold_value_biases).
    pub fold_value_biases: bool,
    /// [`Model::refactor_factored_attn_matrices`](crate::Model::refactor_factored_attn_matrices).
    pub refactor_factored_attn_matrices: bool,
}

impl Default for Processing {
    fn default() -> Self {
        let mut processing = Self::all();
        processing.refactor_factored_attn_matrices = false;
        processing
    }
}

impl Processing {
    /// No steps.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// assert_eq!(model.processed(Processing::none())?.processing(), model.processing());
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub const fn none() -> Self {
        Self {
            fold_ln: false,
            center_writing_weights: false,
            center_unembed: false,
            fold_value_biases: false,
            refactor_factored_attn_matrices: false,
        }
    }

    /// All steps.
    pub const fn all() -> Self {
        Self {
            fold_ln: true,
            center_writing_weights: true,
            center_unembed: true,
            fold_value_biases: true,
            refactor_factored_attn_matrices: true,
        }
    }

    pub(super) fn has(self, step: Step) -> bool {
        match step {
            Step::FoldLn => self.fold_ln,
            Step::CenterWritingWeights => self.center_writing_weights,
            Step::CenterUnembed => self.center_unembed,
            Step::FoldValueBiases => self.fold_value_biases,
            Step::RefactorFactoredAttnMatrices => self.refactor_factored_attn_matrices,
        }
    }
}

impl FromIterator<Step> for Processing {
    fn from_iter<I: IntoIterator<Item = Step>>(steps: I) -> Self {
        let mut processing = Self::none();
        for step in steps {
            *match step {
                Step::FoldLn => &mut processing.fold_ln,
                Step::CenterWritingWeights => &mut processing.center_writing_weights,
                Step::CenterUnembed => &mut processing.center_unembed,
                Step::FoldValueBiases => &mut processing.fold_value_biases,
                Step::RefactorFactoredAttnMatrices => &mut processing.refactor_factored_attn_matrices,
            } = true;
        }
        processing
    }
}
