//! [`LogMel`]: the spectrogram that Whisper reads, differentiable down to the samples.

use super::{
    Audio,
    filters::{FRAME, FREQUENCIES, MOST, filters, waves},
    second::rounded,
};
use crate::{
    Result,
    error::AudioError,
    order::largest,
    tensor::{from_values, ones, vector},
};
use candle_core::{DType, Tensor};

/// Samples from one frame to the next, and of the half of a frame before its middle.
const HOP: usize = 160;
const HALF: usize = FRAME / 2;
/// In seconds and in samples, what Whisper reads at a time.
const SECONDS: usize = 30;
const WINDOW: usize = SECONDS * Audio::RATE as usize;
/// Less than this is not heard, and neither is what lies so many powers of ten below the loudest.
const LEAST: f64 = 1e-10;
const RANGE: f64 = 8.0;

/// How a sound shorter than 30 seconds is padded. The choice changes the transcript.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pad {
    /// Silence is appended to the sound before its spectrogram is computed, as in Hugging Face's feature extractor and
    /// openai's `decode`.
    #[default]
    Sound,
    /// Zeros are appended to the spectrogram, as in openai's `transcribe` and command line. A zero is a medium value, not
    /// silence.
    Mel,
    /// No padding: the spectrogram has as many columns as the sound, which may have any length.
    Nothing,
}

/// The settings of a log-mel spectrogram as Whisper computes it (Radford et al. 2022,
/// [arXiv:2212.04356](https://arxiv.org/abs/2212.04356)).
///
/// There are 100 columns per second, each computed from 25 ms. The bands are evenly spaced in mels up to 8000 Hz. Values
/// are log10 of the energy, cut off 8 below the maximum, plus 4 and divided by 4.
///
/// # Examples
/// ```
/// use glassbox::{audio::{Audio, LogMel, Pad}, prelude::*};
/// let audio = Audio::from_samples((0..4000).map(|t| (t as f32 * 0.3).sin()), 16_000)?;
/// assert_eq!(LogMel::new(128)?.of(&audio)?.dims(), [128, 3000]);
/// assert_eq!(LogMel::new(80)?.pad(Pad::Nothing).of(&audio)?.dims(), [80, 25]);
///
/// let wave = Var::from_tensor(&audio.to_tensor()?)?; // which samples make it louder?
/// let mel = LogMel::new(80)?.of_samples(&wave)?;
/// assert_eq!(mel.sum_all()?.backward()?.get(&wave).unwrap().dims(), [4000]);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[doc(alias("log_mel_spectrogram", "WhisperFeatureExtractor", "pad_or_trim"))]
#[derive(Clone, Copy, Debug)]
pub struct LogMel {
    bins: usize,
    pad: Pad,
}

impl LogMel {
    /// A spectrogram with this number of bands: 80 for most Whisper models, 128 for large-v3 and its relatives.
    ///
    /// # Errors
    /// When `bins` is not between 1 and 128.
    pub fn new(bins: usize) -> Result<Self> {
        match bins {
            1..=MOST => Ok(Self { bins, pad: Pad::default() }),
            given => Err(AudioError::Bins { given, most: MOST }.into()),
        }
    }

    /// Sets how a sound shorter than 30 seconds is padded.
    #[must_use]
    pub fn pad(self, pad: Pad) -> Self {
        Self { pad, ..self }
    }

    /// Computes the spectrogram of a sound.
    ///
    /// # Shapes
    /// `[mel, mel_frame]`
    ///
    /// # Errors
    /// When the sound is longer than 30 seconds, unless it is not padded.
    pub fn of(&self, audio: impl AsRef<Audio>) -> Result<Tensor> {
        self.of_one(&audio.as_ref().to_tensor()?)
    }

    /// Computes the spectrogram of samples at 16 kHz. Gradients flow back to the samples.
    ///
    /// # Shapes
    /// `[wave]` to `[mel, mel_frame]`, or `[batch, wave]` to `[batch, mel, mel_frame]`
    ///
    /// # Errors
    /// When there are no samples or other axes, a sample is not finite, or the sound is longer than 30 seconds, unless it is
    /// not padded.
    pub fn of_samples(&self, samples: &Tensor) -> Result<Tensor> {
        let wrong = || AudioError::Samples { shape: samples.dims().to_vec() }.into();
        if samples.elem_count() == 0 || !samples.dtype().is_float() {
            return Err(wrong());
        }
        let samples = samples.to_dtype(DType::F32)?;
        let name = "the tensor";
        let finite = |(at, value): (usize, f32)| match value.is_finite() {
            true => Ok(()),
            false => {
                let seconds = (at % samples.dims().last().unwrap_or(&1)) as f64 / f64::from(Audio::RATE);
                Err(AudioError::NotFinite { name: name.into(), at, seconds, value })
            }
        };
        samples.flatten_all()?.to_vec1::<f32>()?.into_iter().enumerate().try_for_each(finite)?;
        match samples.rank() {
            1 => self.of_one(&samples),
            2 => {
                let all = (0..samples.dim(0)?).map(|text| self.of_one(&samples.get(text)?));
                Ok(Tensor::stack(&all.collect::<Result<Vec<_>>>()?, 0)?)
            }
            _ => Err(wrong()),
        }
    }

