//! Tensors that GGUF stores in another order than the model's own files do.

/// How a tensor's values are ordered in a GGUF file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// As in the model's own files.
    AsIs,
    /// Rows of queries or keys, with the two halves that rotary embedding turns together put side by side in each head.
    RotaryPairs {
        /// Whether there are as many heads as keys have.
        of_keys: bool,
    },
    /// `[out, in]`, where GPT-2's `Conv1D` keeps `[in, out]`.
    Transposed,
}

impl Layout {
    /// The shape in the model's own files, from the shape in GGUF.
    pub(super) fn shape(self, shape: &[usize]) -> Vec<usize> {
        match (self, shape) {
            (Self::Transposed, &[out, inn]) => vec![inn, out],
            _ => shape.to_vec(),
        }
    }

    /// The values in the order of the model's own files. `shape` is that in GGUF, whose first axis holds `n_heads`
    /// heads; nothing where it does not.
    pub(super) fn restore(self, values: Vec<f32>, shape: &[usize], n_heads: usize) -> Option<Vec<f32>> {
        Some(match (self, shape) {
            (Self::Transposed, &[out, inn]) => {
                let mut own = vec![0.0; values.len()];
                for (o, row) in values.chunks_exact(inn.max(1)).enumerate() {
                    own.iter_mut().skip(o).step_by(out.max(1)).zip(row).for_each(|(own, &value)| *own = value);
                }
                own
            }
            (Self::RotaryPairs { .. }, [rows, rest @ ..]) => {
                let pairs = n_heads.checked_mul(2).filter(|pairs| rows.is_multiple_of(*pairs))?;
                let (half, width) = (rows.checked_div(pairs)?, rest.iter().product::<usize>());
                let mut own = Vec::with_capacity(values.len());
                for head in values.chunks_exact((2 * half * width).max(1)) {
                    for part in 0..2 {
                        head.chunks_exact(width.max(1))
                            .skip(part)
                            .step_by(2)
                            .for_each(|row| own.extend_from_slice(row));
                    }
                }
                own
            }
            _ => values,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// llama.cpp's `permute`: `[head, 2, half, width]` to `[head, half, 2, width]`.
    fn permute(own: &[f32], n_heads: usize, half: usize, width: usize) -> Vec<f32> {
        let mut stored = Vec::new();
        for head in 0..n_heads {
            for (pair, part) in (0..half).flat_map(|pair| [(pair, 0), (pair, 1)]) {
                let row = (head * 2 + part) * half + pair;
                stored.extend_from_slice(&own[row * width..(row + 1) * width]);
            }
        }
        stored
    }

    #[test]
    fn rotary_pairs_are_taken_apart_in_each_head() {
        let own: Vec<f32> = (0..3 * 8 * 5).map(|v| v as f32).collect();
        for (n_heads, half, width) in [(3, 4, 5), (1, 12, 5), (6, 2, 5), (3, 20, 1)] {
            let stored = permute(&own, n_heads, half, width);
            let shape = if width == 1 { vec![n_heads * half * 2] } else { vec![n_heads * half * 2, width] };
            assert_eq!(Layout::RotaryPairs { of_keys: false }.restore(stored, &shape, n_heads).unwrap(), own);
        }
    }

    #[test]
    fn rows_that_are_no_whole_heads_are_refused() {
        for n_heads in [0, 4, 5] {
            assert_eq!(Layout::RotaryPairs { of_keys: false }.restore(vec![0.0; 6], &[6], n_heads), None);
        }
    }

    #[test]
    fn a_transposed_matrix_is_turned_back() {
        let layout = Layout::Transposed;
        assert_eq!(layout.restore(vec![1., 2., 3., 4., 5., 6.], &[2, 3], 1).unwrap(), [1., 4., 2., 5., 3., 6.]);
        assert_eq!((layout.shape(&[2, 3]), layout.shape(&[7])), (vec![3, 2], vec![7]));
    }
}
