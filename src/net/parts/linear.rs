//! [`Linear`]: a weight and, in most families, a bias.

use crate::{Result, ops};
use candle_core::Tensor;

/// A weight, stored so that the layer is `x W`, and an optional bias.
#[derive(Clone, Debug)]
pub(crate) struct Linear {
    /// `[d_in, d_out]`, any layout with one unit stride.
    pub(crate) weight: Tensor,
    /// `[d_out]`
    pub(crate) bias: Option<Tensor>,
    /// The output is clipped to plus or minus this.
    pub(crate) clip: Option<f64>,
}

impl Linear {
    pub(crate) fn new(weight: Tensor, bias: Option<Tensor>) -> Self {
        Self { weight, bias, clip: None }
    }

    /// # Shapes
    /// `[.., d_in]` to `[.., d_out]`.
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let out = ops::linear(x, &self.weight, self.bias.as_ref())?;
        Ok(self.clip.map_or(Ok(out.clone()), |clip| out.clamp(-clip, clip))?)
    }

    /// The columns `start..start + len` of the output: one head's part of a projection.
    pub(crate) fn columns(&self, start: usize, len: usize) -> Result<Self> {
        let bias = self.bias.as_ref().map(|bias| bias.narrow(0, start, len)).transpose()?;
        Ok(Self { weight: self.weight.narrow(1, start, len)?, bias, ..*self })
    }
}
