//! [`SparseProbe`]: a linear probe that reads few features.

use super::{
    Controls, Features, Labels, Metrics, SparseProbeParams, Split,
    logistic::Linear,
    newton::sigmoid,
    task::{Target, Task},
};
use crate::{Result, error::ProbeError};
use std::borrow::Borrow;

/// A linear classifier that looks at k features only, with what it must be compared to.
///
/// # Examples
/// Sixty words, twelve neurons, of which neuron 7 fires for plurals:
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

/// One feature that a probe looks at.
#[derive(Clone, Debug, PartialEq)]
pub struct ChosenFeature {
    /// Its column in the [`Features`].
    pub index: usize,
    /// Its name.
    pub name: String,
    /// Mean over the positive training samples minus mean over the negative ones, in the feature's units.
    pub mean_difference: f64,
    /// What one unit of the feature adds to the log-odds.
    pub weight: f64,
    /// What one standard deviation of the feature (over the training samples) adds to the log-odds: the number to
    /// compare between features. Equal to `weight` for a constant feature and for a probe that does not standardise.
    pub weight_per_sd: f64,
}

impl SparseProbeParams {
    /// Splits, chooses the features, fits, tests, and runs the controls.
    ///
    /// # Errors
    /// When the labels do not fit the samples, a class has fewer than two samples, `k` is 0 or more than the features,
    /// a parameter is out of its range, or the regression does not converge.
    pub fn fit(&self, features: impl Borrow<Features>, labels: impl Borrow<Labels>) -> Result<SparseProbe> {
        let (features, labels) = (features.borrow(), labels.borrow());
        labels.check(features.n_samples())?;
        self.fit_split(features, labels, &Split::stratified(labels, self.test_fraction, self.seed)?)
    }

    /// As [`fit`](Self::fit), with a split of one's own: whole texts on one side, say.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), and when the split was made for other labels.
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
    /// The defaults, to be changed by setters and then [`fit`](SparseProbeParams::fit).
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

    /// Log-odds of the positive class for each sample: `bias` plus the sum of `weight` times feature.
    ///
    /// # Shapes
    /// `features` is `[sample, feature]` with the features the probe was fitted on; the result is `[sample]`.
    ///
    /// # Errors
    /// When the number of features is another.
    pub fn log_odds(&self, features: impl Borrow<Features>) -> Result<Vec<f64>> {
        let features = features.borrow();
        if features.n_features() != self.n_features {
            return Err(ProbeError::Width { fitted: self.n_features, given: features.n_features() }.into());
        }
        let rows: Vec<usize> = (0..features.n_samples()).collect();
        Ok(self.linear.log_odds(features, &rows))
    }

    /// Probability of the positive class for each sample. A balanced probe gives it as if both classes were equally
    /// frequent.
    ///
    /// # Errors
    /// As [`log_odds`](Self::log_odds).
    pub fn predict_probability(&self, features: impl Borrow<Features>) -> Result<Vec<f64>> {
        let features = features.borrow();
        Ok(self.log_odds(features)?.into_iter().map(sigmoid).collect())
    }

    /// True for each sample whose probability is at least one half.
    ///
    /// # Errors
    /// As [`log_odds`](Self::log_odds).
    pub fn predict(&self, features: impl Borrow<Features>) -> Result<Vec<bool>> {
        let features = features.borrow();
        Ok(self.log_odds(features)?.into_iter().map(|log_odds| log_odds >= 0.0).collect())
    }

    /// How many features each sample has, of which the probe looks at a few.
    pub fn n_features(&self) -> usize {
        self.n_features
    }

    /// The features it looks at, the largest absolute mean difference first.
    pub fn chosen(&self) -> Vec<ChosenFeature> {
        self.chosen.clone()
    }

    /// The log-odds of a sample whose chosen features are all 0.
    pub fn bias(&self) -> f64 {
        self.linear.bias
    }

    /// How it does on the samples it learnt from.
    pub fn train(&self) -> Metrics {
        self.train
    }

    /// How it does on the samples it never saw.
    pub fn test(&self) -> Metrics {
        self.test
    }

    /// What it must beat.
    pub fn controls(&self) -> Controls {
        self.controls.clone()
    }

    /// Which samples it learnt from and was tested on.
    pub fn split(&self) -> Split {
        self.split.clone()
    }

    /// How it was fitted.
    pub fn fitted_with(&self) -> SparseProbeParams {
        self.params
    }

    /// What property the labels are, when that was said.
    pub fn property(&self) -> Option<String> {
        self.property.as_deref().map(str::to_owned)
    }

    /// Where the features came from, when that was said.
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
