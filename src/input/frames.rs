//! [`Frames`]: the spectrograms that the encoder of a speech model reads, and the times of its positions.

use crate::{
    Result,
    error::{RunError, need_f32},
    text::{Encoded, Filler, Row, Tokens},
};
use candle_core::Tensor;
use std::{borrow::Borrow, ops::Range};

/// The log-mel spectrograms of one or several sounds, as the encoder of a speech model reads them.
///
/// The encoder makes one frame, of 20 ms, from two columns of the spectrogram.
///
/// # Examples
/// ```
/// use glassbox::{input::Frames, prelude::*};
/// let mel = Tensor::zeros((80, 3000), DType::F32, &Device::Cpu)?;
/// let frames = Frames::new(mel)?;
/// assert_eq!((frames.batch(), frames.len()), (1, 1500));
/// assert_eq!(frames.positions().strings(0)[73], "1.46s");
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Frames {
    /// `[batch, mel, mel_frame]`
    mel: Tensor,
    positions: Tokens,
}

impl Frames {
    /// The duration of a frame, in seconds.
    pub const SECONDS: f64 = 0.02;

    /// From spectrograms.
    ///
    /// # Shapes
    /// `[mel, mel_frame]` or `[batch, mel, mel_frame]`.
    ///
    /// # Errors
    /// When the tensor has other axes, an odd number of columns, none at all, or is not of float32.
    pub fn new(mel: impl Borrow<Tensor>) -> Result<Self> {
        let mel = mel.borrow();
        let wrong = || RunError::Mel { shape: mel.dims().to_vec() };
        need_f32(|| "the spectrogram".into(), mel)?;
        let mel = match mel.rank() {
            2 => mel.unsqueeze(0)?,
            3 => mel.clone(),
            _ => return Err(wrong().into()),
        };
        let (batch, bands, columns) = mel.dims3()?;
        if batch * bands * columns == 0 || !columns.is_multiple_of(2) {
            return Err(wrong().into());
        }
        let len = columns / 2;
        let ids = (0..len as u32).collect();
        let encoded = Encoded { ids, spans: vec![0..0; len], types: vec![0; len] };
        let row = Row::new(encoded, None, |at| format!("{:.2}s", f64::from(at) * Self::SECONDS));
        let positions = Tokens::new(vec![row; batch], false, Filler { id: 0, string: "".into() })?;
        Ok(Self { mel, positions })
    }

    /// The spectrograms.
    ///
    /// # Shapes
    /// `[batch, mel, mel_frame]`
    pub fn mel(&self) -> Tensor {
        self.mel.clone()
    }

    /// The number of sounds.
    pub fn batch(&self) -> usize {
        self.positions.batch()
    }

    /// The number of frames that the encoder makes of each sound.
    #[allow(clippy::len_without_is_empty, reason = "there is always a frame")]
    pub fn len(&self) -> usize {
        self.positions.len()
    }

    /// The encoder's positions, each named by the time at which it starts. Their ids are their places.
    pub fn positions(&self) -> Tokens {
        self.positions.clone()
    }

    /// The same, without a copy.
    pub(crate) fn places(&self) -> &Tokens {
        &self.positions
    }

    pub(crate) fn repeated(&self, rounds: usize) -> Result<Self> {
        Ok(Self { mel: self.mel.repeat((rounds, 1, 1))?, positions: self.positions.repeated(rounds) })
    }

    pub(crate) fn texts(&self, texts: Range<usize>) -> Self {
        let texts = texts.start.min(self.batch())..texts.end.min(self.batch());
        let mel = self.mel.narrow(0, texts.start, texts.len()).unwrap_or_else(|_| self.mel.clone());
        Self { mel, positions: self.positions.texts(texts) }
    }
}
