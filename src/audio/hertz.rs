//! The broad-band spectrogram of phoneticians: a Gaussian window so short that single pulses of the voice are seen.

use super::Audio;
use ndarray::Array2;
use std::f64::consts::PI;

/// The highest frequency, how many there are, and how long the window is in effect; as long again are its ends.
pub(super) const TOP: f64 = 5000.0;
const ROWS: usize = 80;
const WINDOW: f64 = 0.005;
/// Sound is looked at so often at least; columns further apart are means.
const HOP: f64 = 0.0025;
/// By how much higher frequencies are raised, in dB an octave.
const EMPHASIS: f64 = 6.0;

/// How loud each frequency is at each time, in dB: rows from low to high, columns evenly spaced over the sound.
pub(super) fn spectrogram(samples: &[f32], columns: usize) -> Array2<f32> {
    let rate = f64::from(Audio::RATE);
    let width = samples.len() as f64 / columns as f64;
    let each = (width / (HOP * rate)).ceil().max(1.0) as usize;
    let length = (2.0 * WINDOW * rate) as usize;
    let middle = |frame: usize| ((frame as f64 + 0.5) * width / each as f64) as usize;
    let window = |i: usize| {
        let place = (i as f64 + 0.5) / length as f64 - 0.5;
        let edge = (-12.0f64).exp();
        ((-48.0 * place * place).exp() - edge) / (1.0 - edge)
    };
    let heard = |(frame, i): (usize, usize)| {
        (middle(frame) + i).checked_sub(length / 2).and_then(|at| samples.get(at)).map_or(0.0, |sample| *sample)
    };
    let hertz = |row: usize| (row as f64 + 0.5) * TOP / ROWS as f64;
    let wave = |(i, column): (usize, usize)| {
        let angle = 2.0 * PI * hertz(column % ROWS) * i as f64 / rate;
        (window(i) * if column < ROWS { angle.cos() } else { angle.sin() }) as f32
    };
    let waves = Array2::from_shape_fn((length, 2 * ROWS), wave);
    let mut out = Array2::zeros((ROWS, columns));
    for (column, mut levels) in out.columns_mut().into_iter().enumerate() {
        let frames = Array2::from_shape_fn((each, length), |(frame, i)| heard((column * each + frame, i)));
        let spectrum = frames.dot(&waves);
        for (row, level) in levels.iter_mut().enumerate() {
            let power = |part: usize| spectrum.column(part).iter().map(|value| f64::from(value * value)).sum::<f64>();
            let mean = (power(row) + power(row + ROWS)) / each as f64;
            *level = (10.0 * mean.max(1e-20).log10() + EMPHASIS * (hertz(row) / 1000.0).log2()) as f32;
        }
    }
    out
}
