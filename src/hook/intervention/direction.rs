//! [`ablate_direction`]: removes a direction from an activation, used for steering
//! (<https://arxiv.org/abs/2406.11717>).

use super::{Action, Intervention};
use crate::{Result, error::SiteError, site::Sites, tensor::ToTensor};
use candle_core::{D, DType, Tensor};

/// Removes the component of the activation along a direction: `x - (x . d) d`, where `d` has length 1 ([Arditi et al.
/// 2024](https://arxiv.org/abs/2406.11717)).
///
/// The direction you pass may have any length except 0.
///
/// # Shapes
/// `direction`: the last axis of the site, such as `[d_model]`.
///
/// # Errors
/// Fails when the direction is not a vector, or has length 0.
///
/// # Examples
/// ```
/// use glassbox::{candle_core::{Device, Tensor}, prelude::*};
/// let model = Model::open("induction-2l")?;
/// let d_model = model.config().d_model;
/// let direction = Tensor::ones(d_model, glassbox::candle_core::DType::F32, &Device::Cpu)?;
/// let run = model.run_with("red fox", [ablate_direction(Site::resid_post(0), &direction)?])?;
/// let left = run.cache().get(Site::resid_post(0))?.sum(2)?.abs()?.max_all()?.to_scalar::<f32>()?;
/// assert!(left < 1e-4);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[doc(alias("directional_ablation", "direction_ablation_hook"))]
pub fn ablate_direction(sites: impl Into<Sites>, direction: impl ToTensor) -> Result<Intervention> {
    let (sites, direction) = (sites.into(), direction.to_tensor()?);
    let site = || sites.one().map_or_else(|| format!("{sites:?}"), |site| site.to_string());
    let (got, expected) = (direction.dims().to_vec(), vec![direction.elem_count()]);
    if direction.rank() != 1 {
        return Err(SiteError::Shape { site: site(), got, expected }.into());
    }
    let length = length(&direction)?;
    if !(length.is_finite() && length > 0.0) {
        return Err(SiteError::NoDirection { site: site(), length }.into());
    }
    Ok(Intervention::new(sites, Action::Ablate(unit(&direction)?)))
}

/// The length of a vector, computed in 64 bits so that squares of very small and very large numbers fit.
pub(crate) fn length(vector: &Tensor) -> Result<f64> {
    Ok(vector.to_dtype(DType::F64)?.sqr()?.sum_all()?.to_scalar::<f64>()?.sqrt())
}

/// Returns a vector divided by its length.
pub(crate) fn unit(vector: &Tensor) -> Result<Tensor> {
    Ok((vector.to_dtype(DType::F64)? / length(vector)?)?.to_dtype(DType::F32)?)
}

/// Returns `x` minus its projection onto a direction of length 1, along the last axis.
pub(super) fn without(x: &Tensor, direction: &Tensor) -> Result<Tensor> {
    let along = x.broadcast_mul(direction)?.sum_keepdim(D::Minus1)?;
    Ok((x - along.broadcast_mul(direction)?)?)
}
