//! Choosing the features of a sparse probe by the difference of class means ([Gurnee et al.
//! 2023](https://arxiv.org/abs/2305.01610)).
//!
//! To add another criterion, add a function that scores features.

use ndarray::Axis;

use super::Features;
use crate::order::by_size;

/// Returns the mean over the positive samples minus the mean over the negative ones for each feature, on the raw
/// activations.
///
/// # Shapes
/// `rows` and `labels`: `[sample]`, result: `[feature]`
pub(crate) fn mean_difference(features: &Features, rows: &[usize], labels: &[bool]) -> Vec<f64> {
    let mut sums = [vec![0.0; features.n_features()], vec![0.0; features.n_features()]];
    let mut counts = [0.0_f64; 2];
    let [negative, positive] = &mut sums;
    for (&row, &label) in rows.iter().zip(labels) {
        let sum = if label { &mut *positive } else { &mut *negative };
        for (total, &value) in sum.iter_mut().zip(features.values().index_axis(Axis(0), row)) {
            *total += f64::from(value);
        }
        counts[usize::from(label)] += 1.0;
    }
    positive.iter().zip(negative.iter()).map(|(p, n)| p / counts[1] - n / counts[0]).collect()
}

/// Returns the features from the largest absolute score to the smallest. Ties keep their order.
pub(crate) fn ranking(scores: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| by_size(scores[a], scores[b]));
    order
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn the_difference_is_of_the_named_rows_only() {
        let features = Features::new(array![[1.0, 5.0], [3.0, 5.0], [10.0, 1.0], [1e9, 1e9]]).unwrap();
        assert_eq!(mean_difference(&features, &[0, 1, 2], &[false, false, true]), [8.0, -4.0]);
    }

    #[test]
    fn the_ranking_is_by_size_whatever_the_sign_and_stable() {
        assert_eq!(ranking(&[1.0, -3.0, 2.0, 1.0]), [1, 2, 0, 3]);
    }
}
