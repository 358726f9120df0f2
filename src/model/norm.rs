use super::{Normalization, tap::Tap};
use crate::{Result, hook::Site, ops};
use candle_core::Tensor;

/// LayerNorm, RMSNorm or nothing, by data.
#[derive(Clone, Debug)]
pub(crate) struct Norm {
    pub(crate) kind: Normalization,
    /// `[d_model]`
    pub(crate) weight: Option<Tensor>,
    /// `[d_model]`
    pub(crate) bias: Option<Tensor>,
    pub(crate) eps: f64,
}

impl Norm {
    /// # Shapes
    /// `[.., d_model]` in and out.
    pub(crate) fn forward(&self, x: &Tensor, tap: &mut Tap, scale_at: Site, normalized_at: Site) -> Result<Tensor> {
        let centred = match self.kind {
            Normalization::None => return Ok(x.clone()),
            Normalization::LayerNorm => true,
            Normalization::RmsNorm => false,
        };
        let scale = tap.at(scale_at, ops::norm_scale(x, centred, self.eps)?)?;
        let normalized = tap.at(normalized_at, ops::normalize(x, &scale, centred)?)?;
        match &self.weight {
            Some(weight) => Ok(ops::affine(&normalized, weight, self.bias.as_ref())?),
            None => Ok(normalized),
        }
    }

    /// The norm with nobody watching, for readings outside the forward pass such as the logit lens.
    pub(crate) fn apply(&self, x: &Tensor) -> Result<Tensor> {
        self.forward(x, &mut Tap::idle(), Site::ln_final_scale(), Site::ln_final_normalized())
    }
}
