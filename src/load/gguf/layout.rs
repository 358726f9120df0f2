//! Tensors whose values GGUF stores in another order than the model's own files.

/// How a tensor's values are stored in a GGUF file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// As in the model's own files.
    AsIs,
    /// Rows of queries or keys in which the two dimensions that rotary embedding rotates together are adjacent.
    RotaryPairs {
        /// Whether the number of heads is that of the keys.
        of_keys: bool,
    },
    /// `[out, in]`; GPT-2's `Conv1D` stores `[in, out]`.
    Transposed,
    /// The rows of all queries, then all keys, then all values. The model groups them by key head instead: queries,
    /// key, value; queries, key, value.
    QueriesFirst,
    /// With 1 added, for a norm that multiplies by 1 + its weight (Gemma).
    PlusOne,
    /// One row; GGUF has no axis for rows here.
    Row,
}

/// The numbers of query heads and of key heads.
#[derive(Clone, Copy)]
pub(super) struct Heads {
    pub(super) queries: usize,
    pub(super) keys: usize,
}

impl Layout {
    /// The shape in the model's own files, computed from the shape in GGUF.
    pub(super) fn shape(self, shape: &[usize]) -> Vec<usize> {
        match (self, shape) {
            (Self::Transposed, &[out, inn]) => vec![inn, out],
            (Self::Row, &[inn]) => vec![1, inn],
            _ => shape.to_vec(),
        }
    }

    /// The values in the order of the model's own files. `shape` is the shape in GGUF. `None` if its first axis does
    /// not divide into heads.
    pub(super) fn restore(self, values: Vec<f32>, shape: &[usize], heads: Heads) -> Option<Vec<f32>> {
        if values.is_empty() {
            return Some(values);
        }
        let rows = shape.first().copied().unwrap_or(1);
        let width = values.len().checked_div(rows).unwrap_or(1).max(1);
        Some(match self {
            Self::AsIs | Self::Row => values,
            Self::PlusOne => values.into_iter().map(|value| value - 1.0).collect(),
            Self::Transposed if shape.len() == 2 => gather(&values, 1, transposed(rows, width)),
            Self::Transposed => values,
            Self::RotaryPairs { of_keys } => {
                let n_heads = if of_keys { heads.keys } else { heads.queries };
                let half = whole(rows, n_heads.checked_mul(2)?)?;
                gather(&values, width, (0..rows).map(|row| unpaired(row, half)))
            }
            Self::QueriesFirst => {
                let d_head = whole(rows, heads.keys.checked_mul(2)?.checked_add(heads.queries)?)?;
                let group = whole(heads.queries, heads.keys)?;
                let row = |row| regrouped(row / d_head, group, heads) * d_head + row % d_head;
                gather(&values, width, (0..rows).map(row))
            }
        })
    }
}

/// `rows / parts` if that is an integer of at least 1.
fn whole(rows: usize, parts: usize) -> Option<usize> {
    rows.checked_div(parts).filter(|&each| each > 0 && each * parts == rows)
}

/// The rows in the given order.
fn gather(values: &[f32], width: usize, order: impl Iterator<Item = usize>) -> Vec<f32> {
    order.filter_map(|row| values.get(row * width..(row + 1) * width)).flatten().copied().collect()
}

/// The index in a matrix of `rows` by `columns` of each value of its transpose.
fn transposed(rows: usize, columns: usize) -> impl Iterator<Item = usize> {
    (0..rows * columns).map(move |at| at % rows * columns + at / rows)
}

/// GGUF's index of a row of the model: `[head, half, part]` for `[head, part, half]`.
fn unpaired(row: usize, half: usize) -> usize {
    let (head, part, at) = (row / (2 * half), row / half % 2, row % half);
    (head * half + at) * 2 + part
}

/// GGUF's index of a head of the model, with the groups of queries, key and value separated.
fn regrouped(head: usize, group: usize, heads: Heads) -> usize {
    let (at, place) = (head / (group + 2), head % (group + 2));
    match place.checked_sub(group) {
        None => at * group + place,
        Some(0) => heads.queries + at,
        Some(_) => heads.queries + heads.keys + at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counting(count: usize) -> Vec<f32> {
        (0..count).map(|v| v as f32).collect()
    }

    fn heads(queries: usize, keys: usize) -> Heads {
        Heads { queries, keys }
    }

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
        let own = counting(3 * 8 * 5);
        for (n_heads, half, width) in [(3, 4, 5), (1, 12, 5), (6, 2, 5), (3, 20, 1)] {
            let stored = permute(&own, n_heads, half, width);
            let shape = if width == 1 { vec![n_heads * half * 2] } else { vec![n_heads * half * 2, width] };
            for (of_keys, heads) in [(false, heads(n_heads, 0)), (true, heads(0, n_heads))] {
                let layout = Layout::RotaryPairs { of_keys };
                assert_eq!(layout.restore(stored.clone(), &shape, heads).unwrap(), own);
            }
        }
    }

    #[test]
    fn rows_that_are_no_whole_heads_are_refused() {
        for n_heads in [0, 4, 5] {
            let layout = Layout::RotaryPairs { of_keys: false };
            assert_eq!(layout.restore(vec![0.0; 6], &[6], heads(n_heads, 1)), None);
        }
        for (queries, keys) in [(0, 0), (1, 0), (3, 2), (4, 2)] {
            assert_eq!(Layout::QueriesFirst.restore(vec![0.0; 6], &[6], heads(queries, keys)), None);
        }
    }

    #[test]
    fn queries_are_put_back_with_the_key_they_read() {
        let stored = vec![0., 1., 2., 3., 10., 11., 20., 21.];
        let own = [0., 1., 10., 20., 2., 3., 11., 21.];
        assert_eq!(Layout::QueriesFirst.restore(stored, &[8], heads(4, 2)).unwrap(), own);
        let (rows, of_one_key) = (counting(2 * 5 * 3), heads(3, 1));
        assert_eq!(Layout::QueriesFirst.restore(rows.clone(), &[10, 3], of_one_key).unwrap(), rows);
        let halves = Layout::QueriesFirst.restore(counting(12), &[12], heads(2, 2)).unwrap();
        assert_eq!(halves, [0., 1., 4., 5., 8., 9., 2., 3., 6., 7., 10., 11.]);
    }

    #[test]
    fn a_transposed_matrix_is_turned_back() {
        let layout = Layout::Transposed;
        assert_eq!(
            layout.restore(vec![1., 2., 3., 4., 5., 6.], &[2, 3], heads(1, 1)).unwrap(),
            [1., 4., 2., 5., 3., 6.]
        );
        assert_eq!(layout.restore(vec![1., 2.], &[2], heads(1, 1)).unwrap(), [1., 2.]);
        assert_eq!((layout.shape(&[2, 3]), layout.shape(&[7])), (vec![3, 2], vec![7]));
    }

    #[test]
    fn one_is_taken_from_what_has_one_added() {
        assert_eq!(Layout::PlusOne.restore(vec![1., 0.5], &[2], heads(1, 1)).unwrap(), [0., -0.5]);
        assert_eq!(Layout::Row.shape(&[3]), [1, 3]);
    }
}
