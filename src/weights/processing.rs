//! Which steps of weight processing there are, and the record of those done.

use super::{center, fold, refactor, value_bias};
use crate::{
    Model, Result,
    error::WeightsError,
    model::{Config, transformer::Transformer},
};
use std::fmt;

/// A rewriting of the weights that leaves every log-probability as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// A norm's weight and bias move into the matrices that read it: [`Model::fold_ln`].
    FoldLn,
    /// What is written to the residual stream has mean 0: [`Model::center_writing_weights`].
    CenterWritingWeights,
    /// Logits have mean 0: [`Model::center_unembed`].
    CenterUnembed,
    /// Values have no bias: [`Model::fold_value_biases`].
    FoldValueBiases,
    /// Each head's matrices are orthogonal: [`Model::refactor_factored_attn_matrices`].
    RefactorFactoredAttnMatrices,
}

impl Step {
    /// In the order they are done.
    pub const ALL: [Self; 5] = [
        Self::FoldLn,
        Self::CenterWritingWeights,
        Self::CenterUnembed,
        Self::FoldValueBiases,
        Self::RefactorFactoredAttnMatrices,
    ];

    /// TransformerLens's name: `fold_ln`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FoldLn => "fold_ln",
            Self::CenterWritingWeights => "center_writing_weights",
            Self::CenterUnembed => "center_unembed",
            Self::FoldValueBiases => "fold_value_biases",
            Self::RefactorFactoredAttnMatrices => "refactor_factored_attn_matrices",
        }
    }

    /// Why a model has nothing for this step to do, or would not stay the same.
    fn obstacle(self, config: &Config, transformer: &Transformer) -> Option<&'static str> {
        match self {
            Self::FoldLn => fold::obstacle(config),
            Self::CenterWritingWeights => center::writing_obstacle(config),
            Self::CenterUnembed => center::unembed_obstacle(config),
            Self::FoldValueBiases => value_bias::obstacle(transformer),
            Self::RefactorFactoredAttnMatrices => refactor::obstacle(config),
        }
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

    /// Whether the embedding and the unembedding are no longer one matrix afterwards.
    fn unties(self) -> bool {
        matches!(self, Self::FoldLn | Self::CenterWritingWeights | Self::CenterUnembed)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which steps to do, for [`Model::processed`]. The names and the default are those of `from_pretrained` in
/// TransformerLens: all but the last.
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
    /// [`Model::fold_ln`].
    pub fold_ln: bool,
    /// [`Model::center_writing_weights`].
    pub center_writing_weights: bool,
    /// [`Model::center_unembed`].
    pub center_unembed: bool,
    /// [`Model::fold_value_biases`].
    pub fold_value_biases: bool,
    /// [`Model::refactor_factored_attn_matrices`].
    pub refactor_factored_attn_matrices: bool,
}

impl Default for Processing {
    fn default() -> Self {
        Self { refactor_factored_attn_matrices: false, ..Self::all() }
    }
}

impl Processing {
    /// No step.
    pub const fn none() -> Self {
        Self {
            fold_ln: false,
            center_writing_weights: false,
            center_unembed: false,
            fold_value_biases: false,
            refactor_factored_attn_matrices: false,
        }
    }

    /// Every step.
    pub const fn all() -> Self {
        Self {
            fold_ln: true,
            center_writing_weights: true,
            center_unembed: true,
            fold_value_biases: true,
            refactor_factored_attn_matrices: true,
        }
    }

