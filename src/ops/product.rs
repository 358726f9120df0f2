//! The product of a linear layer whose weight lies output by output, as PyTorch's `Linear` stores it.
//!
//! A register holds one input of as many tokens as it has lanes, and each number of the weight multiplies a register
//! or two. So the weight is read where it lies, in order, from memory once; only `x`, which is small, is turned. A
//! general matrix product packs the weight anew each time, and for a text of a few dozen tokens, whose products are
//! bound by memory, packing costs as much as multiplying.

use faer::{MatMut, prelude::ReborrowMut};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;
use std::array::from_fn;

/// Weights of a linear layer: `weight` holds `d_in` numbers for each output, one output `stride` after the other.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub(super) weight: &'a [f32],
    pub(super) stride: usize,
    pub(super) d_in: usize,
    pub(super) bias: Option<&'a [f32]>,
}

impl<'a> Rows<'a> {
    /// Weights and biases of the outputs from `first` on, the one before `end` several times where they are not `C`.
    #[inline(always)]
    fn outputs<const C: usize>(&self, first: usize, end: usize) -> ([&'a [f32]; C], [f32; C]) {
        let output = |c: usize| (first + c).min(end - 1);
        let weights = from_fn(|c| &self.weight[output(c) * self.stride..][..self.d_in]);
        (weights, from_fn(|c| self.bias.map_or(0.0, |bias| bias[output(c)])))
    }
}

/// Multiply-adds that a task should have so that it is worth its thread.
const TASK: usize = 1 << 20;

/// Fewer tokens than this would leave most of a register empty: for them, a register holds several inputs of one
/// token, and reading the weight from memory takes as long as that many tokens do.
const FEW: usize = 8;

/// Outputs and registers of tokens that are worked out together: as many sums as 32 registers can hold, which is
/// AVX-512's number. AVX2 has 16, and takes half the outputs.
const OUTPUTS: usize = 12;
const TOGETHER: usize = 2;

/// `out = x W + b`, with `x` of `d_in` and `out` of one column for each output.
pub(super) fn product(x: &[f32], rows: Rows, out: MatMut<f32>) {
    let (arch, tokens) = (Arch::new(), out.nrows());
    let columns = TASK.div_ceil(rows.d_in * tokens.max(FEW)).next_multiple_of(4 * OUTPUTS);
    let tasks = out.par_col_chunks_mut(columns).enumerate();
    if tokens < FEW {
        return tasks.for_each(|(task, out)| arch.dispatch(Few { x, rows, first: task * columns, out }));
    }
    let panels = Panels::new(x, rows.d_in, arch.dispatch(Lanes));
    let panels = &panels.values[panels.start..];
    tasks.for_each(|(task, out)| arch.dispatch(Many { panels, rows, first: task * columns, out }));
}

/// `x` for `lanes` tokens at a time, one input of all of them after the other; where tokens are lacking, 0.
struct Panels {
    /// `[pos / lanes, d_in, lanes]`, from the place `start` on, where registers are loaded from single cache lines.
    values: Vec<f32>,
    start: usize,
}

impl Panels {
    fn new(x: &[f32], d_in: usize, lanes: usize) -> Self {
        let panel = d_in * lanes;
        let len = x.len().div_ceil(panel) * panel;
        let mut values = vec![0.0; len + MOST_LANES];
        let start = values.as_ptr().align_offset(MOST_LANES * size_of::<f32>()).min(MOST_LANES);
        let turn = |(panel, x): (&mut [f32], &[f32])| {
            for (lane, token) in x.chunks_exact(d_in).enumerate() {
                panel[lane..].iter_mut().step_by(lanes).zip(token).for_each(|(to, from)| *to = *from);
            }
        };
        values[start..][..len].par_chunks_mut(panel).zip(x.par_chunks(panel)).for_each(turn);
        values.truncate(start + len);
        Self { values, start }
    }
}

/// How many numbers a register holds.
struct Lanes;

impl WithSimd for Lanes {
    type Output = usize;

    fn with_simd<S: Simd>(self, _: S) -> usize {
        S::F32_LANES
    }
}

/// Some columns of the result, from the output `first` on, for many tokens.
struct Many<'a> {
    panels: &'a [f32],
    rows: Rows<'a>,
    first: usize,
    out: MatMut<'a, f32>,
}

impl WithSimd for Many<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let panel = self.rows.d_in * S::F32_LANES;
        for (group, panels) in self.panels.chunks(TOGETHER * panel).enumerate() {
            let token = group * TOGETHER * S::F32_LANES;
            match (panels.len() == panel, S::REGISTER_COUNT < 32) {
                (true, _) => self.tiles::<S, 1, OUTPUTS>(simd, panels, token),
                (false, true) => self.tiles::<S, TOGETHER, { OUTPUTS / 2 }>(simd, panels, token),
                (false, false) => self.tiles::<S, TOGETHER, OUTPUTS>(simd, panels, token),
            }
        }
    }
}

