//! [`HeadNorm`]: the norm of queries and keys that some families have (Henry et al. 2020,
//! <https://arxiv.org/abs/2010.04245>).

use crate::{
    Result,
    config::Normalization,
    net::{Here, Tap},
    ops,
    site::Point,
};
use candle_core::{D, Tensor};

/// The norm of queries or keys, before the rotary embedding and their dot product.
#[derive(Clone, Debug)]
pub(crate) struct HeadNorm {
    pub(crate) kind: Normalization,
    /// Whether all heads of a token share one scale.
    pub(crate) whole: bool,
    /// `[d_head]`, the same for every head, or `[head, d_head]`
    pub(crate) weight: Tensor,
    /// In the shape of the weight.
    pub(crate) bias: Option<Tensor>,
    pub(crate) eps: f64,
}

impl HeadNorm {
    /// Where the scale and the unweighted result are hooked.
    pub(crate) const Q: [Point; 2] = [Point::QNormScale, Point::QNormNormalized];
    pub(crate) const K: [Point; 2] = [Point::KNormScale, Point::KNormNormalized];

    /// # Shapes
    /// `[batch, pos, head, d_head]` in and out.
    pub(crate) fn forward(&self, x: &Tensor, points: [Point; 2], here: Here, tap: &mut Tap) -> Result<Tensor> {
        let centred = self.kind == Normalization::LayerNorm;
        let [scale, normalized] = points.map(|point| here.site(point));
        let scale = tap.at(scale, self.scale(x, centred)?)?;
        let normalized = tap.at(normalized, ops::normalize(x, &scale, centred)?)?;
        let weighted = normalized.broadcast_mul(&self.weight)?;
        Ok(self.bias.as_ref().map_or(Ok(weighted.clone()), |bias| weighted.broadcast_add(bias))?)
    }

    /// Applies the norm to parts of one head's vectors, with its scale held, which makes it linear. The last part is
    /// that of the biases and includes the norm's own.
    ///
    /// # Shapes
    /// `parts`: `[component, pos, one, d_head]`, `scale`: `[one, pos, one, one]`; result: as `parts`.
    pub(crate) fn held(&self, parts: &Tensor, scale: &Tensor, head: usize) -> Result<Tensor> {
        let of_head = |x: &Tensor| if x.rank() == 1 { Ok(x.clone()) } else { x.get(head) };
        let centred = match self.kind {
            Normalization::LayerNorm => parts.broadcast_sub(&parts.mean_keepdim(D::Minus1)?)?,
            _ => parts.clone(),
        };
        let weighted = centred.broadcast_div(scale)?.broadcast_mul(&of_head(&self.weight)?)?;
        let Some(bias) = &self.bias else { return Ok(weighted) };
        let last = weighted.dim(0)? - 1;
        let with_bias = weighted.narrow(0, last, 1)?.broadcast_add(&of_head(bias)?)?;
        Ok(Tensor::cat(&[weighted.narrow(0, 0, last)?, with_bias], 0)?)
    }

    /// # Shapes
    /// `[batch, pos, head, d_head]` to `[batch, pos, head, one]`.
    fn scale(&self, x: &Tensor, centred: bool) -> Result<Tensor> {
        if !self.whole {
            return Ok(ops::norm_scale(x, centred, self.eps)?);
        }
        let (batch, pos, heads, _) = x.dims4()?;
        let scale = ops::norm_scale(&x.flatten_from(D::Minus2)?, centred, self.eps)?;
        Ok(scale.unsqueeze(2)?.broadcast_as((batch, pos, heads, 1))?.contiguous()?)
    }
}
