//! [`SoundFront`]: from a log-mel spectrogram to the residual stream, by two convolutions (Whisper; Radford et al. 2022,
//! <https://arxiv.org/abs/2212.04356>).

use super::Linear;
use crate::{
    Result,
    net::Tap,
    ops::Activation,
    site::{Point, Site},
    tensor::vector,
};
use candle_core::Tensor;

/// A convolution over time, 3 columns wide, with one column of zeros at either end.
#[derive(Clone, Debug)]
pub(crate) struct Convolution {
    /// The weights of the three columns, one below the other: `[3 * d_in, d_out]`.
    pub(crate) linear: Linear,
    /// The number of input columns between two outputs.
    pub(crate) stride: usize,
}

impl Convolution {
    /// From a weight as PyTorch stores it.
    ///
    /// # Shapes
    /// `weight`: `[d_out, d_in, 3]`, `bias`: `[d_out]`.
    pub(crate) fn new(weight: &Tensor, bias: Tensor, stride: usize) -> Result<Self> {
        let (d_out, d_in, width) = weight.dims3()?;
        let rows = weight.permute((0, 2, 1))?.reshape((d_out, width * d_in))?;
        Ok(Self { linear: Linear::new(rows.t()?, Some(bias)), stride })
    }

    /// # Shapes
    /// `[batch, mel_frame, d_in]` to `[batch, mel_frame, d_out]`, or fewer columns where the stride is more than 1.
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let padded = x.pad_with_zeros(1, 1, 1)?;
        let columns = x.dim(1)?.div_ceil(self.stride);
        let shifted = |by: usize| -> Result<Tensor> {
            let at: Vec<u32> = (0..columns).map(|column| (column * self.stride + by) as u32).collect();
            Ok(padded.index_select(&vector(at)?, 1)?)
        };
        self.linear.forward(&Tensor::cat(&[shifted(0)?, shifted(1)?, shifted(2)?], 2)?)
    }
}

/// Two convolutions, each with its nonlinearity, and the vectors of the positions.
#[derive(Clone, Debug)]
pub(crate) struct SoundFront {
    pub(crate) convolutions: [Convolution; 2],
    pub(crate) act_fn: Activation,
    /// `[n_ctx, d_model]`
    pub(crate) positions: Tensor,
}

impl SoundFront {
    /// # Shapes
    /// `mel`: `[batch, mel, mel_frame]`, result: `[batch, pos, d_model]`.
    pub(crate) fn forward(&self, mel: &Tensor, tap: &mut Tap) -> Result<Tensor> {
        let mut x = tap.at(Site::once(Point::Mel), mel.clone())?.transpose(1, 2)?.contiguous()?;
        for (convolution, point) in self.convolutions.iter().zip([Point::Conv1Out, Point::Conv2Out]) {
            let site = Site::once(point);
            let mut out = convolution.forward(&x)?;
            if tap.wants(site) {
                out = tap.at(site, out.transpose(1, 2)?.contiguous()?)?.transpose(1, 2)?.contiguous()?;
            }
            x = self.act_fn.apply(&out)?;
        }
        let x = tap.at(Site::once(Point::FrameEmbed), x)?;
        let (batch, pos, width) = x.dims3()?;
        let positions = self.positions.narrow(0, 0, pos)?.broadcast_as((batch, pos, width))?;
        let positions = tap.at(Site::once(Point::FramePosEmbed), positions.contiguous()?)?;
        Ok((x + positions)?)
    }
}
