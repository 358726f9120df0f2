//! Another rate of samples: a windowed sinc, without a library.

use rayon::prelude::*;
use std::f64::consts::PI;

/// Zero crossings of the sinc on either side, the shape of its Kaiser window, and how much of the lower Nyquist
/// frequency is kept.
const CROSSINGS: f64 = 32.0;
const BETA: f64 = 8.0;
const KEPT: f64 = 0.95;

/// The same sound with `to` samples a second instead of `from`.
pub(super) fn resample(samples: Vec<f32>, from: u32, to: u32) -> Vec<f32> {
    if from == to {
        return samples;
    }
    let shared = gcd(from, to);
    // Sample m of the new sound lies at m * step / phases of the old: there are so many places between two old samples.
    let (step, phases) = ((from / shared) as usize, (to / shared) as usize);
    let len = ((samples.len() * phases + step / 2) / step).max(1);
    let cutoff = KEPT * (f64::from(to) / f64::from(from)).min(1.0);
    let of_phase = |phase: usize| -> Vec<f32> {
        let filter = Filter::at((phase * step % phases) as f64 / phases as f64, cutoff);
        let places = (phase..len).step_by(phases).collect::<Vec<_>>();
        places.into_par_iter().map(|m| filter.apply(&samples, m * step / phases)).collect()
    };
    let of_phases: Vec<Vec<f32>> = (0..phases.min(len)).into_par_iter().map(of_phase).collect();
    (0..len).map(|m| of_phases[m % phases][m / phases]).collect()
}

/// The weights of old samples around a place between two of them.
struct Filter {
    weights: Vec<f32>,
    /// How many of them lie at or before the place.
    before: usize,
}

impl Filter {
    /// For a place so far past a sample, passing frequencies up to this share of Nyquist's.
    fn at(past: f64, cutoff: f64) -> Self {
        let reach = CROSSINGS / cutoff;
        let (before, after) = ((reach - past).floor() as usize, (reach + past).floor() as usize);
        let weight = |i: usize| {
            let distance = i as f64 - before as f64 - past;
            let (turn, edge) = (PI * cutoff * distance, distance / reach);
            let sinc = if turn == 0.0 { 1.0 } else { turn.sin() / turn };
            sinc * bessel(BETA * (1.0 - edge * edge).max(0.0).sqrt())
        };
        let weights: Vec<f64> = (0..=before + after).map(weight).collect();
        let sum: f64 = weights.iter().sum();
        Self { weights: weights.into_iter().map(|weight| (weight / sum) as f32).collect(), before }
    }

    /// The new sample at the place past this old one. Beyond the ends there is silence.
    fn apply(&self, samples: &[f32], at: usize) -> f32 {
        let skipped = self.before.saturating_sub(at);
        let start = (at + skipped).saturating_sub(self.before).min(samples.len());
        dot(self.weights.get(skipped..).unwrap_or_default(), &samples[start..])
    }
}

/// The sum of products, as far as both go, in eight sums that the processor adds at once.
fn dot(weights: &[f32], samples: &[f32]) -> f32 {
    let len = weights.len().min(samples.len());
    let (weights, samples) = (weights[..len].chunks_exact(8), samples[..len].chunks_exact(8));
    let rest: f32 = weights.remainder().iter().zip(samples.remainder()).map(|(weight, sample)| weight * sample).sum();
    let add = |mut sums: [f32; 8], (weights, samples): (&[f32], &[f32])| {
        sums.iter_mut().zip(weights).zip(samples).for_each(|((sum, weight), sample)| *sum += weight * sample);
        sums
    };
    weights.zip(samples).fold([0.0; 8], add).iter().sum::<f32>() + rest
}

/// The modified Bessel function of the first kind, order 0, by its series.
fn bessel(x: f64) -> f64 {
    let (quarter, mut term, mut sum) = (x * x / 4.0, 1.0, 1.0);
    for k in 1..64 {
        term *= quarter / f64::from(k * k);
        sum += term;
    }
    sum
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A second of a tone of this frequency, half as loud as can be.
    fn tone(frequency: f64, rate: u32) -> Vec<f32> {
        (0..rate).map(|t| (0.5 * (2.0 * PI * frequency * f64::from(t) / f64::from(rate)).sin()) as f32).collect()
    }

    /// The largest difference without the ends, where the sound begins and stops.
    fn difference(got: &[f32], expected: &[f32]) -> f32 {
        assert_eq!(got.len(), expected.len());
        let inner = got.iter().zip(expected).skip(800).take(got.len() - 1600);
        inner.map(|(got, expected)| (got - expected).abs()).fold(0.0, f32::max)
    }

    const RATES: [u32; 9] = [8000, 11_025, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000, 16_001];

    #[test]
    fn a_tone_keeps_its_frequency_and_its_size() {
        for rate in RATES {
            for frequency in [50.0, 440.0, 1234.5, 3000.0, 6900.0] {
                if frequency < f64::from(rate) * 0.43 {
                    let error = difference(&resample(tone(frequency, rate), rate, 16_000), &tone(frequency, 16_000));
                    assert!(error < 1e-3, "{frequency} Hz of {rate}: {error}");
                }
            }
        }
    }

    #[test]
    fn a_constant_stays_as_it_is() {
        for rate in RATES {
            let same = resample(vec![0.7; rate as usize], rate, 16_000);
            assert!(difference(&same, &vec![0.7; 16_000]) < 1e-6, "{rate}");
        }
    }

    #[test]
    fn tones_above_the_new_nyquist_frequency_vanish() {
        for rate in [22_050, 32_000, 44_100, 48_000, 96_000] {
            for frequency in [8500.0, 9000.0, 10_500.0, 15_000.0, 22_000.0] {
                if frequency < f64::from(rate) / 2.0 {
                    let left = difference(&resample(tone(frequency, rate), rate, 16_000), &[0.0; 16_000]);
                    assert!(left < 2e-4, "{frequency} Hz of {rate}: {left}");
                }
            }
        }
    }

    #[test]
    fn there_are_as_many_samples_as_the_time_has() {
        for rate in RATES {
            for len in [1, 2, 99, 1000, 12_345] {
                let expected = (len as f64 * 16_000.0 / f64::from(rate)).round().max(1.0) as usize;
                let got = resample(vec![0.1; len], rate, 16_000).len();
                assert_eq!(got, expected, "{len} at {rate}");
            }
        }
    }

    #[test]
    fn a_short_sound_at_the_highest_rate_is_resampled_too() {
        assert_eq!(resample(vec![0.5; 50], 383_999, 16_000).len(), 2);
        assert_eq!(resample(vec![0.5; 1], 1000, 16_000).len(), 16);
    }
}
