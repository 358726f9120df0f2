//! [`Metrics`]: how well a probe's scores separate the two classes.
//!
//! To add a metric, add a variant to [`Score`], its name, and a field of [`Metrics`].

use super::Labels;
use crate::{Result, error::ProbeError, order::falling};
use std::borrow::Borrow;

/// One of the numbers in [`Metrics`].
///
/// All are between 0 and 1, and larger is better.
///
/// # Examples
/// ```
/// use glassbox::probe::{Labels, Metrics, Score};
/// let metrics = Metrics::from_scores(&[2.0, -1.0], Labels::new([true, false]))?;
/// assert_eq!((metrics.get(Score::F1), Score::RocAuc.name()), (1.0, "ROC-AUC"));
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Score {
    /// The share of samples that are classified correctly.
    Accuracy,
    /// The share of samples classified as positive that are positive; 0 if there are none.
    Precision,
    /// The share of positive samples that are classified as positive.
    Recall,
    /// The harmonic mean of precision and recall.
    F1,
    /// The probability that a positive sample scores above a negative one; ties count one half.
    RocAuc,
    /// The average of the precision at each positive sample, from the highest score down.
    AveragePrecision,
}

impl Score {
    /// All scores, in the order of reports.
    pub const ALL: [Self; 6] =
        [Self::Accuracy, Self::Precision, Self::Recall, Self::F1, Self::RocAuc, Self::AveragePrecision];

    /// The name on axes and in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::Precision => "precision",
            Self::Recall => "recall",
            Self::F1 => "F1",
            Self::RocAuc => "ROC-AUC",
            Self::AveragePrecision => "average precision",
        }
    }
}

/// How well scores separate the two classes.
///
/// Counts, accuracy, precision, recall and F1 classify a sample as positive if its score is at least 0 (log-odds of 0
/// are a probability of one half). ROC-AUC and average precision use only the order of the scores. Samples with equal
/// scores share one rank and one threshold, so ties do not get an arbitrary order.
///
/// # Examples
/// ```
/// use glassbox::probe::{Labels, Metrics};
/// let labels = Labels::new([true, true, false, false]);
/// let metrics = Metrics::from_scores(&[2.0, -0.5, 0.5, -3.0], &labels)?;
/// assert_eq!(metrics.accuracy, 0.5);
/// assert_eq!(metrics.roc_auc, 0.75); // three of the four pairs are in order
/// assert!((metrics.average_precision - (1.0 + 2.0 / 3.0) / 2.0).abs() < 1e-12);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metrics {
    /// Positive samples classified as positive.
    pub true_positives: usize,
    /// Negative samples classified as positive.
    pub false_positives: usize,
    /// Negative samples classified as negative.
    pub true_negatives: usize,
    /// Positive samples classified as negative.
    pub false_negatives: usize,
    /// See [`Score::Accuracy`].
    pub accuracy: f64,
    /// See [`Score::Precision`].
    pub precision: f64,
    /// See [`Score::Recall`].
    pub recall: f64,
    /// See [`Score::F1`].
    pub f1: f64,
    /// See [`Score::RocAuc`].
    pub roc_auc: f64,
    /// See [`Score::AveragePrecision`].
    pub average_precision: f64,
}

impl Metrics {
    /// Compares log-odds, or any scores with a threshold of 0, with the labels.
    ///
    /// # Errors
    /// Fails when the lengths differ, a score is NaN, or only one class occurs.
    ///
    /// # Examples
    /// ```
    /// use glassbox::probe::{Labels, Metrics};
    /// let metrics = Metrics::from_scores(&[2.0, -1.0, 0.5], Labels::new([true, false, false]))?;
    /// assert_eq!((metrics.true_positives, metrics.false_positives), (1, 1));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn from_scores(scores: &[f64], labels: impl Borrow<Labels>) -> Result<Self> {
        let labels = labels.borrow();
        labels.check(scores.len())?;
        if let Some(sample) = scores.iter().position(|score| score.is_nan()) {
            let value = format!("NaN at sample {sample}");
            return Err(ProbeError::Parameter { name: "score", value, valid: "numbers" }.into());
        }
        let count = |called: bool, is: bool| {
            scores.iter().zip(labels.as_slice()).filter(|&(&s, &label)| (s >= 0.0) == called && label == is).count()
        };
        let (tp, fp, tn, fn_) = (count(true, true), count(true, false), count(false, false), count(false, true));
        let thresholds = thresholds(scores, labels.as_slice());
        Ok(Self {
            true_positives: tp,
            false_positives: fp,
            true_negatives: tn,
            false_negatives: fn_,
            accuracy: ratio(tp + tn, scores.len()),
            precision: ratio(tp, tp + fp),
            recall: ratio(tp, tp + fn_),
            f1: ratio(2 * tp, 2 * tp + fp + fn_),
            roc_auc: roc_auc(&thresholds),
            average_precision: average_precision(&thresholds),
        })
    }

    /// Returns one of the numbers.
    pub fn get(&self, score: Score) -> f64 {
        match score {
            Score::Accuracy => self.accuracy,
            Score::Precision => self.precision,
            Score::Recall => self.recall,
            Score::F1 => self.f1,
            Score::RocAuc => self.roc_auc,
            Score::AveragePrecision => self.average_precision,
        }
    }
}

