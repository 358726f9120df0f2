//! Rotary position embedding (Su et al. 2021, [arXiv:2104.09864](https://arxiv.org/abs/2104.09864)).

use super::{rows::rows, slice::contiguous};
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use std::sync::Arc;

/// The cosines and sines for every token and every pair of dimensions that rotate together.
#[derive(Clone, Debug)]
pub(crate) struct RotaryTable {
    /// `[row, column]`: a row for each position (shared by all texts, or text after text), a column for each pair.
    cos: Arc<[f32]>,
    sin: Arc<[f32]>,
    pairs: usize,
    /// True if dimensions `2i` and `2i+1` rotate together (GPT-J), false if `i` and `i + pairs` do (Llama, NeoX).
    adjacent: bool,
}

impl RotaryTable {
    /// The table for tokens at these positions, either shared by all texts or text after text. Each text has its own
    /// frequencies, in radians per position, one for each pair; all texts have the same number. `factor` scales cosines
    /// and sines.
    pub(crate) fn new(texts: &[(&[f64], &[u32])], adjacent: bool, factor: f64) -> Self {
        // Frameworks round the frequency and then the product to float32. Doing the same keeps long texts in agreement.
        let angle = |position: u32, frequency: &f64| position as f32 * *frequency as f32;
        let factor = factor as f32;
        let each = |f: fn(f32) -> f32| {
            let mut values = Vec::new();
            for (angles, positions) in texts {
                let row = |&position: &u32| angles.iter().map(move |frequency| factor * f(angle(position, frequency)));
                values.extend(positions.iter().flat_map(row));
            }
            values.into()
        };
        let pairs = texts.first().map_or(0, |(angles, _)| angles.len());
        Self { cos: each(f32::cos), sin: each(f32::sin), pairs, adjacent }
    }
}

/// Rotates each head's first `2 * pairs` dimensions by the angles of its position; the rest are unchanged.
///
/// # Shapes
/// `[batch, pos, head, d_head]` in and out.
pub(crate) fn rotate(x: &Tensor, table: &RotaryTable) -> Result<Tensor> {
    x.contiguous()?.apply_op1(Rotate { table: table.clone(), direction: 1.0 })
}

struct Rotate {
    table: RotaryTable,
    /// 1 rotates forward, -1 back. The gradient of a rotation is the opposite rotation.
    direction: f32,
}

impl CustomOp1 for Rotate {
    fn name(&self) -> &'static str {
        "rotary"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = contiguous(storage, layout)?;
        let (batch, pos, heads, d_head) = layout.shape().dims4()?;
        let RotaryTable { cos, sin, pairs, adjacent } = &self.table;
        let pairs = *pairs;
        let places = cos.len() / pairs.max(1);
        if (places != pos && places != batch * pos) || 2 * pairs > d_head {
            bail!("rotary table of {places} positions and {pairs} pairs cannot turn {:?}", layout.dims())
        }
        let turn = |row: usize, head: &mut [f32]| {
            head.copy_from_slice(&x[row * d_head..][..d_head]);
            let position = (row / heads) % places;
            let (cos, sin) = (&cos[position * pairs..][..pairs], &sin[position * pairs..][..pairs]);
            for pair in 0..pairs {
                let (i, j) = if *adjacent { (2 * pair, 2 * pair + 1) } else { (pair, pair + pairs) };
                let (a, b, c, s) = (head[i], head[j], cos[pair], self.direction * sin[pair]);
                head[i] = a * c - b * s;
                head[j] = b * c + a * s;
            }
        };
        Ok((CpuStorage::F32(rows(x.len(), d_head, turn)), layout.shape().clone()))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let back = Self { table: self.table.clone(), direction: -self.direction };
        grad.contiguous()?.apply_op1_no_bwd(&back).map(Some)
    }
}
