//! [`ProbeCurve`]: scores of sparse probes over layers and over the number of features, on several splits.

use std::{borrow::Borrow, fmt};

use rayon::prelude::*;

use super::{
    Features, Labels, Metrics, Repeats, SparseProbeParams, Split,
    task::{Target, Task},
};
use crate::{Result, error::ProbeError};

/// Scores of sparse probes for several k or layers, on several train/test splits.
///
/// The spread between splits shows how much the choice of samples matters. The splits share samples, so the spread is
/// not the standard error of the mean.
///
/// # Examples
/// ```
/// use glassbox::{ndarray::Array2, prelude::*};
/// let noise = Features::new(Array2::from_shape_fn((40, 3), |(sample, feature)| ((sample * 7 + feature) % 5) as f32))?;
/// let signal = Features::new(Array2::from_shape_fn((40, 3), |(sample, _)| (sample % 2) as f32))?;
/// let labels: Labels = (0..40).map(|sample| sample % 2 == 0).collect();
/// let curve = curve_over_layers([("0", noise), ("1", signal)], &labels, SparseProbe::params().k(1))?; // a line
/// assert_eq!(curve.points()[1].test.mean(Score::RocAuc), Some(1.0)); // layer 1 has it
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct ProbeCurve {
    property: Option<String>,
    pub(super) layers: Vec<String>,
    pub(super) ks: Vec<usize>,
    /// `[layer, k]`, row by row.
    pub(super) points: Vec<CurvePoint>,
}

/// The probes of one layer and one k.
///
/// # Examples
/// ```
/// use glassbox::{ndarray::Array2, prelude::*};
/// let signal = Features::new(Array2::from_shape_fn((40, 3), |(sample, _)| (sample % 2) as f32))?;
/// let labels: Labels = (0..40).map(|sample| sample % 2 == 0).collect();
/// let point = &curve_over_layers([("3", signal)], &labels, SparseProbe::params().k(1))?.points()[0];
/// assert_eq!((point.layer.as_str(), point.k), ("3", 1));
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct CurvePoint {
    /// The label of the layer.
    pub layer: String,
    /// The number of features that the probes use.
    pub k: usize,
    /// Scores on the test samples, one run per split.
    pub test: Repeats,
    /// Scores on the training samples, one run per split.
    pub train: Repeats,
    /// Scores with shuffled training labels, for every shuffle of every split.
    pub shuffled: Repeats,
    /// Scores of the majority class, one run per split.
    pub majority: Repeats,
}

/// Fits probes with each `k` on the same samples, to find how few features suffice.
///
/// The splits use the seeds `seed`, `seed + 1`, ... of the parameters and are the same for every k.
///
/// # Examples
/// A property that two features carry together, half of it each:
/// ```
/// use glassbox::probe::{Features, Labels, Score, SparseProbe, curve_over_k};
/// use ndarray::Array2;
/// let noise = |sample: usize, feature: usize| ((sample * 31 + feature * 17) % 29) as f32 / 29.0;
/// let signal = |sample: usize, feature: usize| if feature < 2 && sample % 4 == feature { 3.0 } else { 0.0 };
/// let features = Features::new(Array2::from_shape_fn((120, 6), |(s, f)| noise(s, f) + signal(s, f)))?;
/// let labels: Labels = (0..120).map(|sample| sample % 4 < 2).collect();
///
/// let curve = curve_over_k(&features, &labels, [1, 2], SparseProbe::params())?;
/// let accuracy: Vec<_> = curve.points().iter().filter_map(|point| point.test.mean(Score::Accuracy)).collect();
/// assert!((accuracy[0] - 0.75).abs() < 0.1, "one feature finds half of the positives: {}", accuracy[0]);
/// assert_eq!(accuracy[1], 1.0);
/// # Ok::<(), glassbox::Error>(())
/// ```
///
/// # Errors
/// Fails as [`SparseProbeParams::fit`] does, for any `k`, and when there is no `k`.
pub fn curve_over_k(
    features: impl Borrow<Features>,
    labels: impl Borrow<Labels>,
    ks: impl IntoIterator<Item = usize>,
    params: SparseProbeParams,
) -> Result<ProbeCurve> {
    let (features, labels) = (features.borrow(), labels.borrow());
    let label = features.source().unwrap_or_else(|| "features".into());
    ProbeCurve::measure(vec![(label, features.clone())], labels, ks.into_iter().collect(), params)
}

/// What a curve over layers takes for each layer: a label and its [`Features`], or a reference to such a pair.
pub trait LabelledFeatures {
    /// Returns the label and the features.
    fn labelled(self) -> (String, Features);
}

impl<L: fmt::Display, F: Borrow<Features>> LabelledFeatures for (L, F) {
    fn labelled(self) -> (String, Features) {
        (self.0.to_string(), self.1.borrow().clone())
    }
}

impl<L: fmt::Display, F: Borrow<Features>> LabelledFeatures for &(L, F) {
    fn labelled(self) -> (String, Features) {
        (self.0.to_string(), self.1.borrow().clone())
    }
}

