//! [`Schedule`]: the length and the learning rate of a training.

use crate::{Result, error::TrainError};
use std::{f64::consts::PI, fmt::Display, ops::RangeInclusive};

/// The settings of a training that do not depend on the model and its texts.
///
/// # Examples
/// ```
/// use glassbox::train::Schedule;
/// let schedule = Schedule { steps: 1000, warm_up: 100, ..Schedule::default() };
/// assert!(schedule.rate(10) < schedule.rate(100)); // the learning rate rises during the warm-up
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// The seed of weights and texts.
    pub seed: u64,
    /// The total number of steps.
    pub steps: usize,
    /// The number of steps over which the learning rate rises from 0.
    pub warm_up: usize,
    /// The highest learning rate.
    pub peak: f64,
    /// How the learning rate falls after the warm-up.
    pub decay: Decay,
    /// AdamW's decay rates for the running means of gradients and squared gradients.
    pub betas: (f64, f64),
    /// AdamW's weight decay. Each step multiplies every weight by 1 minus this times the learning rate.
    pub weight_decay: f64,
    /// The largest length of the gradient, taken as one vector. Longer gradients are scaled down to it.
    pub clip: f64,
    /// The number of steps between measurements on held-out texts.
    pub evaluate_every: usize,
}

/// Refuses a setting of a recipe that is out of range or NaN.
///
/// # Errors
/// Fails when it is.
pub(super) fn within<T: PartialOrd + Display>(name: &'static str, value: T, range: RangeInclusive<T>) -> Result<()> {
    match range.contains(&value) {
        true => Ok(()),
        false => {
            let needed = format!("a number from {} to {}", range.start(), range.end());
            Err(TrainError::Setting { name, value: value.to_string(), needed }.into())
        }
    }
}

/// How a learning rate falls from its peak.
///
/// # Examples
/// ```
/// use glassbox::train::{Decay, Schedule};
/// let schedule = Schedule { steps: 1000, decay: Decay::Linear, ..Schedule::default() };
/// assert!(schedule.rate(999) < 0.01 * schedule.peak);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decay {
    /// Along half a cosine, to a tenth of the peak.
    Cosine,
    /// Linearly, to zero.
    Linear,
    /// The learning rate stays constant.
    Constant,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            seed: 0,
            steps: 1000,
            warm_up: 100,
            peak: 1e-3,
            decay: Decay::Cosine,
            betas: (0.9, 0.98),
            weight_decay: 0.01,
            clip: 1.0,
            evaluate_every: 100,
        }
    }
}

impl Schedule {
    /// Checks that every setting is in its range.
    ///
    /// # Errors
    /// Fails when a setting is out of range. The error names the setting and its range.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::train::Schedule;
    /// let schedule = Schedule { steps: 0, ..Schedule::default() };
    /// assert!(schedule.check().unwrap_err().to_string().contains("`steps` is 0 where a number from 1 to"));
    /// ```
    pub fn check(&self) -> Result<()> {
        const COUNT: RangeInclusive<usize> = 1..=1_000_000_000;
        within("steps", self.steps, COUNT)?;
        within("warm_up", self.warm_up, 0..=*COUNT.end())?;
        within("peak", self.peak, 1e-12..=100.0)?;
        within("betas", self.betas.0, 0.0..=0.999_999)?;
        within("betas", self.betas.1, 0.0..=0.999_999)?;
        within("weight_decay", self.weight_decay, 0.0..=1000.0)?;
        within("clip", self.clip, 1e-12..=f64::INFINITY)?;
        within("evaluate_every", self.evaluate_every, COUNT)
    }

    /// Returns the learning rate at a step, counted from 0.
    ///
    /// # Examples
    /// ```
    /// use glassbox::train::Schedule;
    /// let schedule = Schedule { steps: 1000, ..Schedule::default() };
    /// assert!(schedule.rate(999) < schedule.rate(500));
    /// ```
    pub fn rate(&self, step: usize) -> f64 {
        if step < self.warm_up {
            return self.peak * (step + 1) as f64 / self.warm_up as f64;
        }
        let done = (step - self.warm_up) as f64 / self.steps.saturating_sub(self.warm_up).max(1) as f64;
        let done = done.min(1.0);
        self.peak
            * match self.decay {
                Decay::Cosine => 0.1 + 0.45 * (1.0 + (PI * done).cos()),
                Decay::Linear => 1.0 - done,
                Decay::Constant => 1.0,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_outside_its_range_is_refused_by_name() {
        let good = Schedule::default();
        good.check().unwrap();
        for (name, bad) in [
            ("steps", Schedule { steps: 0, ..good.clone() }),
            ("peak", Schedule { peak: f64::NAN, ..good.clone() }),
            ("peak", Schedule { peak: -1e-3, ..good.clone() }),
            ("betas", Schedule { betas: (0.9, 1.0), ..good.clone() }),
            ("weight_decay", Schedule { weight_decay: f64::INFINITY, ..good.clone() }),
            ("clip", Schedule { clip: 0.0, ..good.clone() }),
            ("evaluate_every", Schedule { evaluate_every: 0, ..good.clone() }),
        ] {
            let error = bad.check().unwrap_err().to_string();
            assert!(error.contains(&format!("`{name}`")), "{error}");
        }
    }

    #[test]
    fn the_rate_rises_to_its_peak_and_falls_as_told() {
        let cosine = Schedule { steps: 110, warm_up: 10, peak: 2.0, ..Schedule::default() };
        assert_eq!(cosine.rate(0), 0.2);
        assert_eq!(cosine.rate(9), 2.0);
        assert_eq!(cosine.rate(10), 2.0);
        assert!((cosine.rate(110) - 0.2).abs() < 1e-12);
        assert!((10..109).all(|step| cosine.rate(step) > cosine.rate(step + 1)));
        let linear = Schedule { decay: Decay::Linear, ..cosine.clone() };
        assert_eq!([10, 60, 110].map(|step| linear.rate(step)), [2.0, 1.0, 0.0]);
        let constant = Schedule { decay: Decay::Constant, ..cosine.clone() };
        assert_eq!([0, 60, 110].map(|step| constant.rate(step)), [0.2, 2.0, 2.0]);
        // A warm-up that is longer than the training is allowed.
        let short = Schedule { steps: 3, ..cosine };
        assert!(short.rate(50).is_finite());
    }
}
