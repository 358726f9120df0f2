//! A linear layer over faer's matrix product, with frozen weights costing nothing in the backward.

use super::slice::{contiguous, values};
use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor, bail};
use faer::{Accum, MatMut, MatRef, Par, linalg::matmul::matmul};

/// `x W + b`. The weight may be any view with one unit stride (so a tied unembedding is not copied).
///
/// Only what tracks a gradient gets one: a frozen weight's gradient is neither computed nor kept.
///
/// # Shapes
/// `x`: `[.., d_in]`, `weight`: `[d_in, d_out]`, `bias`: `[d_out]`, result: `[.., d_out]`.
pub(crate) fn linear(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let x = x.contiguous()?;
    match bias {
        Some(bias) => x.apply_op3(weight, &bias.contiguous()?, Linear),
        None => x.apply_op2(weight, Linear),
    }
}

struct Linear;

/// A candle matrix as faer sees it.
pub(super) fn matrix<'a>(data: &'a [f32], layout: &Layout) -> Result<MatRef<'a, f32>> {
    let (&[rows, columns], &[row_stride, column_stride]) = (layout.dims(), layout.stride()) else {
        bail!("a weight must be a matrix, got {layout:?}")
    };
    Ok(match (row_stride, column_stride) {
        (stride, 1) => {
            MatRef::from_row_major_slice_with_stride(span(data, rows, columns, stride), rows, columns, stride)
        }
        (1, stride) => {
            MatRef::from_column_major_slice_with_stride(span(data, columns, rows, stride), rows, columns, stride)
        }
        _ => bail!("a weight needs one axis of stride 1, got {layout:?}"),
    })
}

/// The part of `data` that `lines` lines of `width` values, `stride` apart, cover.
pub(super) fn span(data: &[f32], lines: usize, width: usize, stride: usize) -> &[f32] {
    &data[..lines.saturating_sub(1) * stride + width]
}

fn product(
    x: &[f32],
    x_layout: &Layout,
    w: &[f32],
    w_layout: &Layout,
    bias: Option<&[f32]>,
) -> Result<(CpuStorage, Shape)> {
    let weight = matrix(w, w_layout)?;
    let (d_in, d_out) = (weight.nrows(), weight.ncols());
    let mut dims = x_layout.dims().to_vec();
    let Some(last) = dims.last_mut().filter(|last| **last == d_in) else {
        bail!("a linear layer from {d_in} to {d_out} was given {:?}", x_layout.dims())
    };
    *last = d_out;
    let rows = x.len() / d_in;
    let mut out = match bias {
        Some(bias) => bias.repeat(rows),
        None => vec![0.0; rows * d_out],
    };
    let accum = if bias.is_some() { Accum::Add } else { Accum::Replace };
    let x = MatRef::from_row_major_slice(x, rows, d_in);
    matmul(MatMut::from_row_major_slice_mut(&mut out, rows, d_out), accum, x, weight, 1.0, Par::rayon(0));
    Ok((CpuStorage::F32(out), dims.into()))
}

/// All leading axes as one.
fn flat(x: &Tensor) -> Result<Tensor> {
    x.reshape(((), super::slice::last_axis(x)?))
}

fn gradients(x: &Tensor, weight: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
    let for_x = x.track_op().then(|| linear(grad, &weight.t()?, None)).transpose()?;
    let for_weight = weight.track_op().then(|| linear(&flat(x)?.t()?, &flat(grad)?, None)).transpose()?;
    Ok((for_x, for_weight))
}

impl CustomOp2 for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn cpu_fwd(&self, x: &CpuStorage, lx: &Layout, w: &CpuStorage, lw: &Layout) -> Result<(CpuStorage, Shape)> {
        product(contiguous(x, lx)?, lx, values(w, lw)?, lw, None)
    }

    fn bwd(&self, x: &Tensor, w: &Tensor, _: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        gradients(x, w, grad)
    }
}

impl CustomOp3 for Linear {
    fn name(&self) -> &'static str {
        "linear with bias"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        lx: &Layout,
        w: &CpuStorage,
        lw: &Layout,
        b: &CpuStorage,
        lb: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        product(contiguous(x, lx)?, lx, values(w, lw)?, lw, Some(contiguous(b, lb)?))
    }

    fn bwd(
        &self,
        x: &Tensor,
        w: &Tensor,
        b: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (for_x, for_weight) = gradients(x, w, grad)?;
        let for_bias = b.track_op().then(|| flat(grad)?.sum(0)).transpose()?;
        Ok((for_x, for_weight, for_bias))
    }
}
