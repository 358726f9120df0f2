//! Joins the cells of a large matrix into fewer cells that are large enough to see and fast to draw.

use ndarray::{Array2, ArrayView2};

/// How the value of a joined cell follows from its block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Join {
    Mean,
    Largest,
}

impl Join {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Largest => "largest",
        }
    }
}

/// Returns one cell for each block of the given rows and columns, and which blocks hold masked cells only. A block that
/// contains NaN is NaN.
pub(crate) fn joined(
    values: ArrayView2<'_, f32>,
    mask: Option<ArrayView2<'_, bool>>,
    block: (usize, usize),
    join: Join,
) -> (Array2<f32>, Array2<bool>) {
    let (rows, columns) = values.dim();
    let size = (rows.div_ceil(block.0), columns.div_ceil(block.1));
    let start = if join == Join::Mean { 0.0 } else { f64::NEG_INFINITY };
    let (mut sums, mut counts) = (Array2::from_elem(size, start), Array2::<u32>::zeros(size));
    for ((row, column), &value) in values.indexed_iter() {
        if mask.is_some_and(|mask| mask[(row, column)]) {
            continue;
        }
        let at = (row / block.0, column / block.1);
        let sum: &mut f64 = &mut sums[at];
        *sum = match join {
            Join::Largest if !value.is_nan() && !sum.is_nan() => sum.max(f64::from(value)),
            _ => *sum + f64::from(value),
        };
        counts[at] += 1;
    }
    let masked = counts.mapv(|count| count == 0);
    let of_block = |((row, column), &sum): ((usize, usize), &f64)| match join {
        _ if masked[(row, column)] => 0.0,
        Join::Mean => (sum / f64::from(counts[(row, column)])) as f32,
        Join::Largest => sum as f32,
    };
    let values = sums.indexed_iter().map(of_block).collect();
    (Array2::from_shape_vec(size, values).unwrap_or_default(), masked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn a_block_is_the_mean_of_what_is_not_masked_and_nan_where_one_is() {
        let values = array![[1.0, 2.0, 9.0], [3.0, 6.0, f32::NAN], [5.0, 7.0, 0.0]];
        let mask = array![[false, false, true], [false, true, false], [false, false, true]];
        let (mean, masked) = joined(values.view(), Some(mask.view()), (2, 2), Join::Mean);
        assert_eq!((mean[(0, 0)], mean[(1, 0)]), (2.0, 6.0));
        assert!(mean[(0, 1)].is_nan());
        assert_eq!(masked, array![[false, false], [false, true]]);
        let (largest, _) = joined(values.view(), None, (2, 2), Join::Largest);
        assert_eq!((largest[(0, 0)], largest[(1, 1)]), (6.0, 0.0));
        assert!(largest[(0, 1)].is_nan());
    }
}
