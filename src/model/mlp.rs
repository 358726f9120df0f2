use super::{linear::Linear, tap::Tap};
use crate::{Result, hook::Site, ops::Activation};
use candle_core::Tensor;

/// The two layers of neurons in a block; gated when there is a gate.
#[derive(Clone, Debug)]
pub(crate) struct Mlp {
    /// `[d_model, d_mlp]`
    pub(crate) input: Linear,
    /// `[d_model, d_mlp]`; its branch goes through the nonlinearity, and `input` multiplies it.
    pub(crate) gate: Option<Linear>,
    /// `[d_mlp, d_model]`
    pub(crate) output: Linear,
    pub(crate) act_fn: Activation,
}

impl Mlp {
    /// # Shapes
    /// `[batch, pos, d_model]` in and out.
    pub(crate) fn forward(&self, x: &Tensor, layer: usize, tap: &mut Tap) -> Result<Tensor> {
        let into_activation = self.gate.as_ref().unwrap_or(&self.input);
        let pre = tap.at(Site::mlp_pre(layer), into_activation.forward(x)?)?;
        let mut post = self.act_fn.apply(&pre)?;
        if self.gate.is_some() {
            let linear = tap.at(Site::mlp_pre_linear(layer), self.input.forward(x)?)?;
            post = (post * linear)?;
        }
        let post = tap.at(Site::mlp_post(layer), post)?;
        self.output.forward(&post)
    }
}