    fn has(self, step: Step) -> bool {
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

/// What was done to a model's weights, and what was left out because it does not apply: [`Model::processing`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Processed {
    done: Vec<Step>,
    left_out: Vec<(Step, &'static str)>,
}

impl Processed {
    /// The steps done, in order.
    pub fn done(&self) -> &[Step] {
        &self.done
    }

    /// Whether a step was done.
    pub fn has(&self, step: Step) -> bool {
        self.done.contains(&step)
    }

    /// The steps that were asked for and do not apply to this model, and why.
    pub fn left_out(&self) -> &[(Step, &'static str)] {
        &self.left_out
    }

    /// Whether the weights are as they were learned and nothing else was asked for.
    pub fn is_empty(&self) -> bool {
        self.done.is_empty() && self.left_out.is_empty()
    }

    /// Fails when the step, or one that comes after it, has been done.
    fn check(&self, step: Step) -> Result<()> {
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

    fn leave_out(&mut self, step: Step, why: &'static str) {
        self.left_out.retain(|(other, _)| *other != step);
        self.left_out.push((step, why));
    }
}

impl fmt::Display for Processed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let done = self.done.iter().map(|step| step.name()).collect::<Vec<_>>().join(", ");
        f.write_str(if done.is_empty() { "none" } else { &done })?;
        for (step, why) in &self.left_out {
            write!(f, "; not {step}: {why}")?;
        }
        Ok(())
    }
}

/// Weight processing. Each verb gives a new model; the one it is asked of stays as it is. Log-probabilities stay the
/// same, activations do not.
impl Model {
    /// What was done to the weights since they were learned.
    pub fn processing(&self) -> &Processed {
        &self.config().processed
    }

    /// A copy with these steps done in TransformerLens's order. A step that does not apply to this architecture is
    /// left out, and [`Model::processing`] and the model's card say so.
    ///
    /// # Errors
    /// When a step, or one after it, has been done already.
    ///
    /// # Examples
    /// ```
    /// use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let processed = model.processed(Processing::default())?; // as from_pretrained in TransformerLens does
    /// let steps = "fold_ln, center_writing_weights, center_unembed, fold_value_biases";
    /// assert_eq!(processed.processing().to_string(), steps);
    ///
    /// let text = "red fox blue owl red fox blue";
    /// assert!((model.loss(text)? - processed.loss(text)?).abs() < 1e-5);
    /// // The residual stream now has mean 0 at every token.
    /// let mean = processed.run(text)?.cache().get(Site::resid_post(1))?.mean(2)?;
    /// assert!(mean.abs()?.max_all()?.to_scalar::<f32>()? < 1e-5);
    /// assert!(processed.fold_ln().unwrap_err().to_string().contains("already"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn processed(&self, processing: Processing) -> Result<Self> {
        let (mut config, mut transformer) = (self.config().clone(), self.transformer().clone());
        for step in Step::ALL.into_iter().filter(|step| processing.has(*step)) {
            config.processed.check(step)?;
            match step.obstacle(&config, &transformer) {
                Some(why) => config.processed.leave_out(step, why),
                None => step.done_to(&mut config, &mut transformer)?,
            }
        }
        Ok(self.remade(config, transformer))
    }

    /// A copy in which the weight and bias of each norm are part of the matrices that read it, so that what is left of
    /// the norm depends on the text alone. Under LayerNorm, which takes away the mean, the matrices lose what would
    /// read it.
    ///
    /// Norms on what attention and MLP write, of the embedding, and of queries and keys stay as they are.
    ///
    /// # Errors
    /// When the norms of this model do not stand before matrices, or the step has been done.
    pub fn fold_ln(&self) -> Result<Self> {
        self.with_step(Step::FoldLn)
    }

    /// A copy in which everything that is written to the residual stream has mean 0: nothing that reads it through a
    /// LayerNorm can tell.
    ///
    /// # Errors
    /// When something reads the residual stream otherwise, or the step has been done.
    pub fn center_writing_weights(&self) -> Result<Self> {
        self.with_step(Step::CenterWritingWeights)
    }

    /// A copy in which the logits of every position have mean 0 over the vocabulary: probabilities cannot tell.
    ///
    /// # Errors
    /// When the logits are soft-capped, the model has none, or the step has been done.
    pub fn center_unembed(&self) -> Result<Self> {
        self.with_step(Step::CenterUnembed)
    }

    /// A copy in which the biases of the values are part of the output's, as each query's attention sums to 1.
    ///
    /// # Errors
    /// When the values have no bias, or the step has been done.
    pub fn fold_value_biases(&self) -> Result<Self> {
        self.with_step(Step::FoldValueBiases)
    }

    /// A copy in which each head's matrices are the factors of a singular value decomposition: `W_Q = U sqrt(S)` and
    /// `W_K = V sqrt(S)` where `W_Q W_K^T = U S V^T` (biases as a row more), and `W_V = U S`, `W_O = V^T` where
    /// `W_V W_O = U S V^T`.
    ///
    /// # Errors
    /// When queries and keys are turned by position or normed, or query heads share key heads; or the step has been
    /// done.
    pub fn refactor_factored_attn_matrices(&self) -> Result<Self> {
        self.with_step(Step::RefactorFactoredAttnMatrices)
    }

    fn with_step(&self, step: Step) -> Result<Self> {
        let (mut config, mut transformer) = (self.config().clone(), self.transformer().clone());
        config.processed.check(step)?;
        if let Some(why) = step.obstacle(&config, &transformer) {
            let (family, why) = (config.family, why.into());
            return Err(WeightsError::NotApplicable { step: step.name(), family, why }.into());
        }
        step.done_to(&mut config, &mut transformer)?;
        Ok(self.remade(config, transformer))
    }
}

impl Step {
    fn done_to(self, config: &mut Config, transformer: &mut Transformer) -> Result<()> {
        self.apply(transformer)?;
        config.processed.record(self);
        config.tied &= !self.unties();
        Ok(())
    }
}
