//! Probes: small linear classifiers that test what can be read from activations.
//!
//! **Technique.** Collect an activation for many labelled samples, such as the neurons of one layer at the last token
//! of words that are plural or not. Choose the k neurons whose mean differs most between the two classes, and fit a
//! logistic regression on these alone: a *sparse probe* ([Gurnee et al. 2023](https://arxiv.org/abs/2305.01610),
//! "Finding Neurons in a Haystack"). Repeat over k and over layers.
//!
//! **Intuition.** If one neuron suffices, the property has its own neuron. If the score rises slowly with k, the
//! property is spread over many. The layer where the score rises is where the model has computed the property.
//!
//! **Caveats.** A probe shows that the property can be *read*, not that the model *uses* it. To test that, change the
//! neurons and run again ([`hook`](crate::hook)). A probe finds something even in noise, so every probe comes with
//! controls: the majority class, the same search with shuffled labels, and k random features. Choosing, scaling and
//! fitting use the training samples only. Features are chosen by the difference of raw means, as in the paper, so
//! features with a large scale come first. That is right for neurons of one layer, but less so for a residual stream
//! with a few huge dimensions. Tokens of one text are not independent samples: split by text with
//! [`Split::from_indices`].
//!
//! **Computation.** linfa-logistic (L-BFGS) solves the unweighted regression. Newton's method continues to the
//! class-balanced one, which linfa cannot weight, and stops when the loss is within 1e-12 nats of its minimum. Data is
//! `f32`; sums and regressions are `f64`.
//!
//! To add a way of choosing features, change `select.rs`; to add a metric, see `metrics.rs`; to add a control, add a
//! field to [`Controls`] and its row in `report.rs`.

mod controls;
mod curve;
mod curve_picture;
mod examples;
mod features;
mod labels;
mod logistic;
mod metrics;
mod newton;
mod params;
mod report;
mod seed;
mod select;
mod sparse;
mod split;
mod task;

pub use controls::{Controls, Repeats};
pub use curve::{CurvePoint, LabelledFeatures, ProbeCurve, curve_over_k, curve_over_layers, curve_over_layers_and_k};
pub use examples::Examples;
pub use features::Features;
pub use labels::Labels;
pub use metrics::{Metrics, Score};
pub use params::SparseProbeParams;
pub use report::{ProbeReport, ReportRow};
pub use sparse::{ChosenFeature, SparseProbe};
pub use split::Split;
