//! Softmax over the last axis. Attention patterns and probabilities use it.

use super::{
    exp::exp,
    rows::{dot, max, rows, sum},
    slice::{contiguous, last_axis},
};
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor};

/// Softmax over the last axis. A score of -inf becomes exactly 0, even if all scores of its row are -inf: a position
/// that may attend to nothing, such as padding, reads nothing.
pub(crate) fn softmax(scores: &Tensor) -> Result<Tensor> {
    let width = last_axis(scores)?;
    scores.contiguous()?.apply_op1(Softmax { width })
}

struct Softmax {
    width: usize,
}

#[inline(always)]
fn softmax_row(scores: &[f32], out: &mut [f32]) {
    let max = max(scores);
    if max == f32::NEG_INFINITY && scores.iter().all(|&score| score == max) {
        return out.fill(0.0);
    }
    for (out, &score) in out.iter_mut().zip(scores) {
        *out = exp(score - max);
    }
    let scale = 1.0 / sum(out, |x| x);
    out.iter_mut().for_each(|value| *value *= scale);
}

impl CustomOp1 for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let scores = contiguous(storage, layout)?;
        let out = rows(
            scores.len(),
            self.width,
            #[inline(always)]
            |row, out| softmax_row(&scores[row * self.width..][..self.width], out),
        );
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }

    fn bwd(&self, _: &Tensor, pattern: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        pattern.apply_op2_no_bwd(&grad.contiguous()?, &Slope { width: self.width }).map(Some)
    }
}

/// The gradient of the scores: the pattern times (gradient minus the pattern-weighted mean of the gradients).
struct Slope {
    width: usize,
}

impl CustomOp2 for Slope {
    fn name(&self) -> &'static str {
        "softmax gradient"
    }

    fn cpu_fwd(&self, pattern: &CpuStorage, lp: &Layout, g: &CpuStorage, lg: &Layout) -> Result<(CpuStorage, Shape)> {
        let (pattern, grad) = (contiguous(pattern, lp)?, contiguous(g, lg)?);
        let out = rows(
            pattern.len(),
            self.width,
            #[inline(always)]
            |row, out| {
                let at = row * self.width;
                let (pattern, grad) = (&pattern[at..][..self.width], &grad[at..][..self.width]);
                let mean = dot(pattern, grad);
                for ((out, p), g) in out.iter_mut().zip(pattern).zip(grad) {
                    *out = p * (g - mean);
                }
            },
        );
        Ok((CpuStorage::F32(out), lp.shape().clone()))
    }
}
