//! The product of a linear layer whose weight is stored output by output, as PyTorch's `Linear` does.
//!
//! A register holds one input of as many tokens as it has lanes, and each number of the weight multiplies one or two
//! registers. So the weight is read from memory once, in order and in place; only the small `x` is transposed. A
//! general matrix product packs the weight again for each call. A text of a few dozen tokens is bound by memory, so
//! packing would take as long as multiplying.
//!
//! `tests/bench/product.rs` compares it with faer and candle; its table shows what the product gains.

use super::{
    panels::{Line, Panels},
    rows::{LANES, zeros},
};
use candle_core::{Result, bail};
use faer::{ContiguousFwd, MatMut, prelude::ReborrowMut};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;
use std::array::from_fn;

/// The weights of a linear layer: `weight` holds `d_in` numbers for each output, and outputs are `stride` apart.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub(super) weight: &'a [f32],
    pub(super) stride: usize,
    pub(super) d_in: usize,
    pub(super) bias: Option<&'a [f32]>,
}

impl<'a> Rows<'a> {
    /// The weights and biases of the `C` outputs from `first` on. The last output before `end` is repeated if there are
    /// fewer.
    #[inline(always)]
    fn outputs<const C: usize>(&self, first: usize, end: usize) -> ([&'a [f32]; C], [f32; C]) {
        let output = |c: usize| (first + c).min(end - 1);
        let weights = from_fn(|c| &self.weight[output(c) * self.stride..][..self.d_in]);
        (weights, from_fn(|c| self.bias.map_or(0.0, |bias| bias[output(c)])))
    }
}

/// The least multiply-adds of a task that is worth a thread.
const TASK: usize = 1 << 20;

/// With fewer tokens than this, most of a register would be empty. Then a register holds several inputs of one token
/// instead, because reading the weight from memory takes as long as computing that many tokens.
const FEW: usize = 8;

/// The outputs and the registers of tokens that are computed together: as many sums as fit in 32 registers, the number
/// that AVX-512 has. AVX2 has 16 and takes half the outputs.
const OUTPUTS: usize = 12;
const TOGETHER: usize = 2;

/// `x W + b` for tokens of `d_in` numbers each; returns `d_out` numbers for each token.
pub(super) fn product(x: &[f32], rows: Rows, d_out: usize) -> Result<Vec<f32>> {
    product_by(Arch::new(), x, rows, d_out)
}

fn product_by(arch: Arch, x: &[f32], rows: Rows, d_out: usize) -> Result<Vec<f32>> {
    let tokens = x.len() / rows.d_in;
    let mut values = zeros(tokens * d_out);
    let Some(out) = MatMut::from_row_major_slice_mut(&mut values, tokens, d_out).try_as_row_major_mut() else {
        bail!("{tokens} rows of {d_out} numbers are not contiguous")
    };
    let columns = TASK.div_ceil(rows.d_in * tokens.max(FEW)).next_multiple_of(4 * OUTPUTS);
    let tasks = out.par_col_chunks_mut(columns).enumerate();
    if tokens < FEW {
        tasks.for_each(|(task, out)| arch.dispatch(Few { x, rows, first: task * columns, out }));
        return Ok(values);
    }
    let panels = &Panels::new(x, rows.d_in);
    tasks.for_each(|(task, out)| arch.dispatch(Many { panels, rows, first: task * columns, out }));
    Ok(values)
}

/// Some columns of the result.
type Columns<'a> = MatMut<'a, f32, usize, usize, isize, ContiguousFwd>;

/// Computes some columns of the result, from the output `first` on, for many tokens.
struct Many<'a> {
    panels: &'a Panels,
    rows: Rows<'a>,
    first: usize,
    out: Columns<'a>,
}

/// The sums of one output for the tokens of `P` registers.
type Sums<const P: usize> = [[f32; LANES]; P];

impl WithSimd for Many<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let registers = self.out.nrows().div_ceil(S::F32_LANES);
        let (mut one, mut several) = (Vec::new(), Vec::new());
        for register in (0..registers).step_by(TOGETHER) {
            match (register + 1 == registers, S::REGISTER_COUNT < 32) {
                (true, _) => self.tiles::<S, 1, OUTPUTS>(simd, register, &mut one),
                (false, true) => self.tiles::<S, TOGETHER, { OUTPUTS / 2 }>(simd, register, &mut several),
                (false, false) => self.tiles::<S, TOGETHER, OUTPUTS>(simd, register, &mut several),
            }
        }
    }
}

impl Many<'_> {
    /// Computes all columns for the tokens of `P` registers, starting at `register`.
    #[inline(always)]
    fn tiles<S: Simd, const P: usize, const C: usize>(&mut self, simd: S, register: usize, sums: &mut Vec<Sums<P>>) {
        let in_line = LANES / S::F32_LANES;
        let inputs: [Inputs; P] =
            from_fn(|p| Inputs { lines: self.panels.panel((register + p) / in_line), part: (register + p) % in_line });
        let columns = self.out.ncols();
        let tokens = register * S::F32_LANES..self.out.nrows().min((register + P) * S::F32_LANES);
        for token in tokens.clone() {
            let row = self.out.rb_mut().row_mut(token).as_slice_mut();
            (0..columns).step_by(LANES).for_each(|line| prefetch(row, line));
        }
        sums.clear();
        for column in (0..columns).step_by(C) {
            let output = self.first + column;
            let (weights, start) = self.rows.outputs::<C>(output, self.first + columns);
            // The first tokens load the weights into the cache for the others.
            let next = if register == 0 { output + C } else { output };
            let next = &self.rows.weight[(next * self.rows.stride).min(self.rows.weight.len())..];
            sums.extend(tile::<S, P, C>(simd, inputs, weights, start, next));
        }
        // Row by row, because rows are far apart in memory.
        for (at, token) in tokens.enumerate() {
            let (p, lane) = (at / S::F32_LANES, at % S::F32_LANES);
            let row = self.out.rb_mut().row_mut(token).as_slice_mut();
            for (to, sums) in row.iter_mut().zip(sums.iter()) {
                *to = sums[p][lane];
            }
        }
    }
}

