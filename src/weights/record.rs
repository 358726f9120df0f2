//! The record of what was done to a model's weights.

use super::Step;
use crate::{Result, error::WeightsError};
use std::fmt;

/// What was done to a model's weights, and what was left out because it does not apply:
/// [`Model::processing`](crate::Model::processing).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Processed {
    done: Vec<Step>,
    left_out: Vec<(Step, &'static str)>,
}

impl Processed {
    /// The steps done, in order.
    pub fn done(&self) -> Vec<Step> {
        self.done.clone()
    }

    /// Whether a step was done.
    pub fn has(&self, step: Step) -> bool {
        self.done.contains(&step)
    }

    /// The steps that were asked for and do not apply to this model, and why.
    pub fn left_out(&self) -> Vec<(Step, &'static str)> {
        self.left_out.clone()
    }

    /// Whether the weights are as they were learned and nothing else was asked for.
    pub fn is_empty(&self) -> bool {
        self.done.is_empty() && self.left_out.is_empty()
    }

    /// Fails when the step, or one that comes after it, has been done.
    pub(super) fn check(&self, step: Step) -> Result<()> {
        let step_name = step.name();
        match self.done.iter().find(|done| **done >= step) {
            Some(done) if *done == step => Err(WeightsError::Twice { step: step_name }.into()),
            Some(done) => Err(WeightsError::Order { step: step_name, after: done.name() }.into()),
            None => Ok(()),
        }
    }

    pub(crate) fn record(&mut self, step: Step) {
        self.done.push(step);
    }

    pub(super) fn leave_out(&mut self, step: Step, why: &'static str) {
        self.left_out.retain(|(other, _)| *other != step);
        self.left_out.push((step, why));
    }
}

impl fmt::Display for Processed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let done = self.done.iter().map(|step| step.name()).collect::<Vec<_>>().join(", ");
        f.write_str(if done.is_empty() { "none" } else { &done })?;
        for (step, why) in &self.left_out {
            write!(f, "; not {step}: {why}")?;
        }
        Ok(())
    }
}
