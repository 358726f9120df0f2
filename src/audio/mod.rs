//! Sound: recordings as samples, and the log-mel spectrogram that Whisper reads.
//!
//! ```
//! use glassbox::audio::Audio;
//!
//! let tone = (0..8000).map(|t| (t as f32 * 0.2).sin() * 0.5); // or Audio::open("talk.wav")?
//! let audio = Audio::from_samples(tone, 8000)?;
//! assert_eq!((audio.duration(), audio.samples().len()), (1.0, 16_000)); // always mono, 16 kHz
//! let part = audio.seconds(0.2..0.5)?;
//! assert_eq!(part.log_mel(80)?.dims(), [80, 3000]);
//! part.spectrogram()?; // a picture, in a notebook
//! # Ok::<(), glassbox::Error>(())
//! ```
//!
//! [`Audio::open`] reads WAV and NIST SPHERE. For any other format the error contains the command that converts it.

mod coding;
mod filters;
mod foreign;
mod hertz;
mod log_mel;
mod open;
mod resample;
mod samples;
mod second;
mod show;
mod source;
mod sphere;
#[cfg(test)]
mod tests;
mod wav;
mod write;

pub use log_mel::{LogMel, Pad};
pub use samples::Audio;
pub use second::Second;
