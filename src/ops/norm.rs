//! LayerNorm ([arXiv:1607.06450](https://arxiv.org/abs/1607.06450)) and RMSNorm
//! ([arXiv:1910.07467](https://arxiv.org/abs/1910.07467)) in the steps that hooks see: scale, normalised, weighted.

use super::{
    rows::{dot, each_row, rows, sum},
    slice::{contiguous, last_axis},
};
use candle_core::{CpuStorage, CustomOp1, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor};

/// sqrt(variance + eps) of each vector if `centred` (LayerNorm), else sqrt(mean square + eps) (RMSNorm).
///
/// # Shapes
/// `[.., d_model]` to `[.., one]`.
pub(crate) fn norm_scale(x: &Tensor, centred: bool, eps: f64) -> Result<Tensor> {
    let width = last_axis(x)?;
    x.contiguous()?.apply_op1(Scale { width, centred, eps: eps as f32 })
}

/// Each vector, minus its mean if `centred`, divided by its scale.
///
/// # Shapes
/// `[.., d_model]` and `[.., one]` to `[.., d_model]`.
pub(crate) fn normalize(x: &Tensor, scale: &Tensor, centred: bool) -> Result<Tensor> {
    let width = last_axis(x)?;
    x.contiguous()?.apply_op2(&scale.contiguous()?, Normalize { width, centred })
}

/// `x * weight + bias` along the last axis.
pub(crate) fn affine(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    match bias {
        Some(bias) => x.contiguous()?.apply_op3(weight, bias, Affine),
        None => x.contiguous()?.apply_op2(weight, Affine),
    }
}

#[inline(always)]
fn mean(x: &[f32]) -> f32 {
    sum(x, |x| x) / x.len() as f32
}

struct Scale {
    width: usize,
    centred: bool,
    eps: f32,
}

impl CustomOp1 for Scale {
    fn name(&self) -> &'static str {
        "norm scale"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = contiguous(storage, layout)?;
        let out = each_row(
            x,
            self.width,
            #[inline(always)]
            |row| {
                let mean = if self.centred { mean(row) } else { 0.0 };
                let square = sum(row, |x| (x - mean) * (x - mean)) / row.len() as f32;
                (square + self.eps).sqrt()
            },
        );
        let mut dims = layout.dims().to_vec();
        dims.pop();
        dims.push(1);
        Ok((CpuStorage::F32(out), dims.into()))
    }

    fn bwd(&self, x: &Tensor, scale: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        // (x - mean) grad / (scale width) is x normalised by another scale, which is infinite where grad is 0.
        let scale = ((scale * self.width as f64)? / grad)?;
        x.apply_op2_no_bwd(&scale, &Normalize { width: self.width, centred: self.centred }).map(Some)
    }
}

struct Normalize {
    width: usize,
    centred: bool,
}

impl CustomOp2 for Normalize {
    fn name(&self) -> &'static str {
        "normalize"
    }

    fn cpu_fwd(&self, x: &CpuStorage, lx: &Layout, scale: &CpuStorage, ls: &Layout) -> Result<(CpuStorage, Shape)> {
        let (x, scale) = (contiguous(x, lx)?, contiguous(scale, ls)?);
        let out = rows(
            x.len(),
            self.width,
            #[inline(always)]
            |row, out| {
                let x = &x[row * self.width..][..self.width];
                let factor = 1.0 / scale[row];
                let mean = if self.centred { mean(x) } else { 0.0 };
                for (out, x) in out.iter_mut().zip(x) {
                    *out = (x - mean) * factor;
                }
            },
        );
        Ok((CpuStorage::F32(out), lx.shape().clone()))
    }

    fn bwd(&self, _: &Tensor, scale: &Tensor, out: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let grad = grad.contiguous()?;
        let for_x = grad.apply_op2_no_bwd(scale, self)?;
        let for_scale = (grad.apply_op2_no_bwd(out, &Dots { width: self.width })?.neg()? / scale)?;
        Ok((Some(for_x), Some(for_scale)))
    }
}

/// The dot product of each pair of vectors.
struct Dots {
    width: usize,
}

impl CustomOp2 for Dots {
    fn name(&self) -> &'static str {
        "dot products"
    }

    fn cpu_fwd(&self, a: &CpuStorage, la: &Layout, b: &CpuStorage, lb: &Layout) -> Result<(CpuStorage, Shape)> {
        let rows = |x| contiguous(x, la).map(|x| x.chunks(self.width));
        let pairs = rows(a)?.zip(contiguous(b, lb)?.chunks(self.width));
        let out = pairs.map(|(a, b)| dot(a, b)).collect();
        let mut dims = la.dims().to_vec();
        dims.pop();
        dims.push(1);
        Ok((CpuStorage::F32(out), dims.into()))
    }
}

struct Affine;

fn weighted(x: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    let width = weight.len();
    rows(
        x.len(),
        width,
        #[inline(always)]
        |row, out| {
            for ((out, x), w) in out.iter_mut().zip(&x[row * width..]).zip(weight) {
                *out = x * w;
            }
            for (out, b) in out.iter_mut().zip(bias.unwrap_or_default()) {
                *out += b;
            }
        },
    )
}

impl CustomOp2 for Affine {
    fn name(&self) -> &'static str {
        "weighted"
    }

    fn cpu_fwd(&self, x: &CpuStorage, lx: &Layout, w: &CpuStorage, lw: &Layout) -> Result<(CpuStorage, Shape)> {
        let (x, w) = (contiguous(x, lx)?, contiguous(w, lw)?);
        let out = weighted(x, w, None);
        Ok((CpuStorage::F32(out), lx.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, w: &Tensor, _: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let grad = grad.contiguous()?;
        let for_weight = w.track_op().then(|| over_rows((x * &grad)?, w)).transpose()?;
        Ok((Some(grad.apply_op2_no_bwd(w, self)?), for_weight))
    }
}

/// The sum over all vectors, for the gradient of a weight.
fn over_rows(grad: Tensor, weight: &Tensor) -> Result<Tensor> {
    grad.reshape(((), weight.dim(0)?))?.sum(0)
}

impl CustomOp3 for Affine {
    fn name(&self) -> &'static str {
        "affine"
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
        let (x, w, b) = (contiguous(x, lx)?, contiguous(w, lw)?, contiguous(b, lb)?);
        let out = weighted(x, w, Some(b));
        Ok((CpuStorage::F32(out), lx.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (for_x, for_weight) = CustomOp2::bwd(self, x, weight, x, grad)?;
        let for_bias = bias.track_op().then(|| over_rows(grad.contiguous()?, bias)).transpose()?;
        Ok((for_x, for_weight, for_bias))
    }
}
