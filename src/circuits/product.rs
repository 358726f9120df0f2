//! Products of stacks of matrices, without copying the ones that are shared.

use crate::{Result, error::CircuitsError, ops};
use candle_core::Tensor;

/// Returns the product of two stacks of matrices whose leading axes are equal, 1 or absent.
///
/// A matrix without leading axes is not copied for each matrix of the other stack, whatever its memory layout. A tied
/// unembedding may be as large as the rest of the model.
///
/// # Shapes
/// `a`: `[.., l, m]`, `b`: `[.., m, r]`, result: `[.., l, r]`.
pub(super) fn product(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    match (a.rank(), b.rank()) {
        (_, 2) => Ok(ops::linear(a, b, None)?),
        (2, _) => Ok(ops::linear(&turned(b)?, &a.t()?, None)?.transpose(b.rank() - 2, b.rank() - 1)?),
        _ => {
            let misfit = || CircuitsError::Factors { a: a.dims().to_vec(), b: b.dims().to_vec() };
            let ([lead_a @ .., l, m], [lead_b @ .., _, r]) = (a.dims(), b.dims()) else { return Err(misfit().into()) };
            let leading = shared(lead_a, lead_b).ok_or_else(misfit)?;
            let over = |last: &[usize]| [&leading[..], last].concat();
            let a = a.broadcast_as(over(&[*l, *m]))?.reshape(((), *l, *m))?;
            let b = b.broadcast_as(over(&[*m, *r]))?.reshape(((), *m, *r))?;
            Ok(a.matmul(&b)?.reshape(over(&[*l, *r]))?)
        }
    }
}

/// Returns the leading axes that both broadcast to: equal, or 1 or absent in one of them.
pub(super) fn shared(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let from_right = |axes: &[usize], at: usize| (at + axes.len()).checked_sub(rank).map_or(1, |at| axes[at]);
    (0..rank)
        .map(|at| match (from_right(a, at), from_right(b, at)) {
            (a, b) if a == b || b == 1 => Some(a),
            (1, b) => Some(b),
            _ => None,
        })
        .collect()
}

/// Transposes each matrix of a stack.
pub(super) fn turned(stack: &Tensor) -> Result<Tensor> {
    Ok(stack.transpose(stack.rank() - 2, stack.rank() - 1)?)
}

/// The matrices of a stack, in order.
pub(super) fn matrices(stack: &Tensor) -> Result<Vec<Tensor>> {
    if stack.rank() <= 2 {
        return Ok(vec![stack.clone()]);
    }
    let parts = (0..stack.dim(0)?).map(|index| matrices(&stack.get(index)?));
    Ok(parts.collect::<Result<Vec<_>>>()?.concat())
}
