//! Slices of float32 values from candle's storage.

use candle_core::{CpuStorage, Layout, Result, Tensor, bail};

/// The float32 values of a layout, from its first element on. The caller handles strides.
pub(super) fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    Ok(&storage.as_slice::<f32>()?[layout.start_offset()..])
}

/// The float32 values of a contiguous layout.
pub(super) fn contiguous<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&storage.as_slice::<f32>()?[start..end]),
        None => bail!("this operation needs a contiguous tensor, got {layout:?}"),
    }
}

/// The size of the last axis.
pub(super) fn last_axis(tensor: &Tensor) -> Result<usize> {
    tensor.dim(candle_core::D::Minus1)
}
