//! [`Audio`]: a sound as samples.

use super::{
    LogMel, Pad, Second,
    resample::resample,
    second::{rounded, samples_of},
};
use crate::{
    Result,
    error::AudioError,
    plot::{Numeric, ToValues},
    tensor::vector,
};
use candle_core::Tensor;
use std::{
    ops::{Range, RangeBounds},
    sync::Arc,
};

/// A sound: one channel at 16 kHz, with samples between about -1 and 1. It is cheap to clone and to cut.
///
/// # Examples
/// ```
/// use glassbox::audio::Audio;
/// let audio = Audio::from_samples(vec![0.25; 44_100], 44_100)?;
/// assert_eq!((audio.duration(), audio.source_rate()), (1.0, 44_100));
/// assert_eq!(audio.seconds(0.25..0.75)?.samples().len(), 8000);
/// assert_eq!(audio.seconds(-0.1..)?.duration(), 0.1);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[doc(alias("load_audio", "librosa.load", "sound", "wav"))]
#[derive(Clone)]
pub struct Audio {
    samples: Arc<Vec<f32>>,
    part: Range<usize>,
    origin: Arc<Origin>,
}

/// Where a sound came from.
#[derive(Debug, PartialEq)]
pub(super) struct Origin {
    pub name: String,
    pub rate: u32,
    pub channels: usize,
}

/// Rates that a recording may have.
const RATES: (u32, u32) = (1000, 384_000);
/// In seconds.
const DAY: f64 = 86_400.0;
/// Samples beyond this were never divided by the largest number of their kind.
const LARGE: f64 = 16.0;

impl Audio {
    /// The sampling rate of every sound, in samples per second.
    pub const RATE: u32 = 16_000;

    /// Makes a sound from the samples of one channel at a rate in samples per second. They are resampled to 16 kHz. Any
    /// list of numbers between about -1 and 1 will do.
    ///
    /// # Errors
    /// When there are no samples or more than a day of them, a sample is not finite or far beyond 1, or the rate is not a
    /// positive whole number.
    pub fn from_samples<Kind>(samples: impl ToValues<Kind>, rate: impl Numeric) -> Result<Self> {
        let given = f64::from(rate.to_f32());
        if given.fract() != 0.0 || given < 0.0 {
            return Err(rate_error(given));
        }
        let origin = Origin { name: "samples".into(), rate: given as u32, channels: 1 };
        Self::of(samples.to_values()?, origin, "the sound in these samples")
    }

    /// Makes a sound from samples at the rate of their origin, after checking them. Errors call it by `path`.
    pub(super) fn of(samples: Vec<f32>, origin: Origin, path: &str) -> Result<Self> {
        check(&samples, origin.rate, path)?;
        let samples = Arc::new(resample(samples, origin.rate, Self::RATE));
        Ok(Self { part: 0..samples.len(), samples, origin: Arc::new(origin) })
    }

    /// The samples, 16,000 per second.
    pub fn samples(&self) -> Vec<f32> {
        self.wave().to_vec()
    }

    /// The samples, without a copy.
    pub(crate) fn wave(&self) -> &[f32] {
        &self.samples[self.part.clone()]
    }

    /// The samples as a tensor.
    ///
    /// # Shapes
    /// `[wave]`.
    ///
    /// # Errors
    /// When memory runs out.
    pub fn to_tensor(&self) -> Result<Tensor> {
        Ok(vector(self.samples())?)
    }

    /// The duration, in seconds.
    #[doc(alias("length", "len"))]
    pub fn duration(&self) -> f64 {
        self.part.len() as f64 / f64::from(Self::RATE)
    }

    /// Cuts the part between two times, in seconds. Negative times count from the end. Without a time, the part begins at
    /// the start or ends at the end.
    ///
    /// # Errors
    /// When a time is outside the sound, or the first is not before the second.
    #[doc(alias("cut", "slice", "crop", "trim"))]
    pub fn seconds<S: Second>(&self, range: impl RangeBounds<S>) -> Result<Self> {
        let within = samples_of(range, self.part.len(), Self::RATE)?;
        let part = self.part.start + within.start..self.part.start + within.end;
        Ok(Self { part, ..self.clone() })
    }

    /// The log-mel spectrogram that Whisper reads: the log energy in each of `bins` frequency bands (80, or 128 for
    /// large-v3), 100 times per second, padded with silence to 30 seconds. [`LogMel`] has other settings.
    ///
    /// # Shapes
    /// `[mel, mel_frame]`; there are 3000 columns.
    ///
    /// # Errors
    /// When the sound is longer than 30 seconds, or `bins` is not between 1 and 128.
    #[doc(alias("log_mel_spectrogram", "WhisperFeatureExtractor", "melspectrogram"))]
    pub fn log_mel(&self, bins: usize) -> Result<Tensor> {
        LogMel::new(bins)?.pad(Pad::Sound).of(self)
    }

    /// The name of the file, or what the sound was made from.
    pub fn name(&self) -> String {
        self.origin.name.clone()
    }

    /// The sampling rate of the source, in samples per second.
    pub fn source_rate(&self) -> u32 {
        self.origin.rate
    }

    /// The number of channels of the source.
    pub fn source_channels(&self) -> usize {
        self.origin.channels
    }

    /// Which part of the source this is, in seconds; `None` if it is the whole.
    pub(super) fn part(&self) -> Option<(f64, f64)> {
        let seconds = |sample: usize| rounded(sample as f64 / f64::from(Self::RATE));
        (self.part.len() < self.samples.len()).then(|| (seconds(self.part.start), seconds(self.part.end)))
    }
}

impl AsRef<Self> for Audio {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// What a header says, looked at before anything is read.
pub(super) fn check_origin(name: &str, rate: u32, samples: u64) -> Result<()> {
    if !(RATES.0..=RATES.1).contains(&rate) {
        return Err(rate_error(f64::from(rate)));
    }
    let seconds = samples as f64 / f64::from(rate);
    if seconds > DAY { Err(AudioError::Long { name: name.into(), hours: seconds / 3600.0 }.into()) } else { Ok(()) }
}

fn rate_error(given: f64) -> crate::Error {
    AudioError::Rate { given, least: RATES.0, most: RATES.1 }.into()
}

fn check(samples: &[f32], rate: u32, name: &str) -> Result<()> {
    check_origin(name, rate, samples.len() as u64)?;
    let name = name.to_owned();
    if samples.is_empty() {
        return Err(AudioError::Empty { name }.into());
    }
    if let Some((at, &value)) = samples.iter().enumerate().find(|(_, sample)| !sample.is_finite()) {
        return Err(AudioError::NotFinite { name, at, seconds: at as f64 / f64::from(rate), value }.into());
    }
    let largest = f64::from(samples.iter().fold(0f32, |largest, sample| largest.max(sample.abs())));
    if largest > LARGE {
        let kinds = [7, 15, 23, 31].map(|bits| 2f64.powi(bits));
        let by = kinds.into_iter().find(|&most| largest <= most).unwrap_or(largest);
        return Err(AudioError::Large { name, largest, by }.into());
    }
    Ok(())
}
