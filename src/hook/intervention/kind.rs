//! Which interventions fit sites with integers, such as token ids, and which need floats.

use super::{Action, Intervention};
use crate::{
    Result,
    error::{SiteError, need_type},
};
use candle_core::{DType, Tensor};

impl Intervention {
    /// Checks that a value has the type of its site. Integers that are ids, such as tokens, have neither a mean nor a
    /// multiple.
    pub(super) fn check_type(&self) -> Result<()> {
        let whole = !self.site.is_differentiable();
        match &self.action {
            Action::Replace(value) | Action::Add(value) => {
                let needed = if whole { DType::U32 } else { DType::F32 };
                need_type(|| format!("the value for `{}`", self.site), value, needed)
            }
            Action::Scale(_) | Action::Mean | Action::Ablate(_) if whole => {
                Err(SiteError::NamesOnly { site: self.site.to_string() }.into())
            }
            _ => Ok(()),
        }
    }
}

/// The sum of integers, limited to the largest one the type can hold.
pub(super) fn add_whole(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let sum = (a.to_dtype(DType::I64)? + b.to_dtype(DType::I64)?)?;
    Ok(sum.minimum(i64::from(u32::MAX))?.to_dtype(DType::U32)?)
}
