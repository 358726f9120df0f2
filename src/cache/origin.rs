//! Finds where in a run NaN or inf first appears.

use super::ActivationCache;
use crate::{Result, error::RunError, order::not_a_logit, site::Site};
use candle_core::{DType, Tensor};

impl ActivationCache {
    /// Checks that these logits are finite. Otherwise the error names the first recorded site that is not.
    /// The recorded activations are searched only in that case. `what` describes the logits in the sentence.
    pub(crate) fn check_numbers(&self, what: impl FnOnce() -> String, logits: &[f32]) -> Result<()> {
        match not_a_logit(logits) {
            None => Ok(()),
            Some(at) => Err(RunError::NotANumber { what: what(), value: logits[at], origin: self.origin() }.into()),
        }
    }

    /// Returns where NaN or inf first appears, in the order of the forward pass, as a clause for the end of a sentence.
    pub(crate) fn origin(&self) -> String {
        let Some((last, _)) = self.iter().last() else {
            return "nothing was recorded that shows where it begins: record all sites, as `model.run(..)` does, and ask \
                    again"
                .into();
        };
        match self.iter().find_map(|(site, x)| Some((site, first(site, &x)?))) {
            Some((site, place)) => {
                format!("the first recorded site that has one is `{site}`{place}; check what happens there")
            }
            None => format!("none of the {} recorded sites has one, so it first appears after `{last}`", self.len()),
        }
    }
}

/// Returns the first index of an activation that is NaN or inf: `, batch 0, pos 3, d_model 5`.
fn first(site: Site, x: &Tensor) -> Option<String> {
    let values = x.to_dtype(DType::F32).and_then(|x| x.flatten_all()?.to_vec1::<f32>()).ok()?;
    let mut at = not_a_logit(&values)?;
    let mut place = Vec::new();
    for (axis, &size) in site.axes().iter().zip(x.dims()).rev() {
        place.push(format!(", {} {}", axis.name(), at % size));
        at /= size;
    }
    Some(place.into_iter().rev().collect())
}
