//! The methods of [`Model`] for weight processing.

use super::{Processing, ProcessingRecord, Step};
use crate::{Model, Result, error::WeightsError};

/// Weight processing. Each method returns a new model and leaves this one unchanged. Log-probabilities stay the same;
/// activations do not.
impl Model {
    /// The processing that the weights have had since training.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// assert!(model.fold_ln()?.processing().to_string().starts_with("fold_ln"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn processing(&self) -> ProcessingRecord {
        self.config().processed.clone()
    }

    /// Returns a copy processed by these steps, in TransformerLens's order.
    ///
    /// A step that does not apply to this architecture is left out, and [`Model::processing`] and the model's card say
    /// so.
    ///
    /// # Errors
    /// Fails when a step, or one that must come after it, has already been done.
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

    /// Returns a copy in which the weight and bias of each norm are folded into the matrices that read it.
    ///
    /// What is left of the norm then depends on the text alone. LayerNorm removes the mean, so the matrices are centred
    /// too. Norms on the outputs of attention and MLP, of the embedding, and of queries and keys stay as they are.
    ///
    /// # Errors
    /// Fails when the norms of this model are not followed by matrices, or the step has already been done.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// assert!((model.fold_ln()?.loss("red fox red fox")? - model.loss("red fox red fox")?).abs() < 1e-4);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "fold_layer_norm")]
    pub fn fold_ln(&self) -> Result<Self> {
        self.with_step(Step::FoldLn)
    }

    /// Returns a copy in which everything added to the residual stream has mean 0.
    ///
    /// Readers after a LayerNorm see no difference.
    ///
    /// # Errors
    /// Fails when something reads the residual stream without a LayerNorm, or the step has already been done.
    pub fn center_writing_weights(&self) -> Result<Self> {
        self.with_step(Step::CenterWritingWeights)
    }

    /// Returns a copy in which the logits at every position have mean 0 over the vocabulary.
    ///
    /// Probabilities stay the same.
    ///
    /// # Errors
    /// Fails when the logits are soft-capped, the model does not have logits, or the step has already been done.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?.center_unembed()?;
    /// let mean = model.weights().w_u()?.mean(1)?.abs()?.max_all()?.to_scalar::<f32>()?; // over the vocabulary
    /// assert!(mean < 1e-5);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn center_unembed(&self) -> Result<Self> {
        self.with_step(Step::CenterUnembed)
    }

    /// Returns a copy in which value biases are folded into the output bias.
    ///
    /// This works because each query's attention sums to 1.
    ///
    /// # Errors
    /// Fails when the values do not have a bias, or the step has already been done.
    pub fn fold_value_biases(&self) -> Result<Self> {
        self.with_step(Step::FoldValueBiases)
    }

    /// Returns a copy in which each head's matrices are the factors of a singular value decomposition.
    ///
    /// `W_Q = U sqrt(S)` and `W_K = V sqrt(S)`, where `W_Q W_K^T = U S V^T` with biases as an additional row. `W_V = U
    /// S` and `W_O = V^T`, where `W_V W_O = U S V^T`.
    ///
    /// # Errors
    /// Fails when queries and keys have rotary embedding or norms, query heads share key heads, or the step has already
    /// been done.
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
