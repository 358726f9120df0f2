//! Arithmetic on weights in float64, so that weight processing rounds only once, at the end.

use crate::{Result, net::parts::Linear};
use candle_core::{DType, Tensor};

/// Converts to float64.
pub(super) fn wide(tensor: &Tensor) -> Result<Tensor> {
    Ok(tensor.to_dtype(DType::F64)?)
}

/// Converts back to float32, without sharing memory with the input.
pub(super) fn narrow(tensor: &Tensor) -> Result<Tensor> {
    Ok(tensor.to_dtype(DType::F32)?.contiguous()?.detach())
}

/// Returns the tensor minus its mean along an axis.
pub(super) fn centred(tensor: &Tensor, axis: usize) -> Result<Tensor> {
    let tensor = wide(tensor)?;
    narrow(&tensor.broadcast_sub(&tensor.mean_keepdim(axis)?)?)
}

/// Returns `x W` for one vector.
///
/// # Shapes
/// `x`: `[l]`, `weight`: `[l, r]`, result: `[r]`; all float64
pub(super) fn through(x: &Tensor, weight: &Tensor) -> Result<Tensor> {
    Ok(x.unsqueeze(0)?.matmul(weight)?.squeeze(0)?)
}

/// Adds to a layer's bias, which it may not have had before.
///
/// # Shapes
/// `more`: `[r]`, float64
pub(super) fn add_to_bias(linear: &mut Linear, more: &Tensor) -> Result<()> {
    let sum = match &linear.bias {
        Some(bias) => (wide(bias)? + more)?,
        None => more.clone(),
    };
    linear.bias = Some(narrow(&sum)?);
    Ok(())
}
