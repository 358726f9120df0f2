//! A linear layer that computes no gradient for frozen weights.

use super::{
    product::{Rows, product},
    rows::{LANES, zeros},
    slice::{contiguous, values},
};
use candle_core::{CpuStorage, CustomOp1, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor, bail};
use faer::{Accum, MatMut, MatRef, Par, linalg::matmul::matmul};
use rayon::prelude::*;

/// `x W + b`. The weight may be any view with one unit stride, so a tied unembedding is not copied.
///
/// Only tensors that track gradients get one: the gradient of a frozen weight is not computed.
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

/// The same matrix in column-major order, which is how PyTorch's `Linear` stores a weight and what [`linear`] is
/// fastest with. A trainable weight is left unchanged.
///
/// # Shapes
/// `[d_in, d_out]` in and out.
pub(crate) fn by_output(weight: &Tensor) -> Result<Tensor> {
    match weight.track_op() {
        true => Ok(weight.clone()),
        false => weight.contiguous()?.apply_op1_no_bwd(&ByOutput)?.t(),
    }
}

struct ByOutput;

impl CustomOp1 for ByOutput {
    fn name(&self) -> &'static str {
        "weight by output"
    }

    fn cpu_fwd(&self, weight: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (d_in, d_out) = layout.shape().dims2()?;
        let weight = contiguous(weight, layout)?;
        let mut out = vec![0.0; weight.len()];
        // The number of outputs processed together equals the numbers in a cache line.
        out.par_chunks_mut(LANES * d_in).enumerate().for_each(|(block, outputs)| {
            for (input, line) in weight.chunks_exact(d_out).enumerate() {
                let to = outputs[input..].iter_mut().step_by(d_in);
                to.zip(&line[block * LANES..]).for_each(|(to, from)| *to = *from);
            }
        });
        Ok((CpuStorage::F32(out), (d_out, d_in).into()))
    }
}

struct Linear;

/// A candle matrix as a faer view.
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

/// The part of `data` that holds `lines` rows of `width` values, `stride` apart.
pub(super) fn span(data: &[f32], lines: usize, width: usize, stride: usize) -> &[f32] {
    &data[..lines.saturating_sub(1) * stride + width]
}

fn forward(
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
    let out = match w_layout.stride() {
        &[1, stride] => product(x, Rows { weight: w, stride, d_in, bias }, d_out)?,
        _ => {
            let rows = x.len() / d_in;
            let mut out = zeros(rows * d_out);
            let (into, x) =
                (MatMut::from_row_major_slice_mut(&mut out, rows, d_out), MatRef::from_row_major_slice(x, rows, d_in));
            matmul(into, Accum::Replace, x, weight, 1.0, Par::rayon(0));
            if let Some(bias) = bias {
                let add = |row: &mut [f32]| row.iter_mut().zip(bias).for_each(|(value, bias)| *value += bias);
                out.par_chunks_mut(d_out.max(1)).for_each(add);
            }
            out
        }
    };
    Ok((CpuStorage::F32(out), dims.into()))
}

/// Merges all leading axes into one.
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
        forward(contiguous(x, lx)?, lx, values(w, lw)?, lw, None)
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
        forward(contiguous(x, lx)?, lx, values(w, lw)?, lw, Some(contiguous(b, lb)?))
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
