//! Gradient descent: AdamW with warm-up, cosine decay and clipping.

use super::{Curve, Parameters};
use crate::{Result, error::TrainError};
use candle_core::{Tensor, Var, backprop::GradStore};
use candle_nn::{AdamW, Optimizer, ParamsAdamW};
use std::time::{Duration, Instant};

/// How long to train and how fast.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// Steps in all.
    pub steps: usize,
    /// Steps over which the learning rate rises from 0.
    pub warm_up: usize,
    /// The highest learning rate; it falls along a cosine to a tenth of this.
    pub peak: f64,
    /// AdamW's weight decay.
    pub weight_decay: f64,
    /// Gradients longer than this are shortened to it.
    pub clip: f64,
}

impl Schedule {
    /// The learning rate at a step, counted from 0.
    pub fn rate(&self, step: usize) -> f64 {
        if step < self.warm_up {
            return self.peak * (step + 1) as f64 / self.warm_up as f64;
        }
        let done = (step - self.warm_up) as f64 / self.steps.saturating_sub(self.warm_up).max(1) as f64;
        self.peak * (0.1 + 0.45 * (1.0 + (std::f64::consts::PI * done.min(1.0)).cos()))
    }
}

/// Where a training run stands.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Steps done.
    pub step: usize,
    /// Steps in all.
    pub steps: usize,
    /// The last step's loss, in nats.
    pub loss: f32,
    /// Time since the start.
    pub elapsed: Duration,
}

impl Progress {
    /// The time that the steps still to do will take at the pace so far.
    pub fn left(&self) -> Duration {
        self.elapsed.mul_f64((self.steps - self.step) as f64 / self.step.max(1) as f64)
    }
}

/// Trains the parameters; `loss` is given the step and returns the batch's loss.
pub(crate) fn descend(
    parameters: &Parameters,
    schedule: &Schedule,
    mut loss: impl FnMut(usize) -> Result<Tensor>,
    mut report: impl FnMut(&Progress),
) -> Result<Curve> {
    let vars = parameters.vars();
    let settings = ParamsAdamW { beta2: 0.98, weight_decay: schedule.weight_decay, ..ParamsAdamW::default() };
    let mut optimiser = AdamW::new(vars.clone(), settings)?;
    let mut curve = Curve::default();
    let start = Instant::now();
    for step in 0..schedule.steps {
        let loss = loss(step)?;
        let mut gradients = loss.backward()?;
        clip(&vars, &mut gradients, schedule.clip)?;
        optimiser.set_learning_rate(schedule.rate(step));
        optimiser.step(&gradients)?;
        let loss = loss.to_scalar::<f32>()?;
        if !loss.is_finite() {
            return Err(TrainError::Diverged { step, rate: schedule.rate(step) }.into());
        }
        curve.push(step + 1, loss);
        report(&Progress { step: step + 1, steps: schedule.steps, loss, elapsed: start.elapsed() });
    }
    Ok(curve)
}

/// Shortens the whole gradient, taken as one vector, to `longest`.
fn clip(vars: &[Var], gradients: &mut GradStore, longest: f64) -> Result<()> {
    let mut squares = 0.0;
    for gradient in vars.iter().filter_map(|var| gradients.get(var)) {
        squares += f64::from(gradient.sqr()?.sum_all()?.to_scalar::<f32>()?);
    }
    let factor = longest / squares.sqrt();
    if factor < 1.0 {
        for var in vars {
            if let Some(gradient) = gradients.remove(var) {
                gradients.insert(var, (gradient * factor)?);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_rises_to_its_peak_and_falls_to_a_tenth() {
        let schedule = Schedule { steps: 110, warm_up: 10, peak: 2.0, weight_decay: 0.0, clip: 1.0 };
        assert_eq!(schedule.rate(0), 0.2);
        assert_eq!(schedule.rate(9), 2.0);
        assert_eq!(schedule.rate(10), 2.0);
        assert!((schedule.rate(110) - 0.2).abs() < 1e-12);
        assert!((10..109).all(|step| schedule.rate(step) > schedule.rate(step + 1)));
        // A warm-up longer than the training is no reason to fail.
        let short = Schedule { steps: 3, ..schedule };
        assert!(short.rate(50).is_finite());
    }
}
