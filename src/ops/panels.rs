//! The transposed inputs of a product: each register of [`super::product`] holds one input of several tokens.

use super::rows::LANES;
use rayon::prelude::*;

/// One input of [`LANES`] tokens, padded with 0 if there are fewer tokens.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct Line(pub(super) [f32; LANES]);

/// All inputs of the first [`LANES`] tokens, one after the other, then those of the next.
pub(super) struct Panels {
    lines: Vec<Line>,
    d_in: usize,
    /// `d_in` rounded up to whole blocks.
    width: usize,
}

/// The blocks of one task.
const TASK: usize = 64;

impl Panels {
    /// Transposes `x`, which holds `d_in` numbers for each token.
    pub(super) fn new(x: &[f32], d_in: usize) -> Self {
        let (tokens, blocks) = (x.len() / d_in, d_in.div_ceil(LANES));
        let block = |at: usize| block(x, d_in, (at / blocks) * LANES, (at % blocks) * LANES);
        let all = (0..tokens.div_ceil(LANES) * blocks).into_par_iter().with_min_len(TASK);
        let lines = all.map(block).collect::<Vec<_>>().into_flattened();
        Self { lines, d_in, width: blocks * LANES }
    }

    /// All inputs of the tokens from `LANES * panel` on.
    #[inline(always)]
    pub(super) fn panel(&self, panel: usize) -> &[Line] {
        &self.lines[panel * self.width..][..self.d_in]
    }
}

/// Transposes [`LANES`] inputs of [`LANES`] tokens.
fn block(x: &[f32], d_in: usize, token: usize, input: usize) -> [Line; LANES] {
    let mut rows = [[0.0; LANES]; LANES];
    let inputs = LANES.min(d_in - input);
    for (row, x) in rows.iter_mut().zip(x.chunks_exact(d_in).skip(token)) {
        match x[input..].first_chunk() {
            Some(whole) => *row = *whole,
            None => row[..inputs].copy_from_slice(&x[input..]),
        }
    }
    let mut lines = [Line([0.0; LANES]); LANES];
    for (input, line) in lines.iter_mut().enumerate() {
        for (to, row) in line.0.iter_mut().zip(&rows) {
            *to = row[input];
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panel_holds_each_input_of_sixteen_tokens_and_zeros_where_there_are_none() {
        for (tokens, d_in) in [(1, 1), (16, 16), (17, 19), (40, 33)] {
            let x: Vec<f32> = (1..=tokens * d_in).map(|i| i as f32).collect();
            let panels = Panels::new(&x, d_in);
            for at in 0..tokens.next_multiple_of(LANES) {
                let of_token: Vec<f32> = panels.panel(at / LANES).iter().map(|line| line.0[at % LANES]).collect();
                let expected = x.chunks(d_in).nth(at).map_or(vec![0.0; d_in], <[f32]>::to_vec);
                assert_eq!(of_token, expected, "token {at} of {tokens}, {d_in} inputs");
            }
        }
    }
}
