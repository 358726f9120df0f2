//! [`SparseProbe`]: a linear probe that uses few features ([Gurnee et al. 2023](https://arxiv.org/abs/2305.01610)).

use super::{
    Controls, Features, Labels, Metrics, SparseProbeParams, Split,
    logistic::Linear,
    newton::sigmoid,
    task::{Target, Task},
};
use crate::{Result, error::ProbeError};
use std::borrow::Borrow;

/// A linear classifier that uses only k features, together with its controls.
///
/// # Examples
/// Sixty words and twelve neurons, of which neuron 7 is active for plurals:
/// ```
/// use glassbox::probe::{Features, Labels, SparseProbe};
/// use ndarray::Array2;
/// let plural = |word: usize| word % 3 == 0;
/// let noise = |word: usize, neuron: usize| ((word * 7 + neuron * 13) % 11) as f32 / 11.0;
/// let activations = Array2::from_shape_fn((60, 12), |(word, neuron)| {
///     noise(word, neuron) + if neuron == 7 && plural(word) { 2.0 } else { 0.0 }
/// });
/// let features = Features::new(activations)?.named_by(|neuron| format!("L2N{neuron}"));
/// let labels: Labels = (0..60).map(plural).collect();
///
/// let probe = SparseProbe::params().k(1).seed(0).fit(&features, &labels)?;
/// assert_eq!(probe.chosen()[0].name, "L2N7");
/// assert_eq!(probe.test().accuracy, 1.0);
/// assert_eq!(probe.controls().majority.roc_auc, 0.5);
/// assert_eq!(probe.predict(&features)?, labels.as_slice());
/// # Ok::<(), glassbox::Error>(())
/// ```
#[doc(alias("probe", "linear_probe", "k_sparse_probing"))]
#[derive(Clone)]
pub struct SparseProbe {
    params: SparseProbeParams,
    property: Option<String>,
    source: Option<String>,
    n_features: usize,
    split: Split,
    linear: Linear,
    pub(super) chosen: Vec<ChosenFeature>,
    train: Metrics,
    test: Metrics,
    controls: Controls,
}

/// One feature that a probe uses.
///
/// # Examples
/// ```
/// use glassbox::{ndarray::Array2, prelude::*};
/// let features = Features::new(Array2::from_shape_fn((40, 3), |(s, f)| if f == 2 { (s % 2) as f32 } else { 0.0 }))?;
/// let labels: Labels = (0..40).map(|sample| sample % 2 == 1).collect();
/// let chosen = SparseProbe::params().k(1).fit(&features, &labels)?.chosen();
/// assert!(chosen[0].index == 2 && chosen[0].weight > 0.0);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ChosenFeature {
    /// Its column in the [`Features`].
    pub index: usize,
    /// Its name.
    pub name: String,
    /// The mean over the positive training samples minus the mean over the negative ones, in the feature's units.
    pub mean_difference: f64,
    /// The change of the log-odds for one unit of the feature.
    pub weight: f64,
    /// The change of the log-odds for one standard deviation of the feature on the training samples. Use it to compare
    /// features. It equals `weight` for a constant feature and for a probe that does not standardise.
    pub weight_per_sd: f64,
}

impl SparseProbeParams {
    /// Splits the samples, chooses the features, fits and tests the probe, and runs the controls.
    ///
    /// # Errors
    /// Fails when the labels do not fit the samples, a class has fewer than two samples, `k` is 0 or larger than the
    /// number of features, a parameter is out of its range, or the regression does not converge.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{ndarray::Array2, prelude::*};
    /// let value = |(sample, feature): (usize, usize)| if feature == 2 { (sample % 2) as f32 } else { 0.0 };
    /// let features = Features::new(Array2::from_shape_fn((40, 3), value))?;
    /// let labels: Labels = (0..40).map(|sample| sample % 2 == 1).collect();
    /// let probe = SparseProbe::params().k(1).fit(&features, &labels)?; // a report, in a notebook
    /// assert_eq!(probe.test().accuracy, 1.0);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn fit(&self, features: impl Borrow<Features>, labels: impl Borrow<Labels>) -> Result<SparseProbe> {
        let (features, labels) = (features.borrow(), labels.borrow());
        labels.check(features.n_samples())?;
        self.fit_split(features, labels, &Split::stratified(labels, self.test_fraction, self.seed)?)
    }

    /// Fits like [`fit`](Self::fit) with your own split, for example to keep whole texts on one side.
    ///
    /// # Errors
    /// Fails as [`fit`](Self::fit) does, and when the split was made for other labels.
    pub fn fit_split(
        &self,
        features: impl Borrow<Features>,
        labels: impl Borrow<Labels>,
        split: impl Borrow<Split>,
    ) -> Result<SparseProbe> {
        let (features, labels, split) = (features.borrow(), labels.borrow(), split.borrow());
        SparseProbe::fit(self, features, labels, split)
    }
}

impl SparseProbe {
    /// Returns the default settings.
    ///
    /// Change them with setters, then call [`fit`](SparseProbeParams::fit).
    ///
    /// # Examples
    /// ```
    /// use glassbox::prelude::*;
    /// let params = SparseProbe::params().k(4).l2(0.1);
    /// # let _ = params;
    /// ```
    pub fn params() -> SparseProbeParams {
        SparseProbeParams::default()
    }