/// Fits probes at each layer on the same samples, with the `k` of the parameters, to find where a property can be read.
///
/// # Errors
/// Fails as [`SparseProbeParams::fit`] does, for any layer, and when there are no layers.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?;
/// let texts = ["red fox blue owl red fox", "tree cat moon tree cat sun", "king ship king boat rain ship"];
/// let repeated = |tokens: &Tokens, at: usize| (at > 0).then(|| tokens.ids(0)[..at].contains(&tokens.ids(0)[at]));
/// let examples = Examples::collect(&model, [Site::resid_pre(0), Site::resid_post(1)], &texts, repeated)?;
/// let curve = curve_over_layers(examples.by_site(), examples.labels(), SparseProbe::params().k(4))?;
/// assert_eq!(curve.layers().len(), 2);
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn curve_over_layers(
    layers: impl IntoIterator<Item = impl LabelledFeatures>,
    labels: impl Borrow<Labels>,
    params: SparseProbeParams,
) -> Result<ProbeCurve> {
    let labels = labels.borrow();
    curve_over_layers_and_k(layers, labels, [params.k], params)
}

/// Fits probes at every layer with every `k`, to find where a property can be read and from how few features.
///
/// # Errors
/// Fails as [`SparseProbeParams::fit`] does, for any layer and `k`, and when there are no layers or no `k`.
///
/// # Examples
/// ```
/// use glassbox::{ndarray::Array2, prelude::*, probe::curve_over_layers_and_k};
/// let signal = Features::new(Array2::from_shape_fn((40, 3), |(sample, _)| (sample % 2) as f32))?;
/// let labels: Labels = (0..40).map(|sample| sample % 2 == 0).collect();
/// let layers = [("0", signal.clone()), ("1", signal)];
/// let curve = curve_over_layers_and_k(layers, &labels, [1, 2], SparseProbe::params())?;
/// assert_eq!(curve.points().len(), 4); // two layers, two numbers of features
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn curve_over_layers_and_k(
    layers: impl IntoIterator<Item = impl LabelledFeatures>,
    labels: impl Borrow<Labels>,
    ks: impl IntoIterator<Item = usize>,
    params: SparseProbeParams,
) -> Result<ProbeCurve> {
    let labels = labels.borrow();
    let layers = layers.into_iter().map(LabelledFeatures::labelled).collect();
    ProbeCurve::measure(layers, labels, ks.into_iter().collect(), params)
}

impl ProbeCurve {
    /// Every layer with every k: layer by layer, with k increasing within a layer.
    pub fn points(&self) -> Vec<CurvePoint> {
        self.points.clone()
    }

    /// The name of the property, if the labels have one.
    pub fn property(&self) -> Option<String> {
        self.property.as_deref().map(str::to_owned)
    }

    /// The labels of the layers.
    pub fn layers(&self) -> Vec<String> {
        self.layers.clone()
    }

    /// The numbers of features, increasing.
    pub fn ks(&self) -> Vec<usize> {
        self.ks.clone()
    }

    fn measure(
        layers: Vec<(String, Features)>,
        labels: &Labels,
        mut ks: Vec<usize>,
        params: SparseProbeParams,
    ) -> Result<Self> {
        ks.sort_unstable();
        ks.dedup();
        for (what, count) in [("layer", layers.len()), ("k", ks.len()), ("split", params.splits)] {
            if count == 0 {
                return Err(ProbeError::EmptyCurve { what }.into());
            }
        }
        for (_, features) in &layers {
            ks.iter().try_for_each(|&k| params.k(k).check(features, labels))?;
        }
        let points = layers
            .par_iter()
            .map(|(layer, features)| points_of_layer(layer, features, labels, &ks, params))
            .collect::<Result<Vec<_>>>()?;
        let layers = layers.into_iter().map(|(label, _)| label).collect();
        Ok(Self { property: labels.name(), layers, ks, points: points.concat() })
    }
}

/// The scores of one split and one k.
struct Measured {
    test: Metrics,
    train: Metrics,
    majority: Metrics,
    shuffled: Vec<Metrics>,
}

fn points_of_layer(
    layer: &str,
    features: &Features,
    labels: &Labels,
    ks: &[usize],
    params: SparseProbeParams,
) -> Result<Vec<CurvePoint>> {
    let splits = (0..params.splits as u64)
        .into_par_iter()
        .map(|split| measure_split(features, labels, ks, params.seed(params.seed.wrapping_add(split))))
        .collect::<Result<Vec<_>>>()?;
    let point = |(index, &k): (usize, &usize)| {
        let runs = || splits.iter().filter_map(move |of_ks: &Vec<Measured>| of_ks.get(index));
        CurvePoint {
            layer: layer.to_string(),
            k,
            test: runs().map(|run| run.test).collect(),
            train: runs().map(|run| run.train).collect(),
            shuffled: runs().flat_map(|run| run.shuffled.clone()).collect(),
            majority: runs().map(|run| run.majority).collect(),
        }
    };
    Ok(ks.iter().enumerate().map(point).collect())
}

/// Measures one split for every k. The features are ranked once.
fn measure_split(
    features: &Features,
    labels: &Labels,
    ks: &[usize],
    params: SparseProbeParams,
) -> Result<Vec<Measured>> {
    let split = Split::stratified(labels, params.test_fraction, params.seed)?;
    // The k of the parameters is not used here, so it must not be checked either.
    let params = params.k(1);
    let task = Task::new(&params, features, labels, &split)?;
    let target = Target::of(&task);
    let shuffled: Vec<Target> = (0..params.shuffles).map(|repeat| Target::shuffled(&task, repeat)).collect();
    let measure = |&k: &usize| {
        let linear = target.fit(&task, k)?;
        Ok(Measured {
            test: task.on_test(&linear)?,
            train: task.on_train(&linear)?,
            majority: task.majority()?,
            shuffled: shuffled.iter().map(|target| target.test(&task, k)).collect::<Result<_>>()?,
        })
    };
    ks.iter().map(measure).collect()
}
