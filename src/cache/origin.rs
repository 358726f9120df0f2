//! Where the numbers of a run stop being numbers.

use super::ActivationCache;
use crate::{Result, error::RunError, order::not_a_logit, site::Site};
use candle_core::{DType, Tensor};

impl ActivationCache {
    /// That these logits are numbers, or an error that names the first site at which they are not. Only then is what was
    /// recorded looked through. `what` they are, for the sentence.
    pub(crate) fn check_numbers(&self, what: impl FnOnce() -> String, logits: &[f32]) -> Result<()> {
        match not_a_logit(logits) {
            None => Ok(()),
            Some(at) => Err(RunError::NotANumber { what: what(), value: logits[at], origin: self.origin() }.into()),
        }
    }

    /// Where NaN or inf comes up first, in the order of the forward pass; a clause for the end of a sentence.
    pub(crate) fn origin(&self) -> String {
        let Some((last, _)) = self.iter().last() else {
            return "nothing was recorded that says where it begins: record all sites, as `model.run(..)` does, and ask \
                    again"
                .into();
        };
        match self.iter().find_map(|(site, x)| Some((site, first(site, &x)?))) {
            Some((site, place)) => {
                format!("the first recorded site that has one is `{site}`{place}; look at what is done there")
            }
            None => format!("none of the {} recorded sites has one, so it comes up after `{last}`", self.len()),
        }
    }
}

/// Where in an activation there is no number: `, batch 0, pos 3, d_model 5`.
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
