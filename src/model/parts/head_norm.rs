use crate::{
    Result,
    hook::Point,
    model::{Here, Normalization, Tap},
    ops,
};
use candle_core::{D, Tensor};

/// The norm of queries or keys before they are turned and meet.
#[derive(Clone, Debug)]
pub(crate) struct HeadNorm {
    pub(crate) kind: Normalization,
    /// All heads of a token share one scale.
    pub(crate) whole: bool,
    /// `[d_head]`, the same for every head, or `[head, d_head]`
    pub(crate) weight: Tensor,
    /// As the weight.
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
