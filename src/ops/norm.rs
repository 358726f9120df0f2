//! The steps of LayerNorm and RMSNorm, one hook apart: scale, normalised, weighted.

use super::slice::{contiguous, for_rows, last_axis};
use candle_core::{CpuStorage, CustomOp1, CustomOp2, CustomOp3, D, Layout, Result, Shape, Tensor};
use pulp::Arch;

/// sqrt(variance + eps) of each vector when `centred` (LayerNorm), sqrt(mean square + eps) otherwise (RMSNorm).
///
/// # Shapes
/// `[.., d_model]` to `[.., one]`.
pub(crate) fn norm_scale(x: &Tensor, centred: bool, eps: f64) -> Result<Tensor> {
    let width = last_axis(x)?;
    x.contiguous()?.apply_op1(Scale { width, centred, eps: eps as f32 })
}

/// Each vector, less its mean when `centred`, over its scale.
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
        None => x.broadcast_mul(weight),
    }
}

#[inline(always)]
fn mean(x: &[f32]) -> f32 {
    sum(x.iter().copied()) / x.len() as f32
}

/// Sums in eight lanes, which vectorises and loses less than one running sum.
#[inline(always)]
fn sum(values: impl Iterator<Item = f32>) -> f32 {
    let mut lanes = [0.0f32; 8];
    for (index, value) in values.enumerate() {
        lanes[index % 8] += value;
    }
    lanes.iter().sum()
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
        let arch = Arch::new();
        let scale = |row: &[f32]| {
            arch.dispatch(
                #[inline(always)]
                || {
                    let mean = if self.centred { mean(row) } else { 0.0 };
                    let square = sum(row.iter().map(|x| (x - mean) * (x - mean))) / row.len() as f32;
                    (square + self.eps).sqrt()
                },
            )
        };
        let out = x.chunks(self.width).map(scale).collect();
        let mut dims = layout.dims().to_vec();
        dims.pop();
        dims.push(1);
        Ok((CpuStorage::F32(out), dims.into()))
    }

    fn bwd(&self, x: &Tensor, scale: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let x = if self.centred { x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)? } else { x.clone() };
        let factor = ((grad / scale)? / self.width as f64)?;
        Ok(Some(x.broadcast_mul(&factor)?))
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
        let mut out = vec![0.0; x.len()];
        let arch = Arch::new();
        for_rows(&mut out, self.width, |row, out| {
            let x = &x[row * self.width..][..self.width];
            let factor = 1.0 / scale[row];
            arch.dispatch(
                #[inline(always)]
                || {
                    let mean = if self.centred { mean(x) } else { 0.0 };
                    for (out, x) in out.iter_mut().zip(x) {
                        *out = (x - mean) * factor;
                    }
                },
            );
        });
        Ok((CpuStorage::F32(out), lx.shape().clone()))
    }

    fn bwd(&self, _: &Tensor, scale: &Tensor, out: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let scaled = grad.broadcast_div(scale)?;
        let for_x = if self.centred { scaled.broadcast_sub(&scaled.mean_keepdim(D::Minus1)?)? } else { scaled };
        let for_scale = ((grad * out)?.sum_keepdim(D::Minus1)?.neg()? / scale)?;
        Ok((Some(for_x), Some(for_scale)))
    }
}

struct Affine;

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
        let mut out = x.to_vec();
        for_rows(&mut out, w.len(), |_, row| {
            for ((x, w), b) in row.iter_mut().zip(w).zip(b) {
                *x = *x * w + b;
            }
        });
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
        let over_rows = |t: Tensor| t.reshape(((), weight.dim(0)?))?.sum(0);
        let for_weight = weight.track_op().then(|| over_rows((x * grad)?)).transpose()?;
        let for_bias = bias.track_op().then(|| over_rows(grad.contiguous()?)).transpose()?;
        Ok((Some(grad.broadcast_mul(weight)?), for_weight, for_bias))
    }
}
