//! Loops over rows of numbers, in parallel and compiled for the widest registers of the machine.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// The least numbers of a task that is worth a thread.
const TASK: usize = 16_384;

/// The number of rows of this width in a task.
fn rows_per_task(width: usize) -> usize {
    (TASK / width.max(1)).max(1)
}

/// A vector of `len` numbers computed row by row with `f(row index, row)`; each row starts as 0. An `f` that is
/// `#[inline(always)]` uses the widest registers.
pub(super) fn rows(len: usize, width: usize, f: impl Fn(usize, &mut [f32]) + Sync) -> Vec<f32> {
    let mut out = zeros(len);
    let width = width.max(1);
    let rows = rows_per_task(width);
    let task = |(task, chunk): (usize, &mut [f32])| {
        widest(
            #[inline(always)]
            || {
                for (offset, row) in chunk.chunks_mut(width).enumerate() {
                    f(task * rows + offset, row);
                }
            },
        );
    };
    match len <= rows * width {
        true => task((0, &mut out)),
        false => out.par_chunks_mut(rows * width).enumerate().for_each(task),
    }
    out
}

/// The numbers that elementwise operations treat as a row.
const BLOCK: usize = 4096;

/// `f` of every number, computed as in [`rows`].
#[inline(always)]
pub(super) fn each(x: &[f32], f: impl Fn(f32) -> f32 + Sync) -> Vec<f32> {
    rows(
        x.len(),
        BLOCK,
        #[inline(always)]
        |block, out| {
            for (out, &x) in out.iter_mut().zip(&x[block * BLOCK..]) {
                *out = f(x);
            }
        },
    )
}

/// `f` of every pair of numbers of two slices of equal length, computed as in [`rows`].
#[inline(always)]
pub(super) fn each_pair(a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> f32 + Sync) -> Vec<f32> {
    rows(
        a.len(),
        BLOCK,
        #[inline(always)]
        |block, out| {
            for ((out, &a), &b) in out.iter_mut().zip(&a[block * BLOCK..]).zip(&b[block * BLOCK..]) {
                *out = f(a, b);
            }
        },
    )
}

/// One number for each row, `f(row)`, computed as in [`rows`].
pub(super) fn each_row(x: &[f32], width: usize, f: impl Fn(&[f32]) -> f32 + Sync) -> Vec<f32> {
    let width = width.max(1);
    let row = |row: &[f32]| {
        widest(
            #[inline(always)]
            || f(row),
        )
    };
    x.par_chunks(width).with_min_len(rows_per_task(width)).map(row).collect()
}

/// `len` zeros, written by all threads, because clearing memory takes as long as an addition.
pub(super) fn zeros(len: usize) -> Vec<f32> {
    if len <= TASK {
        return vec![0.0; len];
    }
    let blocks = (0..len.div_ceil(BLOCK)).into_par_iter().with_min_len(TASK / BLOCK);
    let mut zeros = blocks.map(|_| [0.0; BLOCK]).collect::<Vec<_>>().into_flattened();
    zeros.truncate(len);
    zeros
}

/// Calls the version compiled for the widest registers, which requires that `f` is inlined here. (pulp calls a closure
/// by value, which the compiler does not inline.)
fn widest<R>(f: impl FnMut() -> R) -> R {
    Arch::new().dispatch(Widest(f))
}

struct Widest<F>(F);

impl<R, F: FnMut() -> R> WithSimd for Widest<F> {
    type Output = R;

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, _: S) -> R {
        (self.0)()
    }
}

/// The numbers in the widest register, and in a cache line.
pub(super) const LANES: usize = 16;

/// Folds the numbers `at(0)` to `at(len - 1)` in parallel lanes, which also round less than a single sum.
#[inline(always)]
fn fold(len: usize, start: f32, at: impl Fn(usize) -> f32, join: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [start; LANES];
    for block in 0..len / LANES {
        for (lane, value) in lanes.iter_mut().enumerate() {
            *value = join(*value, at(block * LANES + lane));
        }
    }
    for (lane, index) in (len - len % LANES..len).enumerate() {
        lanes[lane] = join(lanes[lane], at(index));
    }
    lanes.into_iter().fold(start, join)
}

/// The sum of `f` of every number.
#[inline(always)]
pub(super) fn sum(x: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    fold(x.len(), 0.0, |index| f(x[index]), |a, b| a + b)
}

/// The sum of the products.
#[inline(always)]
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let b = &b[..a.len()];
    fold(a.len(), 0.0, |index| a[index] * b[index], |a, b| a + b)
}

/// The largest number, or -inf if there are none; NaN is ignored.
#[inline(always)]
pub(super) fn max(x: &[f32]) -> f32 {
    fold(x.len(), f32::NEG_INFINITY, |index| x[index], |a, b| if b > a { b } else { a })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_look_at_every_number_of_any_length() {
        for len in [0, 1, 15, 16, 17, 50] {
            let x: Vec<f32> = (0..len).map(|i| (i as f32 - 20.0).abs()).collect();
            assert_eq!(sum(&x, |x| x), x.iter().sum::<f32>(), "{len}");
            assert_eq!(dot(&x, &x), x.iter().map(|x| x * x).sum::<f32>(), "{len}");
            assert_eq!(max(&x), x.iter().copied().fold(f32::NEG_INFINITY, f32::max), "{len}");
        }
    }

    #[test]
    fn rows_are_made_alike_by_one_task_and_by_many() {
        for (count, width) in [(3, 5), (70, 1000), (2, 40_000), (0, 7)] {
            let out = rows(count * width, width, |row, out| out.fill(row as f32));
            assert_eq!(out.len(), count * width);
            assert!(out.iter().enumerate().all(|(at, &value)| value == (at / width) as f32), "{count} x {width}");
            assert_eq!(each(&out, |x| -x), out.iter().map(|x| -x).collect::<Vec<_>>());
            assert!(each_pair(&out, &out, |a, b| a - b).iter().all(|&difference| difference == 0.0));
            let sums = each_row(&out, width, |row| sum(row, |x| x));
            assert_eq!(sums, (0..count).map(|row| (row * width) as f32).collect::<Vec<_>>());
        }
        assert_eq!(zeros(100_001), vec![0.0; 100_001]);
    }
}
