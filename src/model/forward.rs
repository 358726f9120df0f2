//! Forward passes of a [`Model`].

use super::{Model, Pass, Run, ToInput};
use crate::{
    Result,
    error::{RunError, need_f32},
    hook::{Intervention, ToInterventions},
};
use candle_core::Tensor;
use std::borrow::Borrow;

/// Forward passes.
impl Model {
    /// Describes a forward pass before it runs: what to record, what to change, and which logits to compute. An
    /// encoder-decoder reads a source, or a pair of a source and the decoder's text.
    ///
    /// # Errors
    /// When this model cannot read the input (see [`Model::tokens`]).
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let pass = Model::open("induction-2l")?.pass("red fox blue owl")?.record([Site::z(1)]).without_logits();
    /// assert_eq!(pass.run()?.cache().len(), 1); // nothing else is kept
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias("trace", "names_filter", "stop_at_layer"))]
    pub fn pass(&self, input: impl ToInput) -> Result<Pass> {
        Ok(Pass::new(self.clone(), input.to_input(self)?))
    }

    /// Runs a text and records every site that costs nothing extra: TransformerLens's `run_with_cache`.
    ///
    /// # Errors
    /// When this model cannot read the input (see [`Model::tokens`]).
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// assert_eq!(run.predictions(-1, 1)?[0].text, "owl");
    /// assert_eq!(run.cache().get(Site::resid_post(0))?.dims(), [1, 8, 64]); // [batch, pos, d_model]
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "run_with_cache")]
    pub fn run(&self, input: impl ToInput) -> Result<Run> {
        self.run_with(input, None::<Intervention>)
    }

    /// As [`Model::run`], with one or several interventions in any form ([`ToInterventions`]).
    ///
    /// # Errors
    /// When this model cannot read the input, or an intervention is an error or does not fit the model and the text.
    /// This is checked before anything runs.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let text = "red fox blue owl red fox blue";
    /// let run = model.run_with(text, zero(Site::z(1)).head(0))?; // without the induction head
    /// assert!(run.probability("owl", -1)? < 0.1);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias("run_with_hooks", "fwd_hooks", "hooks"))]
    pub fn run_with(&self, input: impl ToInput, interventions: impl ToInterventions) -> Result<Run> {
        self.pass(input)?.record(crate::hook::Sites::All).intervene(interventions).run()
    }

    /// Returns the logits only.
    ///
    /// # Shapes
    /// `[batch, pos, d_vocab]`
    ///
    /// # Errors
    /// When this model cannot read the input (see [`Model::tokens`]).
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let logits = Model::open("induction-2l")?.forward(["red fox blue", "owl"])?;
    /// assert_eq!(logits.dims(), [2, 4, 374]); // [batch, pos, d_vocab]
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "return_type")]
    pub fn forward(&self, input: impl ToInput) -> Result<Tensor> {
        self.pass(input)?.run()?.logits()
    }

    /// Returns the mean of -log P(token | tokens before it) over all tokens but the first, in nats.
    ///
    /// # Errors
    /// When this model cannot read the input, or it is a single token.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// assert!(model.loss("red fox blue red fox blue")? < model.loss("red fox blue owl ant tree")?); // no repetition
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias("loss_fn", "lm_cross_entropy_loss"))]
    pub fn loss(&self, input: impl ToInput) -> Result<f64> {
        self.pass(input)?.run()?.loss()
    }

    /// Returns the logits of a residual stream: the final norm, with this stream's own statistics, then the
    /// unembedding.
    ///
    /// # Shapes
    /// `[.., d_model]` to `[.., d_vocab]`
    ///
    /// # Errors
    /// When the last axis is not `d_model` wide, the stream is not float32, or the model has no unembedding.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let run = model.run("red fox blue owl red fox blue")?;
    /// let early = model.unembed(run.cache().get(Site::resid_post(0))?)?; // the logit lens after layer 0
    /// assert_eq!(early.dims(), run.logits()?.dims());
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "ln_final")]
    pub fn unembed(&self, resid: impl Borrow<Tensor>) -> Result<Tensor> {
        let resid = resid.borrow();
        let d_model = self.config().d_model;
        if resid.dims().last() != Some(&d_model) {
            return Err(RunError::Resid { got: resid.dims().to_vec(), d_model }.into());
        }
        need_f32(|| "the residual stream".into(), resid)?;
        self.transformer().unembedded(&self.config(), resid)
    }
}
