//! The bands of a mel spectrogram, and the waves that find what each frequency holds.

use std::{f64::consts::PI, sync::OnceLock};

/// Samples of a frame, frequencies of its spectrum (40 Hz apart), and the highest of them.
pub(super) const FRAME: usize = 400;
pub(super) const FREQUENCIES: usize = FRAME / 2 + 1;
pub(super) const TOP: f64 = 8000.0;
/// The most bands that all hold a frequency.
pub(super) const MOST: usize = 128;

/// Slaney's scale, as librosa has it: straight below 1000 Hz, logarithmic above.
pub(super) fn mel(hertz: f64) -> f64 {
    if hertz < 1000.0 { 3.0 * hertz / 200.0 } else { 15.0 + 27.0 * (hertz / 1000.0).ln() / 6.4f64.ln() }
}

fn hertz(mel: f64) -> f64 {
    if mel < 15.0 { 200.0 * mel / 3.0 } else { 1000.0 * ((mel - 15.0) * 6.4f64.ln() / 27.0).exp() }
}

/// How much each frequency counts in each band: triangles of equal area, evenly spaced in mels. `[frequency, bin]`.
pub(super) fn filters(bins: usize) -> Vec<f32> {
    let edge = |i: usize| hertz(mel(TOP) * i as f64 / (bins + 1) as f64);
    let weight = |frequency: usize, bin: usize| {
        let (low, middle, high) = (edge(bin), edge(bin + 1), edge(bin + 2));
        let at = TOP * frequency as f64 / (FREQUENCIES - 1) as f64;
        let height = ((at - low) / (middle - low)).min((high - at) / (high - middle)).max(0.0);
        (height * 2.0 / (high - low)) as f32
    };
    (0..FREQUENCIES).flat_map(|frequency| (0..bins).map(move |bin| weight(frequency, bin))).collect()
}

/// A cosine and a sine of each frequency, under a Hann window: a frame times this is its spectrum.
/// `[sample, frequency]`, cosines first.
pub(super) fn waves() -> &'static [f32] {
    static WAVES: OnceLock<Vec<f32>> = OnceLock::new();
    WAVES.get_or_init(|| {
        let turn = |part: usize| 2.0 * PI * (part % FRAME) as f64 / FRAME as f64;
        let wave = |at: usize, column: usize| {
            let window = 0.5 - 0.5 * turn(at).cos();
            let angle = turn(at * (column % FREQUENCIES));
            (window * if column < FREQUENCIES { angle.cos() } else { -angle.sin() }) as f32
        };
        (0..FRAME).flat_map(|at| (0..2 * FREQUENCIES).map(move |column| wave(at, column))).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The weights of a band that are not 0, with their frequencies.
    fn band(bins: usize, bin: usize) -> Vec<(usize, f32)> {
        let weights = filters(bins).into_iter().skip(bin).step_by(bins).enumerate();
        weights.filter(|(_, weight)| *weight > 0.0).collect()
    }

    #[test]
    fn the_bands_are_those_of_whisper() {
        for (bins, first, sum, filled) in
            [(80, 0.024_862_595, 1.999_024_1, 391), (128, 0.012_373_987, 3.190_985_5, 394)]
        {
            let all = filters(bins);
            assert_eq!(all.iter().filter(|weight| **weight > 0.0).count(), filled);
            assert!((all.iter().map(|weight| f64::from(*weight)).sum::<f64>() - sum).abs() < 1e-6);
            let lowest = band(bins, 0);
            assert!(lowest.len() == 1 && lowest[0].0 == 1 && (lowest[0].1 - first).abs() < 1e-8, "{lowest:?}");
        }
        let highest = band(80, 79);
        let expected = [(186, 0.000_366_741_67), (187, 0.000_833_07), (188, 0.001_299_398_3), (189, 0.001_765_726_7)];
        for (got, expected) in highest.iter().zip(expected) {
            assert!(got.0 == expected.0 && (got.1 - expected.1).abs() < 1e-8, "{got:?}");
        }
    }

    #[test]
    fn no_band_is_empty() {
        for bins in [1, 20, 80, MOST] {
            assert!((0..bins).all(|bin| !band(bins, bin).is_empty()), "{bins}");
        }
    }

    #[test]
    fn a_frequency_is_where_its_mel_is() {
        for frequency in [0.0, 250.0, 999.0, 1000.0, 4321.0, 8000.0] {
            assert!((hertz(mel(frequency)) - frequency).abs() < 1e-9);
        }
    }
}