    pub(crate) fn fit(params: &SparseProbeParams, features: &Features, labels: &Labels, split: &Split) -> Result<Self> {
        let task = Task::new(params, features, labels, split)?;
        let target = Target::of(&task);
        let linear = target.fit(&task, params.k)?;
        Ok(Self {
            params: *params,
            property: labels.name(),
            source: features.source(),
            n_features: features.n_features(),
            split: split.clone(),
            chosen: chosen(features, &target.differences, &linear),
            train: task.on_train(&linear)?,
            test: task.on_test(&linear)?,
            controls: Controls::run(&task)?,
            linear,
        })
    }

    /// Returns the log-odds of the positive class for each sample: `bias` plus the sum of `weight` times feature.
    ///
    /// # Shapes
    /// `features`: `[sample, feature]` with the features that the probe was fitted on, result: `[sample]`
    ///
    /// # Errors
    /// Fails when the number of features differs.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{ndarray::Array2, prelude::*};
    /// let features = Features::new(Array2::from_shape_fn((40, 3), |(sample, _)| (sample % 2) as f32))?;
    /// let labels: Labels = (0..40).map(|sample| sample % 2 == 1).collect();
    /// let odds = SparseProbe::params().k(1).fit(&features, &labels)?.log_odds(&features)?;
    /// assert!(odds[1] > 0.0 && odds[0] < 0.0);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn log_odds(&self, features: impl Borrow<Features>) -> Result<Vec<f64>> {
        let features = features.borrow();
        if features.n_features() != self.n_features {
            return Err(ProbeError::Width { fitted: self.n_features, given: features.n_features() }.into());
        }
        let rows: Vec<usize> = (0..features.n_samples()).collect();
        Ok(self.linear.log_odds(features, &rows))
    }

    /// Returns the probability of the positive class for each sample.
    ///
    /// A balanced probe assumes that both classes are equally frequent.
    ///
    /// # Errors
    /// Fails as [`log_odds`](Self::log_odds) does.
    pub fn predict_probability(&self, features: impl Borrow<Features>) -> Result<Vec<f64>> {
        let features = features.borrow();
        Ok(self.log_odds(features)?.into_iter().map(sigmoid).collect())
    }

    /// Returns true for each sample whose probability is at least one half.
    ///
    /// # Errors
    /// Fails as [`log_odds`](Self::log_odds) does.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{ndarray::Array2, prelude::*};
    /// let features = Features::new(Array2::from_shape_fn((40, 3), |(sample, _)| (sample % 2) as f32))?;
    /// let labels: Labels = (0..40).map(|sample| sample % 2 == 1).collect();
    /// assert_eq!(SparseProbe::params().k(1).fit(&features, &labels)?.predict(&features)?, labels.as_slice());
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn predict(&self, features: impl Borrow<Features>) -> Result<Vec<bool>> {
        let features = features.borrow();
        Ok(self.log_odds(features)?.into_iter().map(|log_odds| log_odds >= 0.0).collect())
    }

    /// The number of features of each sample, of which the probe uses a few.
    pub fn n_features(&self) -> usize {
        self.n_features
    }

    /// The features that the probe uses, with the largest absolute mean difference first.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{ndarray::Array2, prelude::*};
    /// let value = |(sample, feature): (usize, usize)| if feature == 2 { (sample % 2) as f32 } else { 0.0 };
    /// let features = Features::new(Array2::from_shape_fn((40, 3), value))?;
    /// let labels: Labels = (0..40).map(|sample| sample % 2 == 1).collect();
    /// assert_eq!(SparseProbe::params().k(1).fit(&features, &labels)?.chosen()[0].index, 2);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn chosen(&self) -> Vec<ChosenFeature> {
        self.chosen.clone()
    }

    /// The log-odds of a sample whose chosen features are all 0.
    pub fn bias(&self) -> f64 {
        self.linear.bias
    }

    /// The metrics on the training samples.
    pub fn train(&self) -> Metrics {
        self.train
    }

    /// The metrics on the test samples.
    pub fn test(&self) -> Metrics {
        self.test
    }

    /// The controls: what the probe must beat.
    pub fn controls(&self) -> Controls {
        self.controls.clone()
    }

    /// The samples that the probe was trained on and tested on.
    pub fn split(&self) -> Split {
        self.split.clone()
    }

    /// The settings of the fit.
    pub fn fitted_with(&self) -> SparseProbeParams {
        self.params
    }

    /// The name of the property, if the labels have one.
    pub fn property(&self) -> Option<String> {
        self.property.as_deref().map(str::to_owned)
    }

    /// The origin of the features, if one was set.
    pub fn source(&self) -> Option<String> {
        self.source.as_deref().map(str::to_owned)
    }
}

fn chosen(features: &Features, differences: &[f64], linear: &Linear) -> Vec<ChosenFeature> {
    let scaled = linear.weights.iter().zip(&linear.scales);
    linear
        .columns
        .iter()
        .zip(scaled)
        .map(|(&index, (&weight, scale))| ChosenFeature {
            index,
            name: features.names()[index].clone(),
            mean_difference: differences[index],
            weight,
            weight_per_sd: weight * scale,
        })
        .collect()
}
