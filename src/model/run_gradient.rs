//! Gradients with respect to the user's own variables.

use super::Run;
use crate::{Result, error::RunError};
use candle_core::{Tensor, Var, backprop::GradStore};
use std::sync::Arc;

/// What a backward pass left: the gradient of every variable that it came to.
#[derive(Clone)]
pub(crate) struct OwnGradients(pub(crate) Arc<GradStore>);

impl Run {
    /// Returns the gradient of the metric given to [`Pass::differentiate`](super::Pass::differentiate) with respect to
    /// a variable that a closure of [`edit`](crate::hook::edit) uses. An intervention can be learned with it.
    ///
    /// # Shapes
    /// The shape of the variable
    ///
    /// # Errors
    /// When the pass did not differentiate, or the metric does not depend on the variable.
    ///
    /// # Examples
    /// A vector that is learned until the model says "ant":
    /// ```
    /// use glassbox::{candle_core::{DType, Device, Var}, prelude::*};
    /// let model = Model::open("induction-2l")?;
    /// let (text, ant) = ("red fox blue owl red fox blue", model.to_single_token("ant")? as usize);
    /// let push = Var::zeros(64, DType::F32, &Device::Cpu)?;
    /// let held = push.clone();
    /// let pushed = edit(Site::resid_post(-1), move |x| x.broadcast_add(&held)).position(-1);
    /// let before = model.run_with(text, &pushed)?.probability("ant", -1)?;
    /// for _ in 0..20 {
    ///     let pass = model.pass(text)?.logits_at([-1]).intervene(&pushed);
    ///     let run = pass.differentiate(Site::resid_post(-1), move |logits| logits.flatten_all()?.get(ant)).run()?;
    ///     push.set(&(push.as_tensor() + run.gradient_of(&push)?)?)?;
    /// }
    /// assert!(before < 0.1 && model.run_with(text, &pushed)?.probability("ant", -1)? > 0.9);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn gradient_of(&self, variable: &Var) -> Result<Tensor> {
        let all = self.own_gradients().ok_or(RunError::NoGradients)?;
        let own = all.0.get(variable).map(Tensor::detach);
        own.ok_or_else(|| RunError::NoGradientOfOwn { shape: variable.dims().to_vec() }.into())
    }
}
