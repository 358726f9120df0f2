//! The verbs of weight processing.

use super::{Processed, Processing, Step};
use crate::{Model, Result, error::WeightsError};

/// Weight processing. Each verb gives a new model; the one it is asked of stays as it is. Log-probabilities stay the
/// same, activations do not.
impl Model {
    /// What was done to the weights since they were learned.
    pub fn processing(&self) -> Processed {
        self.config().processed.clone()
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
    #[doc(alias("process_weights_", "from_pretrained", "center_unembed", "load_and_process_state_dict"))]
    pub fn processed(&self, processing: Processing) -> Result<Self> {
        let (mut config, mut transformer) = ((*self.config()).clone(), self.transformer().clone());
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
    #[doc(alias = "fold_layer_norm")]
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
        let (mut config, mut transformer) = ((*self.config()).clone(), self.transformer().clone());
        config.processed.check(step)?;
        if let Some(why) = step.obstacle(&config, &transformer) {
            return Err(WeightsError::NotApplicable { step: step.name(), family: config.family, why }.into());
        }
        step.done_to(&mut config, &mut transformer)?;
        Ok(self.remade(config, transformer))
    }
}