impl Many<'_> {
    /// All columns for the tokens of `P` panels, `token` being the first.
    #[inline(always)]
    fn tiles<S: Simd, const P: usize, const C: usize>(&mut self, simd: S, panels: &[f32], token: usize) {
        let (d_in, lanes) = (self.rows.d_in, S::F32_LANES);
        let (tokens, columns) = (self.out.nrows().min(token + P * lanes), self.out.ncols());
        let panels: [&[f32]; P] = from_fn(|p| &panels[p * d_in * lanes..][..d_in * lanes]);
        for column in (0..columns).step_by(C) {
            let (weights, start) = self.rows.outputs::<C>(self.first + column, self.first + columns);
            let sums = tile::<S, P, C>(simd, panels, weights, start);
            for token in token..tokens {
                let (panel, lane) = ((token / lanes) % P, token % lanes);
                let row = self.out.rb_mut().row_mut(token).subcols_mut(column, C.min(columns - column));
                for (to, sums) in row.iter_mut().zip(&sums) {
                    *to = sums[panel][lane];
                }
            }
        }
    }
}

/// The most lanes that a register has.
const MOST_LANES: usize = 16;

/// `start + w . x` for `C` outputs and the tokens of `P` panels.
#[inline(always)]
fn tile<S: Simd, const P: usize, const C: usize>(
    simd: S,
    panels: [&[f32]; P],
    weights: [&[f32]; C],
    start: [f32; C],
) -> [[[f32; MOST_LANES]; P]; C] {
    let d_in = weights[0].len();
    let panels: [&[S::f32s]; P] = from_fn(|p| &S::as_simd_f32s(panels[p]).0[..d_in]);
    let weights: [&[f32]; C] = from_fn(|c| &weights[c][..d_in]);
    let mut sums: [[S::f32s; P]; C] = from_fn(|c| [simd.splat_f32s(start[c]); P]);
    for i in 0..d_in {
        let mut x = [simd.splat_f32s(0.0); P];
        x.iter_mut().zip(&panels).for_each(|(x, panel)| *x = panel[i]);
        for (sums, weights) in sums.iter_mut().zip(&weights) {
            let w = simd.splat_f32s(weights[i]);
            for (sum, x) in sums.iter_mut().zip(x) {
                *sum = simd.mul_add_e_f32s(x, w, *sum);
            }
        }
    }
    let mut out = [[[0.0; MOST_LANES]; P]; C];
    for (out, sum) in out.as_flattened_mut().iter_mut().zip(sums.as_flattened()) {
        S::as_mut_simd_f32s(out).0[0] = *sum;
    }
    out
}

/// Some columns of the result, from the output `first` on, for few tokens.
struct Few<'a> {
    x: &'a [f32],
    rows: Rows<'a>,
    first: usize,
    out: MatMut<'a, f32>,
}

/// Outputs whose weights are read side by side.
const SIDE_BY_SIDE: usize = 4;

impl WithSimd for Few<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let columns = self.out.ncols();
        for column in (0..columns).step_by(SIDE_BY_SIDE) {
            let (weights, start) = self.rows.outputs::<SIDE_BY_SIDE>(self.first + column, self.first + columns);
            for (token, x) in self.x.chunks_exact(self.rows.d_in).enumerate() {
                let sums = dots(simd, x, weights, start);
                let row = self.out.rb_mut().row_mut(token).subcols_mut(column, SIDE_BY_SIDE.min(columns - column));
                row.iter_mut().zip(sums).for_each(|(to, sum)| *to = sum);
            }
        }
    }
}

/// `start + w . x` for `C` outputs and one token.
#[inline(always)]
fn dots<S: Simd, const C: usize>(simd: S, x: &[f32], weights: [&[f32]; C], start: [f32; C]) -> [f32; C] {
    let (x, x_rest) = S::as_simd_f32s(x);
    let mut sums = [simd.splat_f32s(0.0); C];
    let mut out = start;
    let weights: [(&[S::f32s], &[f32]); C] = from_fn(|c| S::as_simd_f32s(weights[c]));
    let whole: [&[S::f32s]; C] = from_fn(|c| &weights[c].0[..x.len()]);
    for (i, &x) in x.iter().enumerate() {
        for (sum, weights) in sums.iter_mut().zip(&whole) {
            *sum = simd.mul_add_e_f32s(x, weights[i], *sum);
        }
    }
    for (out, (sum, (_, rest))) in out.iter_mut().zip(sums.into_iter().zip(weights)) {
        let rest: f32 = x_rest.iter().zip(rest).map(|(x, w)| x * w).sum();
        *out += simd.reduce_sum_f32s(sum) + rest;
    }
    out
}
