//! [`Statistics`]: one effect over several pairs of prompts.

use crate::order::{any_nan, rising};
use rand::{Rng, SeedableRng, rngs::StdRng};

/// One effect over several pairs of prompts. All values are NaN if one of the effects is.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?;
/// let pairs = PromptPairs::new(&model, [
///     ("red fox blue owl tree red fox", "red owl blue fox tree red fox", "blue", "tree"),
///     ("cat hat sun dog ant cat hat", "cat dog sun hat ant cat hat", "sun", "ant"),
/// ])?;
/// let sweep = pairs.patching(&model)?.heads(HeadPart::Out)?;
/// let effect = sweep.statistics(&[1, 0], 0).unwrap(); // of the induction head
/// assert!(effect.interval.0 <= effect.mean && effect.mean <= effect.interval.1);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Statistics {
    /// The mean over pairs.
    pub mean: f32,
    /// The standard error of the mean; 0 for one pair.
    pub standard_error: f32,
    /// The interval that holds the mean in 95 % of the samples drawn from the pairs with replacement (Efron 1979).
    pub interval: (f32, f32),
    /// How often pairs whose effects' signs are drawn by chance give a mean at least as far from 0 (a permutation
    /// test, two-sided, never 0).
    pub p_value: f32,
}

/// Samples drawn for an interval and for a p-value.
const SAMPLES: usize = 2000;

pub(super) fn mean(values: &[f32]) -> f32 {
    values.iter().sum::<f32>() / values.len().max(1) as f32
}

impl Statistics {
    pub(super) fn of(effects: &[f32], seed: u64) -> Self {
        if any_nan(effects) {
            let nan = f32::NAN;
            return Self { mean: nan, standard_error: nan, interval: (nan, nan), p_value: nan };
        }
        let mut rng = StdRng::seed_from_u64(seed);
        let (n, mean_effect) = (effects.len(), mean(effects));
        let variance = effects.iter().map(|effect| (effect - mean_effect).powi(2)).sum::<f32>();
        let standard_error = if n > 1 { (variance / (n - 1) as f32 / n as f32).sqrt() } else { 0.0 };
        let resampled =
            |rng: &mut StdRng| mean(&effects.iter().map(|_| effects[rng.random_range(0..n)]).collect::<Vec<_>>());
        let mut means: Vec<f32> = (0..SAMPLES).map(|_| resampled(&mut rng)).collect();
        means.sort_by(|a, b| rising(*a, *b));
        let flipped = |rng: &mut StdRng| {
            mean(&effects.iter().map(|&effect| if rng.random() { effect } else { -effect }).collect::<Vec<_>>())
        };
        let far = |value: f32| value.abs() >= mean_effect.abs() * (1.0 - 1e-6);
        let extreme = (0..SAMPLES).filter(|_| far(flipped(&mut rng))).count();
        Self {
            mean: mean_effect,
            standard_error,
            interval: (means[SAMPLES / 40], means[SAMPLES - 1 - SAMPLES / 40]),
            p_value: (extreme + 1) as f32 / (SAMPLES + 1) as f32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_effect_of_one_sign_is_no_chance_and_one_of_both_signs_is() {
        let steady: Vec<f32> = (0..12).map(|i| 1.0 + 0.1 * (i % 3) as f32).collect();
        let mixed: Vec<f32> = (0..12).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
        let (steady, mixed) = (Statistics::of(&steady, 0), Statistics::of(&mixed, 0));
        assert!(steady.p_value < 0.01 && mixed.p_value > 0.5, "{steady:?} {mixed:?}");
        assert!(steady.interval.0 > 0.9 && steady.interval.1 < 1.3);
        assert!(mixed.interval.0 < 0.0 && mixed.interval.1 > 0.0);
        assert_eq!(Statistics::of(&[2.0], 0).interval, (2.0, 2.0));
    }

    #[test]
    fn the_standard_error_is_that_of_the_textbook() {
        let statistics = Statistics::of(&[1.0, 2.0, 3.0, 4.0], 0);
        assert!((statistics.standard_error - (5.0f32 / 3.0 / 4.0).sqrt()).abs() < 1e-6);
        assert_eq!(statistics, Statistics::of(&[1.0, 2.0, 3.0, 4.0], 0), "seeded");
    }
}
