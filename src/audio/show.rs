//! How a sound is shown.

use super::{Audio, LogMel, Pad, filters, hertz, second::rounded};
use crate::{
    Result,
    error::AudioError,
    plot::{Figure, SoundPicture, drawn},
};
use candle_core::Tensor;

/// The longest sound whose spectrogram is drawn, in seconds: of a longer one nothing could be seen.
const LONGEST: usize = 60;
/// The most columns that can be told apart, and how far apart they are at least, in seconds.
const COLUMNS: f64 = 560.0;
const COLUMN: f64 = 0.0025;
/// From white to black, in dB.
const DYNAMIC_RANGE: f32 = 50.0;

impl Audio {
    /// Draws the waveform and a broad-band spectrogram from 0 to 5000 Hz, as Praat does: Gaussian window of 5 ms, dynamic
    /// range of 50 dB, pre-emphasis of 6 dB per octave.
    ///
    /// # Errors
    /// When the sound is longer than a minute.
    pub fn spectrogram(&self) -> Result<SoundPicture> {
        self.check_picture()?;
        let columns = (self.duration() / COLUMN).ceil().clamp(1.0, COLUMNS) as usize;
        let values = hertz::spectrogram(self.wave(), columns);
        let loudest = values.iter().copied().fold(f32::NEG_INFINITY, |loudest, value| loudest.max(value));
        let rows = values.nrows() as f64;
        let ticks = [0, 1000, 2000, 3000, 4000, 5000];
        Ok(self
            .waveform()
            .spectrogram(values)
            .range(loudest - DYNAMIC_RANGE, loudest)
            .frequencies(ticks.map(|hertz| (f64::from(hertz) / hertz::TOP * rows, label(hertz)))))
    }

    /// Draws the waveform and the log-mel spectrogram that Whisper reads, from 0 to 8000 Hz: `bins` rows (80, or 128 for
    /// large-v3), evenly spaced in mels. The greys are Whisper's values, which cover 80 dB below the maximum.
    ///
    /// # Errors
    /// When the sound is longer than a minute, or `bins` is not between 1 and 128.
    pub fn mel_spectrogram(&self, bins: usize) -> Result<SoundPicture> {
        self.check_picture()?;
        let values: Tensor = LogMel::new(bins)?.pad(Pad::Nothing).of(self)?;
        let bins = values.dim(0)? as f64;
        let row = |hertz: u32| filters::mel(f64::from(hertz)) / filters::mel(filters::TOP) * (bins + 1.0) - 0.5;
        let ticks = [250, 500, 1000, 2000, 4000, 8000].map(|hertz| (row(hertz).min(bins), label(hertz)));
        Ok(self.waveform().spectrogram(values).frequencies(ticks))
    }

    /// Draws the waveform alone.
    pub fn waveform(&self) -> SoundPicture {
        let part = self.part().map(|(from, to)| format!(", {from} to {to} s")).unwrap_or_default();
        SoundPicture::new(self.wave(), Self::RATE).title(format!("{}{part}", self.name()))
    }

    fn check_picture(&self) -> Result<()> {
        let duration = self.duration();
        if duration <= LONGEST as f64 {
            return Ok(());
        }
        Err(AudioError::Picture { duration: rounded(duration), most: LONGEST }.into())
    }

    /// The spectrogram, or, of a long sound, the waveform alone.
    fn picture(&self) -> Result<Figure> {
        if self.duration() <= LONGEST as f64 {
            return self.spectrogram()?.draw();
        }
        let note = "Choose a part, as in audio.seconds(0..10), to see its spectrogram.";
        self.waveform().note(note).draw()
    }

    /// `jfk.wav: 11 s (from 44100 Hz, 2 channels)`.
    fn brief(&self) -> String {
        let channels =
            if self.source_channels() == 1 { "1 channel" } else { &format!("{} channels", self.source_channels()) };
        let part = self.part().map(|(from, to)| format!(" ({from} to {to} s)")).unwrap_or_default();
        let duration = rounded(self.duration());
        format!("{}{part}: {duration} s of sound, from {} Hz and {channels}", self.name(), self.source_rate())
    }
}

fn label(hertz: u32) -> String {
    format!("{hertz} Hz")
}

shown! {
    /// Shows waveform and spectrogram as the output of a notebook's cell; of more than a minute, the waveform.
    Audio: picture, brief
}

drawn! {
    Audio: picture;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notebook::Show;

    /// A tone that gets higher, from 500 Hz.
    fn rising(seconds: f32) -> Audio {
        let sample = |t: i32| {
            let time = t as f32 / 16_000.0;
            (std::f32::consts::TAU * (500.0 + 400.0 * time) * time).sin() * 0.5
        };
        Audio::from_samples((0..(seconds * 16_000.0) as i32).map(sample), 16_000).unwrap()
    }

    #[test]
    fn a_tone_is_black_at_its_frequency_and_white_elsewhere() {
        let values = hertz::spectrogram(rising(2.0).wave(), 400);
        for (column, frequency) in [(20, 580.0), (200, 1300.0), (380, 2020.0)] {
            let column = values.column(column);
            let loudest = (0..80).max_by_key(|&row| (column[row] * 100.0) as i64).unwrap();
            let got = (loudest as f64 + 0.5) * hertz::TOP / 80.0;
            assert!((got - frequency).abs() < 90.0, "{got}, not {frequency}");
            assert!(column[loudest] - column[79] > 40.0);
        }
    }

    #[test]
    fn a_sound_is_shown_as_waveform_and_spectrogram_with_its_times() {
        let svg = rising(1.0).picture().unwrap().to_svg();
        for part in [">1000 Hz<", ">5000 Hz<", ">time (s)<", ">0.5<", "stroke=\"#000000\"", ">samples<"] {
            assert!(svg.contains(part), "{part}");
        }
        let mel = rising(1.0).mel_spectrogram(80).unwrap().draw().unwrap().to_svg();
        assert!(mel.contains(">250 Hz<") && mel.contains(">4000 Hz<"));
        assert!(rising(1.0).plain().contains("0 to 1 s"));
    }

    #[test]
    fn a_cut_says_which_part_it_is() {
        let part = rising(2.0).seconds(0.5..1.25).unwrap();
        assert!(part.picture().unwrap().to_svg().contains(">samples, 0.5 to 1.25 s<"));
        assert_eq!(format!("{part:?}"), "samples (0.5 to 1.25 s): 0.75 s of sound, from 16000 Hz and 1 channel");
    }

    #[test]
    fn a_long_sound_is_shown_by_its_waveform_alone() {
        let long = Audio::from_samples(vec![0.1; 61 * 16_000], 16_000).unwrap();
        assert!(long.picture().unwrap().to_svg().contains("Choose a part"));
        let said = long.spectrogram().err().unwrap().to_string();
        assert!(said.contains("up to 60 s, and the sound lasts 61 s"), "{said}");
    }

    #[test]
    fn silence_and_a_single_sample_are_shown() {
        for samples in [vec![0.0; 16_000], vec![0.3]] {
            let audio = Audio::from_samples(samples, 16_000).unwrap();
            audio.picture().unwrap();
            audio.mel_spectrogram(128).unwrap().draw().unwrap();
        }
    }
}
