//! Chooses the next token from logits: greedily, or by temperature, `top_k` and `top_p`.
//!
//! candle-transformers has a sampler too, but it takes more than two minutes of processor time to compile, uses one
//! random stream for a whole batch, and applies `top_p` to the full distribution instead of what `top_k` leaves.

use crate::{
    Result,
    error::GenerateError,
    model::softmax,
    order::{largest, not_a_logit, top_k},
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::ops::RangeInclusive;

/// How the next token is chosen from logits. It is greedy if no temperature, `top_k` or `top_p` is given.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sampling {
    pub(super) temperature: Option<f64>,
    pub(super) top_k: Option<usize>,
    pub(super) top_p: Option<f64>,
    pub(super) repetition_penalty: f64,
    pub(super) frequency_penalty: f64,
    pub(super) seed: u64,
}

impl Default for Sampling {
    fn default() -> Self {
        let (temperature, top_k, top_p) = (None, None, None);
        Self { temperature, top_k, top_p, repetition_penalty: 1.0, frequency_penalty: 0.0, seed: 0 }
    }
}

/// The range of temperatures and repetition penalties, which logits are divided by.
const FACTORS: RangeInclusive<f64> = 1e-6..=1e6;
const FREQUENCIES: RangeInclusive<f64> = -1e6..=1e6;

impl Sampling {
    pub(super) fn check(&self) -> Result<()> {
        let fails = |failed: bool, error: GenerateError| if failed { Err(error.into()) } else { Ok(()) };
        let temperature = self.temperature.unwrap_or(1.0);
        fails(!(temperature == 0.0 || FACTORS.contains(&temperature)), GenerateError::Temperature(temperature))?;
        fails(self.top_k == Some(0), GenerateError::TopK)?;
        let p = self.top_p.unwrap_or(1.0);
        fails(!(p > 0.0 && p <= 1.0), GenerateError::TopP(p))?;
        let repetition = self.repetition_penalty;
        fails(!FACTORS.contains(&repetition), GenerateError::RepetitionPenalty(repetition))?;
        let frequency = self.frequency_penalty;
        fails(!FREQUENCIES.contains(&frequency), GenerateError::FrequencyPenalty(frequency))
    }

    fn is_greedy(&self) -> bool {
        let unsaid = self.temperature.is_none() && self.top_k.is_none() && self.top_p.is_none();
        unsaid || self.temperature == Some(0.0)
    }

    /// Returns the logits after, in this order, the repetition penalty (Keskar et al. 2019), the temperature and the
    /// frequency penalty.
    fn adjusted(&self, logits: &[f32], text: &[u32]) -> Vec<f32> {
        let mut counts = vec![0u32; logits.len()];
        text.iter().for_each(|&id| counts.get_mut(id as usize).into_iter().for_each(|count| *count += 1));
        let (repetition, frequency) = (self.repetition_penalty as f32, self.frequency_penalty as f32);
        let temperature = if self.is_greedy() { 1.0 } else { self.temperature.unwrap_or(1.0) as f32 };
        let adjusted = |(&logit, &count): (&f32, &u32)| match count {
            0 => logit / temperature,
            _ => {
                let penalized = if logit > 0.0 { logit / repetition } else { logit * repetition };
                penalized / temperature - count as f32 * frequency
            }
        };
        logits.iter().zip(&counts).map(adjusted).collect()
    }

    /// Returns the tokens that may be chosen and their probabilities: among the `top_k` most likely, the fewest whose
    /// probabilities reach `top_p`. The token that crosses it is included.
    fn candidates(&self, logits: &[f32]) -> (Vec<usize>, Vec<f32>) {
        let ids = match (self.top_k, self.top_p) {
            (None, None) => (0..logits.len()).collect(),
            (k, _) => top_k(logits, k.unwrap_or(logits.len())),
        };
        let mut probabilities = softmax(&ids.iter().map(|&id| logits[id]).collect::<Vec<_>>());
        if let Some(p) = self.top_p {
            let mut before = 0.0;
            let kept = probabilities.iter().take_while(|&&probability| {
                let keep = before < p;
                before += f64::from(probability);
                keep
            });
            let kept = kept.count();
            probabilities.truncate(kept);
        }
        (ids, probabilities)
    }
}

/// Chooses the tokens of one text. Each text has its own random stream, so it does not depend on its neighbours.
#[derive(Clone, Debug)]
pub(super) struct Sampler {
    sampling: Sampling,
    rng: StdRng,
}

impl Sampler {
    /// Makes the sampler of the text at this index, seeded with the seed plus the index.
    pub(super) fn new(sampling: Sampling, text: usize) -> Self {
        let rng = StdRng::seed_from_u64(sampling.seed.wrapping_add(text as u64));
        Self { sampling, rng }
    }

