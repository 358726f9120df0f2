//! Logistic regression on a few features: linfa's L-BFGS finds a start, Newton's method the minimum.

use faer::{Col, Mat};
use linfa::{Dataset, traits::Fit};
use linfa_logistic::LogisticRegression;
use ndarray::{Array1, Array2, Axis};

use super::{Features, SparseProbeParams, newton::Problem};
use crate::{Result, error::ProbeError};

/// The mean gradient at which L-BFGS hands over to Newton's method.
const GRADIENT: f64 = 1e-4;

/// A linear classifier on some columns of the features, in the units of the features.
#[derive(Clone, Debug)]
pub(crate) struct Linear {
    pub columns: Vec<usize>,
    pub weights: Vec<f64>,
    /// The standard deviation of each column over the training samples; 1 if not standardised.
    pub scales: Vec<f64>,
    pub bias: f64,
}

impl Linear {
    /// Fits the classifier on the samples at `rows`, whose labels are `labels`.
    pub(crate) fn fit(
        features: &Features,
        rows: &[usize],
        labels: &[bool],
        columns: &[usize],
        params: &SparseProbeParams,
    ) -> Result<Self> {
        let mut x = gather(features, rows, columns);
        let (means, scales): (Vec<f64>, Vec<f64>) = x
            .axis_iter(Axis(1))
            .map(|column| if params.standardise { scale(&column.to_vec()) } else { (0.0, 1.0) })
            .unzip();
        for (mut column, (mean, scale)) in x.axis_iter_mut(Axis(1)).zip(means.iter().zip(&scales)) {
            column.mapv_inplace(|value| (value - mean) / scale);
        }
        let found = minimise(x, labels, params)?;
        let weights: Vec<f64> = scales.iter().enumerate().map(|(column, scale)| found[column] / scale).collect();
        let shift: f64 = weights.iter().zip(&means).map(|(weight, mean)| weight * mean).sum();
        Ok(Self { columns: columns.to_vec(), weights, scales, bias: found[columns.len()] - shift })
    }

    /// Returns the log-odds of the positive class for the samples at `rows`.
    pub(crate) fn log_odds(&self, features: &Features, rows: &[usize]) -> Vec<f64> {
        (gather(features, rows, &self.columns).dot(&Array1::from_vec(self.weights.clone())) + self.bias).to_vec()
    }
}

/// Returns `[row, column]` of some rows and columns, in double precision.
fn gather(features: &Features, rows: &[usize], columns: &[usize]) -> Array2<f64> {
    Array2::from_shape_fn((rows.len(), columns.len()), |(row, column)| {
        f64::from(features.values()[[rows[row], columns[column]]])
    })
}

/// Returns mean and standard deviation (over n). A constant column keeps its scale.
fn scale(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
    let constant = values.windows(2).all(|pair| pair[0] == pair[1]);
    (mean, if constant { 1.0 } else { variance.sqrt() })
}

/// Returns the weights, then the intercept, at the minimum of the (class-weighted) loss.
fn minimise(x: Array2<f64>, labels: &[bool], params: &SparseProbeParams) -> Result<Col<f64>> {
    let (samples, features) = x.dim();
    let positives = labels.iter().filter(|&&label| label).count() as f64;
    let negatives = samples as f64 - positives;
    let design =
        Mat::from_fn(samples, features + 1, |row, column| if column < features { x[[row, column]] } else { 1.0 });
    let start = unweighted(x, labels, params)?;
    let (class_weights, shift) = if params.balanced {
        // The start: the unweighted minimum, with the intercept that equal class frequencies would imply. The weighted
        // minimum is close.
        ([samples as f64 / (2.0 * negatives), samples as f64 / (2.0 * positives)], (positives / negatives).ln())
    } else {
        ([1.0, 1.0], 0.0)
    };
    let start = Col::from_fn(features + 1, |i| if i < features { start[i] } else { start[i] - shift });
    Ok(Problem { design, labels, class_weights, l2: params.l2 }.minimise(start)?)
}

/// Returns linfa's solution, in which every sample has the same weight.
fn unweighted(x: Array2<f64>, labels: &[bool], params: &SparseProbeParams) -> Result<Vec<f64>> {
    let samples = x.nrows() as f64;
    let fitted = LogisticRegression::default()
        .alpha(params.l2 * samples)
        .gradient_tolerance(GRADIENT * samples)
        .max_iterations(params.max_iterations)
        .fit(&Dataset::new(x, Array1::from_vec(labels.to_vec())))
        .map_err(|error| ProbeError::Linfa { why: error.to_string() })?;
    // linfa models the probability of the more frequent class.
    let sign = if fitted.labels().pos.class { 1.0 } else { -1.0 };
    Ok(fitted.params().iter().chain([&fitted.intercept()]).map(|parameter| sign * parameter).collect())
}