    fn of_one(&self, wave: &Tensor) -> Result<Tensor> {
        let len = wave.dim(0)?;
        if self.pad != Pad::Nothing && len > WINDOW {
            let duration = rounded(len as f64 / f64::from(Audio::RATE));
            return Err(AudioError::Window { duration, window: SECONDS }.into());
        }
        let own = (len / HOP).max(1);
        let (frames, mel) = match self.pad {
            Pad::Sound => (WINDOW / HOP, self.scaled(&self.logarithms(wave, WINDOW / HOP)?)?),
            Pad::Mel | Pad::Nothing => (own, self.scaled(&self.logarithms(wave, own)?)?),
        };
        let mel = mel.t()?.contiguous()?;
        Ok(if self.pad == Pad::Mel { mel.pad_with_zeros(1, 0, WINDOW / HOP - frames)? } else { mel })
    }

    /// The logarithms, base 10, of what the bands of the first so many frames hold. `[mel_frame, mel]`.
    fn logarithms(&self, wave: &Tensor, frames: usize) -> Result<Tensor> {
        // Frames that hear nothing of the sound need no spectrum.
        let heard = frames.min((wave.dim(0)? + HALF).div_ceil(HOP));
        let blocks = self.around(wave, (heard + 2) * HOP)?.reshape((heard + 2, HOP))?;
        let block = |at| blocks.narrow(0, at, heard);
        let frame = Tensor::cat(&[block(0)?, block(1)?, block(2)?.narrow(1, 0, FRAME - 2 * HOP)?], 1)?;
        let waves = from_values(waves().to_vec(), (FRAME, 2 * FREQUENCIES))?;
        let spectrum = frame.matmul(&waves)?;
        let part = |at| spectrum.narrow(1, at, FREQUENCIES)?.sqr();
        let filters = from_values(filters(self.bins), (FREQUENCIES, self.bins))?;
        let bands = (part(0)? + part(FREQUENCIES)?)?.matmul(&filters)?;
        let silent = (frames - heard, self.bins);
        let logarithms = (bands.maximum(LEAST)?.log()? * std::f64::consts::LOG10_E)?;
        let silence = (ones(silent)? * LEAST.log10())?;
        Ok(if silent.0 == 0 { logarithms } else { Tensor::cat(&[logarithms, silence], 0)? })
    }

    /// The sound with what the first and the last frame hear beyond its ends: its mirror image before its start and after
    /// 30 full seconds, silence after an earlier end.
    fn around(&self, wave: &Tensor, len: usize) -> Result<Tensor> {
        let mirrored = |wave: &Tensor, from: usize| {
            let back: Vec<u32> = (0..HALF).map(|i| (from - i) as u32).collect();
            wave.index_select(&vector(back)?, 0)
        };
        let full = self.pad == Pad::Sound && wave.dim(0)? + HALF > WINDOW;
        let least = if full { WINDOW } else { HALF + 1 };
        let wave = wave.pad_with_zeros(0, 0, least.saturating_sub(wave.dim(0)?))?;
        let before = mirrored(&wave, HALF)?;
        let around = match full {
            true => Tensor::cat(&[&before, &wave, &mirrored(&wave, WINDOW - 2)?], 0)?,
            false => Tensor::cat(&[&before, &wave], 0)?,
        };
        let short = len.saturating_sub(around.dim(0)?);
        Ok(around.pad_with_zeros(0, 0, short)?.narrow(0, 0, len)?)
    }

    /// As Whisper has it: no lower than so many powers of ten below the highest, and around 0.
    fn scaled(&self, logarithms: &Tensor) -> Result<Tensor> {
        let flat = logarithms.flatten_all()?;
        // The gradient of the floor is that of the highest value.
        let highest = flat.narrow(0, largest(flat.to_vec1::<f32>()?).unwrap_or_default(), 1)?;
        let floor = (highest - RANGE)?.reshape((1, 1))?;
        Ok(((logarithms.broadcast_maximum(&floor)? + 4.0)? / 4.0)?)
    }
}
