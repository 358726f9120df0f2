//! A sound as a WAV file.

use super::Audio;
use crate::{Result, error::AudioError, files};
use std::path::Path;

/// One more than the largest whole number of 16 bits.
const SCALE: f32 = 32_768.0;

impl Audio {
    /// Returns the sound as a WAV file: one channel at 16 kHz. Samples are written as 16-bit integers if that loses nothing,
    /// otherwise as floats, so that reading the file returns the same samples.
    ///
    /// # Examples
    /// ```
    /// use glassbox::audio::Audio;
    /// let audio = Audio::from_samples([0.5, 0.1, -0.25], 16_000)?;
    /// assert_eq!(Audio::from_bytes(audio.to_wav())?.samples(), audio.samples());
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn to_wav(&self) -> Vec<u8> {
        let whole = |sample: &f32| (sample * SCALE).fract() == 0.0 && (-1.0..1.0).contains(sample);
        let short = self.wave().iter().all(whole);
        let (tag, bytes) = if short { (1u16, 2u16) } else { (3, 4) };
        // A day of floats is larger than the size can say: readers then read up to the end.
        let len = u32::try_from(self.wave().len() * usize::from(bytes)).unwrap_or(u32::MAX);
        let mut out =
            [&b"RIFF"[..], &(len.saturating_add(36)).to_le_bytes(), b"WAVEfmt ", &16u32.to_le_bytes()].concat();
        let numbers = [tag, 1].map(u16::to_le_bytes).concat();
        let rates = [Self::RATE, Self::RATE * u32::from(bytes)].map(u32::to_le_bytes).concat();
        let sizes = [bytes, 8 * bytes].map(u16::to_le_bytes).concat();
        out.extend([numbers, rates, sizes, b"data".to_vec(), len.to_le_bytes().to_vec()].concat());
        for sample in self.wave() {
            match short {
                true => out.extend(((sample * SCALE) as i16).to_le_bytes()),
                false => out.extend(sample.to_le_bytes()),
            }
        }
        out
    }

    /// Saves the sound as a `.wav` file. An existing file is replaced [as a whole](files).
    ///
    /// # Errors
    /// When the name does not end in `.wav`, or the file cannot be written.
    #[doc(alias("write", "export"))]
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        if !path.extension().is_some_and(|end| end.eq_ignore_ascii_case("wav")) {
            return Err(AudioError::Extension { path: path.to_owned() }.into());
        }
        files::write(path, self.to_wav())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for samples in [vec![0.5, -1.0, 0.0], vec![0.1, 1.5, -0.3], vec![1.0; 3]] {
            let audio = Audio::from_samples(samples, 16_000).unwrap();
            let wav = audio.to_wav();
            assert_eq!(Audio::from_bytes(&wav).unwrap().samples(), audio.samples());
            let size = u32::from_le_bytes(wav[4..8].try_into().unwrap());
            assert_eq!(size as usize + 8, wav.len());
        }
        assert_eq!(Audio::from_samples([0.5, 0.25], 16_000).unwrap().to_wav().len(), 44 + 4);
    }

    #[test]
    fn a_recording_cut_and_saved_is_a_recording() {
        let path = std::env::temp_dir().join(format!("glassbox-cut-{}.wav", std::process::id()));
        let audio = Audio::from_samples((0..16_000).map(|t| (t as f32 * 0.01).sin()), 16_000).unwrap();
        let part = audio.seconds(0.25..0.5).unwrap();
        part.save(&path).unwrap();
        assert_eq!(Audio::open(&path).unwrap().samples(), part.samples());
        std::fs::remove_file(path).unwrap();
        assert!(part.save("cut.mp3").unwrap_err().to_string().contains("end the name in .wav"));
    }
}