    /// Returns the next token after `text`; `None` if a logit is NaN or inf, or all are -inf.
    pub(super) fn next(&mut self, logits: &[f32], text: &[u32]) -> Option<usize> {
        let logits = self.sampling.adjusted(logits, text);
        if not_a_logit(&logits).is_some() {
            return None;
        }
        if self.sampling.is_greedy() {
            return largest(logits);
        }
        let (ids, probabilities) = self.sampling.candidates(&logits);
        let total: f64 = probabilities.iter().map(|&probability| f64::from(probability)).sum();
        let at = self.rng.random::<f64>() * total;
        let mut before = 0.0;
        let chosen = probabilities.iter().position(|&probability| {
            before += f64::from(probability);
            at < before
        });
        // Rounding may leave `at` at the very end. Then the last token with a positive probability is chosen.
        ids.get(chosen.or_else(|| probabilities.iter().rposition(|&probability| probability > 0.0))?).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(sampling: &Sampling, logits: &[f32]) -> Vec<usize> {
        let (ids, probabilities) = sampling.candidates(logits);
        ids[..probabilities.len()].to_vec()
    }

    /// The logits of these probabilities.
    fn of(probabilities: &[f32]) -> Vec<f32> {
        probabilities.iter().map(|probability| probability.ln()).collect()
    }

    #[test]
    fn top_k_keeps_exactly_the_k_likeliest() {
        let logits = of(&[0.1, 0.4, 0.2, 0.3]);
        for (k, kept) in [(1, &[1][..]), (2, &[1, 3]), (3, &[1, 3, 2]), (9, &[1, 3, 2, 0])] {
            assert_eq!(ids(&Sampling { top_k: Some(k), ..Sampling::default() }, &logits), kept);
        }
    }

    #[test]
    fn top_p_keeps_the_token_that_crosses_it_and_none_after() {
        let logits = of(&[0.125, 0.5, 0.125, 0.25]);
        for (p, kept) in [(0.1, &[1][..]), (0.5, &[1]), (0.51, &[1, 3]), (0.75, &[1, 3]), (0.8, &[1, 3, 0])] {
            assert_eq!(ids(&Sampling { top_p: Some(p), ..Sampling::default() }, &logits), kept, "{p}");
        }
        assert_eq!(ids(&Sampling { top_p: Some(1.0), ..Sampling::default() }, &logits).len(), 4);
    }

    #[test]
    fn top_p_is_a_share_of_what_top_k_left() {
        // Of the two most likely tokens, the first has probability 2/3.
        let sampling = Sampling { top_k: Some(2), top_p: Some(0.6), ..Sampling::default() };
        assert_eq!(ids(&sampling, &of(&[0.125, 0.5, 0.125, 0.25])), [1]);
    }

    #[test]
    fn penalties_and_temperature_come_in_their_order() {
        let sampling = Sampling {
            temperature: Some(0.5),
            repetition_penalty: 2.0,
            frequency_penalty: 0.25,
            ..Sampling::default()
        };
        // A token that occurs twice: 3 / 2 / 0.5 - 2 * 0.25; once: -1 * 2 / 0.5 - 0.25; never: 1 / 0.5.
        assert_eq!(sampling.adjusted(&[3.0, -1.0, 1.0], &[0, 1, 0]), [2.5, -4.25, 2.0]);
        // The greedy choice ignores the temperature.
        let greedy = Sampling { temperature: Some(0.0), repetition_penalty: 2.0, ..Sampling::default() };
        assert_eq!(greedy.adjusted(&[3.0, -1.0, 1.0], &[0, 1, 0]), [1.5, -2.0, 1.0]);
    }

    #[test]
    fn a_temperature_or_penalty_that_would_overflow_is_refused_and_none_within_range_does() {
        for bad in [1e-38, 1e-300, 9e-7, 1.1e6, f64::NAN, f64::INFINITY, -1.0] {
            assert!(Sampling { temperature: Some(bad), ..Sampling::default() }.check().is_err(), "{bad}");
            assert!(Sampling { repetition_penalty: bad, ..Sampling::default() }.check().is_err(), "{bad}");
        }
        let ends = [1e-6, 1e6].into_iter().flat_map(|a| [1e-6, 1e6].map(|b| (a, b)));
        for ((temperature, repetition_penalty), frequency_penalty) in ends.flat_map(|ends| [(ends, -1e6), (ends, 1e6)])
        {
            let temperature = Some(temperature);
            let sampling = Sampling { temperature, repetition_penalty, frequency_penalty, ..Sampling::default() };
            sampling.check().unwrap();
            assert!(sampling.adjusted(&[1e6, -1e6, 0.0], &[0, 1, 1]).iter().all(|logit| logit.is_finite()));
            assert!(Sampler::new(sampling, 0).next(&[1e6, -1e6, 0.0], &[0, 1, 1]).is_some());
        }
    }

    #[test]
    fn draws_follow_the_distribution() {
        let probabilities = [0.05, 0.3, 0.1, 0.15, 0.4];
        let mut sampler = Sampler::new(Sampling { temperature: Some(1.0), seed: 7, ..Sampling::default() }, 0);
        let draws = 20_000;
        let mut counts = [0.0; 5];
        (0..draws).for_each(|_| counts[sampler.next(&of(&probabilities), &[]).unwrap()] += 1.0);
        let chi_square = |probabilities: [f32; 5]| -> f64 {
            let expected = probabilities.map(|probability| f64::from(probability) * f64::from(draws));
            counts.iter().zip(expected).map(|(count, expected)| (count - expected).powi(2) / expected).sum()
        };
        // With 4 degrees of freedom, a value above 25 has probability 1 in 20000. Even a slightly different
        // distribution would far exceed it.
        assert!(chi_square(probabilities) < 25.0, "{counts:?}");
        assert!(chi_square([0.05, 0.3, 0.1, 0.2, 0.35]) > 25.0);
    }

    #[test]
    fn impossible_tokens_are_never_drawn_and_nonsense_is_refused() {
        let mut sampler = Sampler::new(Sampling { temperature: Some(1.0), ..Sampling::default() }, 0);
        let logits = [f32::NEG_INFINITY, 0.0, f32::NEG_INFINITY];
        assert!((0..100).all(|_| sampler.next(&logits, &[]) == Some(1)));
        assert_eq!(sampler.next(&[f32::NAN, 0.0], &[]), None);
        assert_eq!(sampler.next(&[f32::NEG_INFINITY; 2], &[]), None);
    }
}
