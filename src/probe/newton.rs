//! Damped Newton's method for a class-weighted logistic loss.
//!
//! Used by `logistic.rs`.
//!
//! linfa-logistic does not have class weights, and does not report whether L-BFGS converged. Its solution is a start
//! from which a few Newton steps reach the weighted minimum. The Newton decrement estimates how far the loss is from
//! its minimum, in nats, and so proves convergence. The problem is strictly convex, so the minimum does not depend on
//! the start.

use faer::{Col, Mat, Side, linalg::solvers::Solve};

use crate::error::ProbeError;

const MAX_STEPS: usize = 200;
/// Far from the minimum every sigmoid is saturated, and the first step may be too long by many powers of ten.
const MAX_HALVINGS: usize = 200;
const DECREMENT: f64 = 1e-12;
/// The share of the predicted decrease that a step must achieve (Armijo's condition).
const ARMIJO: f64 = 1e-4;
/// Keeps the scaled Hessian positive definite when every sigmoid is saturated, because the intercept is not penalised.
const RIDGE: f64 = 1e-12;

/// The mean logistic loss with sample weights, plus `l2 / 2` times the squared weights. The last parameter is the
/// intercept, which is not penalised.
pub(crate) struct Problem<'a> {
    /// `[sample, parameter]`; the last column is all ones.
    pub design: Mat<f64>,
    pub labels: &'a [bool],
    /// The weights of the negative and of the positive class.
    pub class_weights: [f64; 2],
    pub l2: f64,
}

/// The gradient and the Newton direction at a point.
struct Step {
    gradient: Col<f64>,
    direction: Col<f64>,
}

impl Problem<'_> {
    /// Returns the minimum, searching from `start`.
    pub(crate) fn minimise(&self, start: Col<f64>) -> Result<Col<f64>, ProbeError> {
        let (mut at, mut loss, mut decrement) = (start.clone(), self.loss(&start), f64::INFINITY);
        let mut steps = 0;
        while steps < MAX_STEPS {
            let Some(Step { gradient, direction }) = self.step(&at) else { break };
            let slope = gradient.transpose() * &direction;
            decrement = slope / 2.0;
            if decrement <= DECREMENT {
                return Ok(at);
            }
            let shorter = (0..MAX_HALVINGS).map(|halvings| 0.5_f64.powi(halvings as i32)).find_map(|length| {
                let candidate = &at - faer::Scale(length) * &direction;
                let lower = self.loss(&candidate);
                (lower <= loss - ARMIJO * length * slope).then_some((candidate, lower))
            });
            let Some((candidate, lower)) = shorter else { break };
            (at, loss) = (candidate, lower);
            steps += 1;
        }
        Err(ProbeError::NotConverged { steps, decrement })
    }

    /// Returns the weight and the signed margin of every sample. The margin is positive if the sample is classified
    /// correctly.
    fn margins(&self, at: &Col<f64>) -> impl Iterator<Item = (f64, f64, f64)> {
        let logits = &self.design * at;
        let samples = self.labels.len() as f64;
        self.labels.iter().enumerate().map(move |(row, &label)| {
            let sign = if label { 1.0 } else { -1.0 };
            (self.class_weights[usize::from(label)] / samples, sign, sign * logits[row])
        })
    }

    fn loss(&self, at: &Col<f64>) -> f64 {
        let data: f64 = self.margins(at).map(|(weight, _, margin)| weight * softplus(-margin)).sum();
        data + self.l2 / 2.0 * self.penalised(at).map(|weight| weight * weight).sum::<f64>()
    }

    fn penalised<'a>(&self, at: &'a Col<f64>) -> impl Iterator<Item = f64> + 'a {
        at.iter().copied().take(at.nrows().saturating_sub(1))
    }

    /// Returns the next step; `None` if the Hessian cannot be factorised.
    fn step(&self, at: &Col<f64>) -> Option<Step> {
        let (slopes, curvatures): (Vec<f64>, Vec<f64>) = self
            .margins(at)
            .map(|(weight, sign, margin)| {
                let wrong = sigmoid(-margin);
                (-weight * sign * wrong, weight * wrong * (1.0 - wrong))
            })
            .unzip();
        let slopes = Col::from_fn(slopes.len(), |row| slopes[row]);
        let mut gradient = self.design.transpose() * slopes;
        for (entry, weight) in gradient.iter_mut().zip(self.penalised(at)) {
            *entry += self.l2 * weight;
        }
        let (samples, parameters) = self.design.shape();
        let root = |row, column| self.design[(row, column)] * curvatures[row].sqrt();
        let root = Mat::from_fn(samples, parameters, root);
        let mut hessian = root.transpose() * &root;
        for parameter in 0..parameters - 1 {
            hessian[(parameter, parameter)] += self.l2;
        }
        let direction = solve(hessian, &gradient)?;
        Some(Step { gradient, direction })
    }
}

/// Solves a positive definite system after scaling the diagonal to 1, because features may differ in scale by many
/// powers of ten.
fn solve(matrix: Mat<f64>, right: &Col<f64>) -> Option<Col<f64>> {
    let size = matrix.nrows();
    let scale: Vec<f64> =
        (0..size).map(|i| matrix[(i, i)]).map(|on| if on > 0.0 { on.sqrt().recip() } else { 1.0 }).collect();
    let ridge = |i, j| if i == j { RIDGE } else { 0.0 };
    let scaled = Mat::from_fn(size, size, |i, j| scale[i] * matrix[(i, j)] * scale[j] + ridge(i, j));
    let right = Col::from_fn(size, |i| scale[i] * right[i]);
    let found = scaled.llt(Side::Lower).ok()?.solve(&right);
    Some(Col::from_fn(size, |i| scale[i] * found[i]))
}

/// Returns `ln(1 + exp(x))` without overflow.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

pub(crate) fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With a single all-ones column, the minimum is the log-odds of the class weights.
    #[test]
    fn an_intercept_alone_is_the_log_odds_of_the_weighted_classes() {
        let labels = [true, false, false, false];
        for (class_weights, log_odds) in [([1.0, 1.0], (1.0_f64 / 3.0).ln()), ([2.0 / 3.0, 2.0], 0.0)] {
            let problem = Problem { design: Mat::from_fn(4, 1, |_, _| 1.0), labels: &labels, class_weights, l2: 0.01 };
            let found = problem.minimise(Col::from_fn(1, |_| 30.0)).unwrap();
            // With a decrement of 1e-12 and a curvature of about 1/4, the error is at most sqrt(2e-12 / (1/4)).
            assert!((found[0] - log_odds).abs() < 3e-6, "{} {log_odds}", found[0]);
        }
    }

    #[test]
    fn the_minimum_does_not_depend_on_the_start() {
        let labels = [true, false, true, false, true];
        let x = [0.3, -1.0, 2.0, 0.9, 0.1];
        let design = Mat::from_fn(5, 2, |row, column| if column == 0 { x[row] } else { 1.0 });
        let problem = Problem { design, labels: &labels, class_weights: [1.0, 1.0], l2: 0.1 };
        let from = |value: f64| problem.minimise(Col::from_fn(2, |_| value)).unwrap();
        let (a, b) = (from(0.0), from(-100.0));
        assert!((0..2).all(|i| (a[i] - b[i]).abs() < 1e-6));
    }
}