/// Returns `part / whole`, and 0 for 0 / 0.
fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Returns the numbers of positives and negatives at each distinct score, from the highest down.
fn thresholds(scores: &[f64], labels: &[bool]) -> Vec<[usize; 2]> {
    let mut order: Vec<(f64, bool)> = scores.iter().copied().zip(labels.iter().copied()).collect();
    order.sort_by(|a, b| falling(a.0, b.0));
    order
        .chunk_by(|a, b| a.0 == b.0)
        .map(|tied| {
            let positives = tied.iter().filter(|(_, label)| *label).count();
            [positives, tied.len() - positives]
        })
        .collect()
}

/// The share of pairs in order. The negatives at each threshold rank below the positives above it, and tie with those
/// at the same threshold. Half pairs are counted as integers, so the result is exact.
fn roc_auc(thresholds: &[[usize; 2]]) -> f64 {
    let (mut above, mut half_pairs, mut all_negatives) = (0_u128, 0_u128, 0_u128);
    for &[positives, negatives] in thresholds {
        half_pairs += negatives as u128 * (2 * above + positives as u128);
        above += positives as u128;
        all_negatives += negatives as u128;
    }
    half_pairs as f64 / (2 * above * all_negatives) as f64
}

/// The sum over thresholds of the recall gained there times the precision there.
fn average_precision(thresholds: &[[usize; 2]]) -> f64 {
    let (mut true_positives, mut called, mut sum) = (0, 0, 0.0);
    for &[positives, negatives] in thresholds {
        true_positives += positives;
        called += positives + negatives;
        sum += positives as f64 * ratio(true_positives, called);
    }
    sum / true_positives as f64
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::*;
    use crate::probe::seed::{Stream, generator};

    /// The definition, pair by pair.
    fn auc_by_pairs(scores: &[f64], labels: &[bool]) -> f64 {
        let of = |class: bool| scores.iter().zip(labels).filter(move |&(_, &l)| l == class).map(|(&s, _)| s);
        let pairs = of(true)
            .flat_map(|p| of(false).map(move |n| f64::from(u8::from(p > n)) + 0.5 * f64::from(u8::from(p == n))));
        pairs.sum::<f64>() / (of(true).count() * of(false).count()) as f64
    }

    #[test]
    fn roc_auc_equals_counting_every_pair_however_many_tie() {
        let mut random = generator(3, Stream::Split, 0);
        for levels in [1, 2, 5, 1000] {
            let scores: Vec<f64> = (0..300).map(|_| f64::from(random.random_range(0..levels))).collect();
            let labels: Vec<bool> = (0..300).map(|_| random.random_bool(0.3)).collect();
            let metrics = Metrics::from_scores(&scores, Labels::from(labels.clone())).unwrap();
            assert!((metrics.roc_auc - auc_by_pairs(&scores, &labels)).abs() < 1e-12, "{levels}");
        }
    }

    #[test]
    fn zero_and_minus_zero_tie() {
        let metrics = Metrics::from_scores(&[0.0, -0.0], Labels::new([false, true])).unwrap();
        assert_eq!(metrics.roc_auc, 0.5);
        assert_eq!(metrics.true_positives, 1);
    }

    #[test]
    fn a_constant_score_has_auc_one_half_and_the_prevalence_as_average_precision() {
        let labels: Labels = (0..10).map(|sample| sample < 3).collect();
        let metrics = Metrics::from_scores(&[-1.0; 10], &labels).unwrap();
        assert_eq!((metrics.roc_auc, metrics.average_precision), (0.5, 0.3));
        assert_eq!((metrics.accuracy, metrics.precision, metrics.recall, metrics.f1), (0.7, 0.0, 0.0, 0.0));
    }

    #[test]
    fn turning_every_score_round_turns_the_auc_round() {
        let scores = [0.1, -2.0, 3.0, 0.1, 5.0, -0.3];
        let labels = Labels::new([true, false, false, false, true, true]);
        let back: Vec<f64> = scores.iter().map(|score| -score).collect();
        let auc = |scores: &[f64]| Metrics::from_scores(scores, &labels).unwrap().roc_auc;
        assert!((auc(&scores) + auc(&back) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_score_that_is_not_a_number_is_an_error() {
        let nothing = Metrics::from_scores(&[], Labels::new([])).unwrap_err().to_string();
        assert!(nothing.contains("no samples"), "{nothing}");
        let error = Metrics::from_scores(&[0.0, f64::NAN], Labels::new([true, false])).unwrap_err().to_string();
        assert!(error.contains("NaN at sample 1"), "{error}");
    }
}
