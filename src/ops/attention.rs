//! The two matrix products of attention, head by head, in the layout that hooks see. Nothing is transposed or copied,
//! and key heads that several query heads share are not repeated (grouped-query attention,
//! [arXiv:2305.13245](https://arxiv.org/abs/2305.13245)).

use super::{Mask, linear::span, rows::zeros, slice::contiguous};
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};
use faer::{Accum, MatMut, MatRef, Par, linalg::matmul::matmul};
use rayon::prelude::*;

/// `scale * q . k` for every pair of positions, and -inf where the mask hides the key.
///
/// # Shapes
/// `q`: `[batch, query, head, d_head]`, `k`: `[batch, key, kv_head, d_head]`, result: `[batch, head, query, key]`.
pub(crate) fn attention_scores(q: &Tensor, k: &Tensor, scale: f64, mask: &Mask) -> Result<Tensor> {
    q.contiguous()?.apply_op2(&k.contiguous()?, Scores { scale: scale as f32, mask: mask.clone() })
}

/// The values mixed by the pattern, for each query position.
///
/// # Shapes
/// `pattern`: `[batch, head, query, key]`, `v`: `[batch, key, kv_head, d_head]`, result: `[batch, query, head,
/// d_head]`.
pub(crate) fn mix_values(pattern: &Tensor, v: &Tensor) -> Result<Tensor> {
    pattern.contiguous()?.apply_op2(&v.contiguous()?, Mix)
}

/// One head of a `[batch, pos, head, d_head]` tensor as a `[pos, d_head]` matrix.
fn head_of<'a>(data: &'a [f32], dims: [usize; 4], batch: usize, head: usize) -> MatRef<'a, f32> {
    let [_, pos, heads, d_head] = dims;
    let start = (batch * pos * heads + head) * d_head;
    let stride = heads * d_head;
    MatRef::from_row_major_slice_with_stride(span(&data[start..], pos, d_head, stride), pos, d_head, stride)
}

/// The number of query heads that share one key head.
fn sharing(heads: usize, kv_heads: usize) -> Result<usize> {
    if kv_heads == 0 || !heads.is_multiple_of(kv_heads) {
        bail!("{heads} query heads cannot share {kv_heads} key heads")
    }
    Ok(heads / kv_heads)
}

/// Repeats shared heads and puts heads before positions, as candle's matrix product in the backward pass needs.
///
/// # Shapes
/// `[batch, pos, kv_head, d_head]` to `[batch, head, pos, d_head]`.
fn repeated(x: &Tensor, heads: usize) -> Result<Tensor> {
    let (batch, pos, kv_heads, d_head) = x.dims4()?;
    let group = sharing(heads, kv_heads)?;
    let wide = x.unsqueeze(3)?.broadcast_as((batch, pos, kv_heads, group, d_head))?;
    wide.reshape((batch, pos, heads, d_head))?.transpose(1, 2)?.contiguous()
}

/// Sums gradients over the heads that shared a key head, the inverse of [`repeated`].
fn summed(grad: &Tensor, kv_heads: usize) -> Result<Tensor> {
    let (batch, heads, pos, d_head) = grad.dims4()?;
    let group = sharing(heads, kv_heads)?;
    grad.transpose(1, 2)?.reshape((batch, pos, kv_heads, group, d_head))?.sum(3)
}

struct Scores {
    scale: f32,
    mask: Mask,
}

impl CustomOp2 for Scores {
    fn name(&self) -> &'static str {
        "attention scores"
    }

    fn cpu_fwd(&self, q: &CpuStorage, lq: &Layout, k: &CpuStorage, lk: &Layout) -> Result<(CpuStorage, Shape)> {
        let (q_dims, k_dims) = (lq.shape().dims4()?, lk.shape().dims4()?);
        let (q_dims, k_dims): ([usize; 4], [usize; 4]) = (q_dims.into(), k_dims.into());
        let [batch, queries, heads, d_head] = q_dims;
        let keys = k_dims[1];
        if k_dims[0] != batch || k_dims[3] != d_head {
            bail!("queries {q_dims:?} and keys {k_dims:?} do not fit")
        }
        let group = sharing(heads, k_dims[2])?;
        let (q, k) = (contiguous(q, lq)?, contiguous(k, lk)?);
        let mut out = zeros(batch * heads * queries * keys);
        out.par_chunks_mut((queries * keys).max(1)).enumerate().for_each(|(index, scores)| {
            let (batch, head) = (index / heads, index % heads);
            let (q, k) = (head_of(q, q_dims, batch, head), head_of(k, k_dims, batch, head / group));
            let target = MatMut::from_row_major_slice_mut(scores, queries, keys);
            matmul(target, Accum::Replace, q, k.transpose(), self.scale, Par::Seq);
            self.mask.hide(scores, batch, queries, keys);
        });
        Ok((CpuStorage::F32(out), (batch, heads, queries, keys).into()))
    }

    fn bwd(&self, q: &Tensor, k: &Tensor, _: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        // Masked entries arrive with a gradient of 0, because softmax gave them no weight.
        let (heads, kv_heads) = (q.dim(2)?, k.dim(2)?);
        let grad = (grad.contiguous()? * self.scale as f64)?;
        let for_q = grad.matmul(&repeated(k, heads)?)?.transpose(1, 2)?.contiguous()?;
        let for_k = grad.transpose(2, 3)?.contiguous()?.matmul(&repeated(q, heads)?)?;
        Ok((Some(for_q), Some(summed(&for_k, kv_heads)?)))
    }
}

struct Mix;

impl CustomOp2 for Mix {
    fn name(&self) -> &'static str {
        "attention mix"
    }

    fn cpu_fwd(&self, pattern: &CpuStorage, lp: &Layout, v: &CpuStorage, lv: &Layout) -> Result<(CpuStorage, Shape)> {
        let (batch, heads, queries, keys) = lp.shape().dims4()?;
        let v_dims: [usize; 4] = lv.shape().dims4()?.into();
        let [_, v_keys, kv_heads, d_head] = v_dims;
        if v_dims[0] != batch || v_keys != keys {
            bail!("pattern {:?} and values {v_dims:?} do not fit", lp.dims())
        }
        let group = sharing(heads, kv_heads)?;
        let (pattern, v) = (contiguous(pattern, lp)?, contiguous(v, lv)?);
        let width = heads * d_head;
        let mut out = zeros(batch * queries * width);
        for (batch, out) in out.chunks_mut((queries * width).max(1)).enumerate() {
            let columns = MatMut::from_row_major_slice_mut(out, queries, width);
            columns.par_col_chunks_mut(d_head).enumerate().for_each(|(head, z)| {
                let start = (batch * heads + head) * queries * keys;
                let pattern = MatRef::from_row_major_slice(&pattern[start..][..queries * keys], queries, keys);
                matmul(z, Accum::Replace, pattern, head_of(v, v_dims, batch, head / group), 1.0, Par::Seq);
            });
        }
        Ok((CpuStorage::F32(out), (batch, queries, heads, d_head).into()))
    }

    fn bwd(&self, pattern: &Tensor, v: &Tensor, _: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (heads, kv_heads) = (pattern.dim(1)?, v.dim(2)?);
        let grad = grad.transpose(1, 2)?.contiguous()?;
        let for_pattern = grad.matmul(&repeated(v, heads)?.transpose(2, 3)?.contiguous()?)?;
        let for_v = pattern.transpose(2, 3)?.contiguous()?.matmul(&grad)?;
        Ok((Some(for_pattern), Some(summed(&for_v, kv_heads)?)))
    }
}
