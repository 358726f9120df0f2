//! The mean over the tokens of all texts, for [`mean`](super::mean).

use super::{Action, Intervention, select};
use crate::{Result, axes::Axis, text::Tokens};
use candle_core::Tensor;

impl Intervention {
    /// Returns the intervention for a pass that reads these tokens from position `start` on, so that a mean leaves
    /// padding out.
    pub(crate) fn reading(self, tokens: &Tokens, start: usize) -> Result<Self> {
        let padded = matches!(self.action, Action::Mean) && tokens.is_padded();
        let counted = padded.then(|| tokens.columns(start..tokens.len()).to_mask_tensor()).transpose()?;
        Ok(Self { counted, ..self })
    }

    /// Returns the mean over positions and texts, repeated at every position.
    pub(super) fn mean_over_tokens(&self, part: &Tensor) -> Result<Tensor> {
        let over = |axis: &Axis| matches!(axis, Axis::Batch | Axis::Pos);
        let dims: Vec<usize> = (0..part.rank()).filter(|&dim| over(&self.site.axes()[dim])).collect();
        let Some(counts) = self.counts(part)? else {
            return Ok(part.mean_keepdim(dims)?.broadcast_as(part.shape())?);
        };
        let count = counts.sum_all()?.to_scalar::<f32>()?;
        // If all tokens are padding there is no mean, and none is needed.
        if count == 0.0 {
            return Ok(part.clone());
        }
        let mean = (part.broadcast_mul(&counts)?.sum_keepdim(dims)? / f64::from(count))?;
        Ok(mean.broadcast_as(part.shape())?)
    }

    /// Returns 1 for each token of the part and 0 for padding, other axes having size 1; `None` if everything counts.
    fn counts(&self, part: &Tensor) -> Result<Option<Tensor>> {
        let (Some(counted), [Axis::Batch, Axis::Pos, ..]) = (&self.counted, self.site.axes()) else { return Ok(None) };
        let mut shape = vec![1; part.rank()];
        shape[..2].copy_from_slice(counted.dims());
        let counts = counted.to_dtype(part.dtype())?.reshape(shape)?;
        let narrowed: Vec<_> = self.resolved.iter().filter(|(dim, _)| *dim < 2).cloned().collect();
        select(&counts, &narrowed).map(Some)
    }
}
