//! Plain slices in and out of candle's storage.

use candle_core::{CpuStorage, Layout, Result, Tensor, bail};
use rayon::prelude::*;

/// The float32 values a layout covers, from its first element on; strides are the caller's business.
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

/// Sums in sixteen lanes, which vectorises and loses less than one running sum.
#[inline(always)]
pub(super) fn sum(values: impl Iterator<Item = f32>) -> f32 {
    let mut lanes = [0.0f32; 16];
    for (index, value) in values.enumerate() {
        lanes[index % 16] += value;
    }
    lanes.iter().sum()
}

/// Rows that one task should take so that a task is worth its thread.
fn rows_per_task(width: usize) -> usize {
    (16_384 / width.max(1)).max(1)
}

/// Fills `out` row by row: `f(row index, row)`, in parallel when there is enough to do.
pub(super) fn for_rows(out: &mut [f32], width: usize, f: impl Fn(usize, &mut [f32]) + Sync) {
    let width = width.max(1);
    let rows = rows_per_task(width);
    let task = |(index, chunk): (usize, &mut [f32])| {
        for (offset, row) in chunk.chunks_mut(width).enumerate() {
            f(index * rows + offset, row);
        }
    };
    if out.len() <= rows * width {
        task((0, out));
    } else {
        out.par_chunks_mut(rows * width).enumerate().for_each(task);
    }
}
