//! The product of a linear layer (`src/ops/product.rs`) compared with those of faer and candle (the gemm crate), on the
//! shapes of models that this crate opens. All three multiply tokens of `d_in` numbers by a weight stored output by
//! output, as PyTorch's `Linear` does. They run in turn, and the least time of each is compared. As in a forward pass, no
//! weight is used again before 256 MB of other weights; those of a small model all fit in the cache.
//!
//!     cargo bench --bench product [-- seconds per shape, 3 by default]
//!
//! The table has the time of the faster of the other two divided by ours: geometric means over the shapes of a row, in
//! each of three runs of one second per shape. They ran on an Intel Xeon with AVX-512 and 2 threads, with other programs
//! running too, so a value varies by up to a third between runs. No other processor was measured.
//!
//! | tokens | 1 | 8 | 15 | 64 | 256 |
//! | --- | --- | --- | --- | --- | --- |
//! | SmolLM2 and GPT-2 | 1.24 1.25 1.60 | 1.25 1.36 1.39 | 1.46 1.45 1.48 | 1.44 1.24 1.40 | 1.11 0.94 1.22 |
//! | small model | 0.76 0.71 0.68 | 1.71 1.71 1.73 | 2.01 1.74 1.78 | 1.15 1.01 1.05 | 0.76 0.66 0.71 |
//!
//! The product is made for prompts of 8 to 64 tokens. On average these gain a quarter to a half, most of it in the
//! unembedding (1.5 to 2.8 times). At 256 tokens there is little or no gain. On a small model, single tokens and long
//! texts lose a quarter to a third, which is a few microseconds. The mean at one token depends mostly on the narrowest
//! shape, where faer is slow.

#[path = "../../src/ops/panels.rs"]
#[allow(dead_code, unused_imports)]
mod panels;
#[path = "../../src/ops/product.rs"]
#[allow(dead_code, unused_imports)]
mod product;
#[path = "../../src/ops/rows.rs"]
#[allow(dead_code, unused_imports)]
mod rows;

use candle_core::{Device, Result, Tensor};
use faer::{Accum, MatMut, MatRef, Par, linalg::matmul::matmul};
use product::{Rows, product};
use std::{hint::black_box, time::Instant};

/// Tokens, `d_in`, `d_out`: of SmolLM2-135M (attention, MLP in and out, unembedding), GPT-2 small, and a small model.
const SHAPES: [(&str, usize, usize); 9] = [
    ("SmolLM2 q, o", 576, 576),
    ("SmolLM2 k, v", 576, 192),
    ("SmolLM2 mlp in", 576, 1536),
    ("SmolLM2 mlp out", 1536, 576),
    ("SmolLM2 unembed", 576, 49_152),
    ("GPT-2 mlp in", 768, 3072),
    ("GPT-2 mlp out", 3072, 768),
    ("small", 64, 64),
    ("small mlp", 64, 256),
];
const TOKENS: [usize; 5] = [1, 8, 15, 64, 256];

/// Numbers in the weights that are used in turn: 256 MB of them.
const IN_TURN: usize = 64 << 20;

fn main() -> Result<()> {
    let seconds = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(3.0);
    println!("microseconds, {} threads", rayon::current_num_threads());
    println!("{:<16} {:>6} {:>9} {:>9} {:>9}   best other / ours", "", "tokens", "ours", "faer", "candle");
    let (mut all, mut count) = (0.0, 0);
    for (name, d_in, d_out) in SHAPES {
        let copies = if name.starts_with("small") { 4 } else { IN_TURN.div_ceil(d_in * d_out) };
        let weights: Vec<Vec<f32>> = (0..copies).map(|copy| numbers(d_in * d_out, copy)).collect();
        let turned = |weight: &Vec<f32>| Tensor::from_slice(weight, (d_out, d_in), &Device::Cpu)?.t();
        let tensors = weights.iter().map(turned).collect::<Result<Vec<_>>>()?;
        for tokens in TOKENS.into_iter().filter(|tokens| tokens * d_out < IN_TURN / 8) {
            let x = numbers(tokens * d_in, 1);
            let tensor = Tensor::from_slice(&x, (tokens, d_in), &Device::Cpu)?;
            let ours = |at: usize| product(&x, Rows { weight: &weights[at], stride: d_in, d_in, bias: None }, d_out);
            let faer = |at: usize| by_faer(&x, &weights[at], d_in, d_out);
            let candle = |at: usize| tensor.matmul(&tensors[at]);
            same(&ours(0)?, &faer(0), &candle(0)?)?;
            let mut least = [f64::INFINITY; 3];
            let (start, mut round) = (Instant::now(), 0);
            while round < 5 || start.elapsed().as_secs_f64() < seconds {
                // The three take turns at being first.
                for turn in 0..3 {
                    let (who, at) = ((turn + round) % 3, (3 * round + turn) % copies);
                    let start = Instant::now();
                    match who {
                        0 => drop(black_box(ours(at)?)),
                        1 => drop(black_box(faer(at))),
                        _ => drop(black_box(candle(at)?)),
                    }
                    least[who] = least[who].min(start.elapsed().as_secs_f64() * 1e6);
                }
                round += 1;
            }
            let [ours, faer, candle] = least;
            let ratio = faer.min(candle) / ours;
            (all, count) = (all + ratio.ln(), count + 1);
            println!("{name:<16} {tokens:>6} {ours:>9.1} {faer:>9.1} {candle:>9.1}   {ratio:.2}");
        }
    }
    println!("geometric mean {:.2}", (all / f64::from(count)).exp());
    Ok(())
}

/// Small numbers without a pattern.
fn numbers(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|at| ((at * 7919 + seed * 104_729) % 1021) as f32 / 1021.0 - 0.5).collect()
}

fn by_faer(x: &[f32], weight: &[f32], d_in: usize, d_out: usize) -> Vec<f32> {
    let tokens = x.len() / d_in;
    let mut out = vec![0.0; tokens * d_out];
    let into = MatMut::from_row_major_slice_mut(&mut out, tokens, d_out);
    let (x, weight) =
        (MatRef::from_row_major_slice(x, tokens, d_in), MatRef::from_column_major_slice(weight, d_in, d_out));
    matmul(into, Accum::Replace, x, weight, 1.0, Par::rayon(0));
    out
}

fn same(ours: &[f32], faer: &[f32], candle: &Tensor) -> Result<()> {
    let candle = candle.flatten_all()?.to_vec1::<f32>()?;
    let near = |a: f32, b: f32| (a - b).abs() < 1e-2;
    assert!(ours.iter().zip(faer).zip(&candle).all(|((&ours, &faer), &candle)| near(ours, faer) && near(ours, candle)));
    Ok(())
}
