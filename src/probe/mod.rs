//! Where is it written? Small linear classifiers on activations.
//!
//! **Technique.** Collect an activation for many labelled samples, say the neurons of one layer at the last token of
//! words that are plural or not. Choose the k neurons whose mean differs most between the two classes and fit a
//! logistic regression on these alone: a *sparse probe* (Gurnee et al. 2023, "Finding Neurons in a Haystack"). Repeat
//! over k and over layers.
//!
//! **Intuition.** When one neuron suffices, the property has a neuron of its own. When the score climbs slowly with k,
//! the property is spread over many. The layer where it climbs is where the model has worked the property out.
//!
//! **Caveats.** A probe shows that the property can be *read*, not that the model *uses* it: for that, change the
//! neurons and run again ([`hook`](crate::hook)). A probe finds something in pure noise too, so every probe carries its
//! controls: the majority class, the same search with shuffled labels, and k random features. Choosing, scaling and
//! fitting see the training samples only. The choice is by the difference of raw means, as in the paper, so features of
//! large scale come first: right for neurons of one layer, less so for a residual stream with a few huge dimensions.
//! And tokens of one text are not independent samples: split by text with [`Split::from_indices`].
//!
//! **How it is computed.** linfa-logistic (L-BFGS) finds the unweighted regression; Newton's method brings it to the
//! class-balanced one, which linfa cannot weigh, and stops when the loss is within 1e-12 nats of its minimum. Data is
//! `f32`, sums and regressions are `f64`.

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
pub use curve::{CurvePoint, ProbeCurve, curve_over_k, curve_over_layers, curve_over_layers_and_k};
pub use examples::Examples;
pub use features::Features;
pub use labels::Labels;
pub use metrics::{Metrics, Score};
pub use params::SparseProbeParams;
pub use report::{ProbeReport, ReportRow};
pub use sparse::{ChosenFeature, SparseProbe};
pub use split::Split;
