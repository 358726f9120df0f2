//! [`SparseProbeParams`]: the settings of a sparse probe.

use super::{Features, Labels};
use crate::{Result, error::ProbeError};

/// The settings of a sparse probe.
///
/// Made by [`SparseProbe::params`](super::SparseProbe::params).
///
/// The loss is the mean logistic loss over the training samples, plus `l2 / 2` times the sum of the squared weights.
/// The bias is not penalised. With n training samples this is scikit-learn's `C = 1 / (l2 n)` and linfa's `alpha = l2
/// n`, and the same convention as TransformerLens's `l2_strength`.
///
/// # Examples
/// ```
/// use glassbox::{ndarray::Array2, prelude::*};
/// let params = SparseProbe::params().k(1).seed(7).test_fraction(0.5).shuffles(2);
/// let features = Features::new(Array2::from_shape_fn((40, 3), |(sample, _)| (sample % 2) as f32))?;
/// let labels: Labels = (0..40).map(|sample| sample % 2 == 0).collect();
/// assert_eq!(params.fit(&features, &labels)?.split().test().len(), 20);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SparseProbeParams {
    pub(crate) k: usize,
    pub(crate) seed: u64,
    pub(crate) test_fraction: f64,
    pub(crate) l2: f64,
    pub(crate) balanced: bool,
    pub(crate) standardise: bool,
    pub(crate) max_iterations: u64,
    pub(crate) shuffles: usize,
    pub(crate) random_draws: usize,
    pub(crate) splits: usize,
}

impl Default for SparseProbeParams {
    fn default() -> Self {
        Self {
            k: 8,
            seed: 0,
            test_fraction: 0.3,
            l2: 0.01,
            balanced: true,
            standardise: true,
            max_iterations: 100,
            shuffles: 5,
            random_draws: 5,
            splits: 5,
        }
    }
}

/// The largest number of repeats of anything.
const REPEATS: usize = 10_000;

impl SparseProbeParams {
    /// Sets the number of features that the probe may use.
    ///
    /// The default is 8.
    pub fn k(self, k: usize) -> Self {
        Self { k, ..self }
    }

    /// Seeds the split and the controls.
    ///
    /// The default is 0.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Sets the share of each class that is kept for the test.
    ///
    /// The default is 0.3.
    pub fn test_fraction(self, test_fraction: f64) -> Self {
        Self { test_fraction, ..self }
    }

    /// Sets the strength of the penalty on the squared weights, per sample.
    ///
    /// The default is 0.01.
    pub fn l2(self, l2: f64) -> Self {
        Self { l2, ..self }
    }

    /// Whether both classes have the same total weight in the loss, however many samples they have.
    ///
    /// A sample then weighs n / 2 divided by its class's count, as with scikit-learn's `class_weight="balanced"`. The
    /// default is true.
    pub fn balanced(self, balanced: bool) -> Self {
        Self { balanced, ..self }
    }

    /// Whether the chosen features are scaled to mean 0 and standard deviation 1 on the training samples before the
    /// regression.
    ///
    /// The choice of features does not depend on it. The default is true.
    pub fn standardise(self, standardise: bool) -> Self {
        Self { standardise, ..self }
    }

    /// Sets the number of L-BFGS iterations before Newton's method takes over.
    ///
    /// The default is 100.
    pub fn max_iterations(self, max_iterations: u64) -> Self {
        Self { max_iterations, ..self }
    }

    /// Sets how many times the control with shuffled labels is run.
    ///
    /// The default is 5.
    pub fn shuffles(self, shuffles: usize) -> Self {
        Self { shuffles, ..self }
    }

    /// Sets how many times the control with k random features is run.
    ///
    /// The default is 5.
    pub fn random_draws(self, random_draws: usize) -> Self {
        Self { random_draws, ..self }
    }

    /// Sets how many train/test splits a curve averages over, with seeds `seed`, `seed + 1`, ... The default is 5.
    pub fn splits(self, splits: usize) -> Self {
        Self { splits, ..self }
    }

    /// Checks everything that does not depend on the split.
    pub(crate) fn check(&self, features: &Features, labels: &Labels) -> Result<()> {
        labels.check(features.n_samples())?;
        let n_features = features.n_features();
        if self.k == 0 || self.k > n_features {
            return Err(ProbeError::K { k: self.k, n_features }.into());
        }
        if !(self.l2 > 0.0 && self.l2.is_finite()) {
            let valid = "a number above 0, such as 0.01";
            return Err(ProbeError::Parameter { name: "l2", value: self.l2.to_string(), valid }.into());
        }
        for (name, value) in [("shuffles", self.shuffles), ("random_draws", self.random_draws), ("splits", self.splits)]
        {
            if value > REPEATS {
                let valid = "at most 10,000";
                return Err(ProbeError::Parameter { name, value: value.to_string(), valid }.into());
            }
        }
        if self.max_iterations == 0 {
            return Err(ProbeError::Parameter { name: "max_iterations", value: "0".into(), valid: "1 or more" }.into());
        }
        Ok(())
    }
}
