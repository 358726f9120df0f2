//! Weights in float64, so that processing adds no rounding but the last.

use crate::{Result, net::parts::Linear};
use candle_core::{DType, Tensor};

/// As float64.
pub(super) fn wide(tensor: &Tensor) -> Result<Tensor> {
    Ok(tensor.to_dtype(DType::F64)?)
}

/// As float32 again, and apart from whatever it was made of.
pub(super) fn narrow(tensor: &Tensor) -> Result<Tensor> {
    Ok(tensor.to_dtype(DType::F32)?.contiguous()?.detach())
}

/// The tensor less its mean along an axis.
pub(super) fn centred(tensor: &Tensor, axis: usize) -> Result<Tensor> {
    let tensor = wide(tensor)?;
    narrow(&tensor.broadcast_sub(&tensor.mean_keepdim(axis)?)?)
}

/// `x W` of one vector.
///
/// # Shapes
/// `x`: `[d_in]`, `weight`: `[d_in, d_out]`, result: `[d_out]`; all float64.
pub(super) fn through(x: &Tensor, weight: &Tensor) -> Result<Tensor> {
    Ok(x.unsqueeze(0)?.matmul(weight)?.squeeze(0)?)
}

/// Adds to a layer's bias, which it may not have had.
///
/// # Shapes
/// `more`: `[d_out]`, float64.
pub(super) fn add_to_bias(linear: &mut Linear, more: &Tensor) -> Result<()> {
    let sum = match &linear.bias {
        Some(bias) => (wide(bias)? + more)?,
        None => more.clone(),
    };
    linear.bias = Some(narrow(&sum)?);
    Ok(())
}
