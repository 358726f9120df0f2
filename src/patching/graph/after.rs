//! The metrics from the last stream of a graph. For the graph of an encoder, the decoder is run first.

use super::Ends;
use crate::{
    Result,
    net::Tap,
    patching::{Patching, frames::LookedAt},
};
use candle_core::Tensor;

impl Patching {
    /// As [`Patching::measure`], from the last stream of the graph's stack. For the graph of an encoder, the first
    /// run's decoder reads the encoder's output.
    ///
    /// # Shapes
    /// As [`Patching::measure`].
    pub(super) fn measure_after(&self, ends: &Ends, resid: &Tensor) -> Result<Vec<Vec<Vec<f32>>>> {
        let transformer = self.experiment.model.transformer();
        let (Some(encoder), Some(decoded)) = (&transformer.encoder, &ends.decoded) else {
            return self.measure(resid, 0);
        };
        let (encoded, last) = (encoder.finish(resid, &mut Tap::idle())?, &transformer.last);
        let copies = resid.dim(0)? / self.corrupt().batch();
        let mut resid = decoded.repeat((copies, 1, 1))?;
        for layer in 0..last.blocks.len() {
            let mut frame = self.frame(last, layer, copies, 0, LookedAt::Encoded(&encoded))?;
            resid = last.run_block(layer, resid, &mut frame, &mut Tap::idle())?;
        }
        self.measure(&resid, 0)
    }
}