/// The inputs of one register: their lines and the part of each line.
#[derive(Clone, Copy)]
struct Inputs<'a> {
    lines: &'a [Line],
    part: usize,
}

/// Loads one input into its register.
#[inline(always)]
fn load<S: Simd>(line: &Line, part: usize) -> S::f32s {
    let registers = S::as_simd_f32s(&line.0).0;
    registers[part % registers.len()]
}

/// The inputs per check of the loop counter, which competes with the multiplications.
const INPUTS: usize = 4;

/// `start + w . x` for `C` outputs and the tokens of `P` registers. It prefetches `next` on the way.
#[inline(always)]
fn tile<S: Simd, const P: usize, const C: usize>(
    simd: S,
    inputs: [Inputs; P],
    weights: [&[f32]; C],
    start: [f32; C],
    next: &[f32],
) -> [Sums<P>; C] {
    let d_in = weights[0].len();
    let weights: [&[f32]; C] = from_fn(|c| &weights[c][..d_in]);
    let inputs = inputs.map(|inputs| Inputs { lines: &inputs.lines[..d_in], ..inputs });
    let whole = d_in / INPUTS;
    let lines: [&[[Line; INPUTS]]; P] = from_fn(|p| &inputs[p].lines.as_chunks().0[..whole]);
    let blocks: [&[[f32; INPUTS]]; C] = from_fn(|c| &weights[c].as_chunks().0[..whole]);
    let mut sums: [[S::f32s; P]; C] = from_fn(|c| [simd.splat_f32s(start[c]); P]);
    for block in 0..whole {
        for i in 0..INPUTS {
            prefetch(next, (block * INPUTS + i) * LANES);
            let mut x = [simd.splat_f32s(0.0); P];
            for p in 0..P {
                x[p] = load::<S>(&lines[p][block][i], inputs[p].part);
            }
            for c in 0..C {
                let w = simd.splat_f32s(blocks[c][block][i]);
                for p in 0..P {
                    sums[c][p] = simd.mul_add_e_f32s(x[p], w, sums[c][p]);
                }
            }
        }
    }
    for i in whole * INPUTS..d_in {
        let mut x = [simd.splat_f32s(0.0); P];
        x.iter_mut().zip(&inputs).for_each(|(x, inputs)| *x = load::<S>(&inputs.lines[i], inputs.part));
        for (sums, weights) in sums.iter_mut().zip(&weights) {
            let w = simd.splat_f32s(weights[i]);
            for (sum, x) in sums.iter_mut().zip(x) {
                *sum = simd.mul_add_e_f32s(x, w, *sum);
            }
        }
    }
    let mut out = [[[0.0; LANES]; P]; C];
    for c in 0..C {
        for p in 0..P {
            S::as_mut_simd_f32s(&mut out[c][p]).0[0] = sums[c][p];
        }
    }
    out
}

/// Prefetches a number that will soon be read or written. Processors do so themselves only along lines that they have
/// already started.
#[inline(always)]
fn prefetch(numbers: &[f32], at: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(sse) = pulp::core_arch::x86::Sse::try_new() {
        sse._mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T1 }>(numbers.as_ptr().wrapping_add(at).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (numbers, at);
}

/// Computes some columns of the result, from the output `first` on, for few tokens.
struct Few<'a> {
    x: &'a [f32],
    rows: Rows<'a>,
    first: usize,
    out: Columns<'a>,
}

/// The outputs whose weights are read side by side.
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
                let row = self.out.rb_mut().row_mut(token).as_slice_mut();
                row[column..].iter_mut().zip(sums).for_each(|(to, sum)| *to = sum);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Integers, so that sums do not depend on the order.
    fn numbers(count: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * 7919) % 13) as f32 - 6.0).collect()
    }

    fn archs() -> Vec<Arch> {
        #[cfg(target_arch = "x86_64")]
        let avx2 = pulp::x86::V3::try_new().map(Arch::V3);
        #[cfg(not(target_arch = "x86_64"))]
        let avx2 = None;
        [Some(Arch::Scalar), avx2, Some(Arch::new())].into_iter().flatten().collect()
    }

    #[test]
    fn every_instruction_set_gives_the_product() {
        let (d_in, stride) = (19, 23);
        for (tokens, outputs) in [(1, 5), (7, 13), (8, 12), (17, 50), (33, 101), (49, 25)] {
            let (x, weight, bias) = (numbers(tokens * d_in), numbers(outputs * stride), numbers(outputs));
            let dot = |token: usize, output: usize| {
                let pairs = x[token * d_in..][..d_in].iter().zip(&weight[output * stride..]);
                bias[output] + pairs.map(|(x, w)| x * w).sum::<f32>()
            };
            let expected: Vec<f32> = (0..tokens * outputs).map(|at| dot(at / outputs, at % outputs)).collect();
            for arch in archs() {
                let rows = Rows { weight: &weight, stride, d_in, bias: Some(&bias) };
                let out = product_by(arch, &x, rows, outputs).unwrap();
                assert_eq!(out, expected, "{tokens} tokens, {outputs} outputs, {arch:?}");
            }
        }
    }
}
