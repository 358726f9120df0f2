//! `tensor.i((0, -1))`: candle's short indexing, with indices that may count from the end.
//!
//! candle's own [`IndexOp`](candle_core::IndexOp) counts from the start only, while -1 is the last everywhere else in
//! this crate. Importing candle's `IndexOp` by name in a cell replaces this one there.

use crate::index::{Counted, ToIndex, from_either_end};
use candle_core::{Error, Result, Tensor};
use std::ops::{Range, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive};

/// Selects a part of a tensor by numbers, which drop their axis, and ranges, which keep it.
/// Negative numbers count from the end. Ranges exclude their end, as in Python: `..-1` is all but the last.
///
/// ```
/// use glassbox::prelude::*;
/// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
/// let pattern = run.cache().get(Site::pattern(1))?; // [batch, head, query, key]
/// assert_eq!(pattern.i((0, 0, -1))?.dims(), [8]);
/// assert_eq!(pattern.i((0, .., 1..-1, ..3))?.dims(), [4, 6, 3]);
/// let last: f32 = run.logits()?.i((0, -1))?.max(0)?.to_scalar()?;
/// assert_eq!(last, run.predictions(-1, 1)?[0].logit);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "a tensor cannot be indexed by this",
    note = "use numbers and ranges, one for each axis from the first on, as in `x.i((0, .., -1))`"
)]
pub trait IndexOp<Parts> {
    /// Returns the selected part.
    ///
    /// # Errors
    /// Fails when an index is out of range, or there are more indices than axes.
    fn i(&self, parts: Parts) -> Result<Tensor>;
}

/// What is selected along one axis.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    from: i64,
    /// The end of a range; `None` for the end of the axis.
    to: Option<i64>,
    /// Whether it is a single index, which drops the axis.
    one: bool,
}

/// What selects along one axis of a tensor: a number or a range.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let x = Model::open("induction-2l")?.weights().w_u()?; // [d_model, d_vocab]
/// assert_eq!(x.i((.., -1))?.dims(), [64]); // a number drops its axis
/// assert_eq!(x.i((..3, 5..7))?.dims(), [3, 2]); // a range keeps it
/// # Ok::<(), glassbox::Error>(())
/// ```
pub trait ToPart {
    /// Returns the selection.
    fn to_part(self) -> Part;
}

impl<T: ToIndex> ToPart for T {
    fn to_part(self) -> Part {
        Part { from: self.to_index(), to: None, one: true }
    }
}

/// Returns the end of a range that includes `last`; `None` (the end of the axis) for -1.
fn after<T: ToIndex>(last: T) -> Option<i64> {
    Some(last.to_index().saturating_add(1)).filter(|&end| end != 0)
}

macro_rules! ranges {
    ($($range:ty: |$given:pat_param| $from:expr, $to:expr;)*) => {$(
        impl<T: ToIndex + Copy> ToPart for $range {
            fn to_part(self) -> Part {
                let $given = self;
                Part { from: $from, to: $to, one: false }
            }
        }
    )*};
}

ranges! {
    Range<T>: |Range { start, end }| start.to_index(), Some(end.to_index());
    RangeFrom<T>: |RangeFrom { start }| start.to_index(), None;
    RangeTo<T>: |RangeTo { end }| 0, Some(end.to_index());
    RangeInclusive<T>: |range| range.start().to_index(), after(*range.end());
    RangeToInclusive<T>: |RangeToInclusive { end }| 0, after(end);
}

impl ToPart for RangeFull {
    fn to_part(self) -> Part {
        Part { from: 0, to: None, one: false }
    }
}

/// Applies all selections, starting at the first axis.
fn taken(tensor: &Tensor, parts: &[Part]) -> Result<Tensor> {
    let mut left = tensor.clone();
    let mut axis = 0;
    for (nth, part) in parts.iter().enumerate() {
        let Some(&len) = tensor.dims().get(nth) else {
            let (given, rank) = (parts.len(), tensor.rank());
            return Err(Error::Msg(format!(
                "{given} axes are asked for, and a tensor of shape {:?} has {rank}",
                tensor.dims()
            )));
        };
        if part.one {
            let all = "this axis of the tensor has places";
            let at = Counted::new("place", all, len).index(part.from).map_err(|error| Error::Msg(error.to_string()))?;
            left = left.narrow(axis, at, 1)?.squeeze(axis)?;
        } else {
            // As in Python, a range that reaches past the axis ends there.
            let bound = |given: i64| {
                if given < 0 { from_either_end(given, len).unwrap_or(0) } else { (given as usize).min(len) }
            };
            let (from, to) = (bound(part.from), part.to.map_or(len, bound));
            left = left.narrow(axis, from, to.saturating_sub(from))?;
            axis += 1;
        }
    }
    Ok(left)
}

impl<A: ToPart> IndexOp<A> for Tensor {
    fn i(&self, parts: A) -> Result<Tensor> {
        taken(self, &[parts.to_part()])
    }
}

macro_rules! tuples {
    ($(($($part:ident)*))*) => {$(
        impl<$($part: ToPart),*> IndexOp<($($part,)*)> for Tensor {
            #[allow(non_snake_case, reason = "a name for each type")]
            fn i(&self, ($($part,)*): ($($part,)*)) -> Result<Tensor> {
                taken(self, &[$($part.to_part()),*])
            }
        }
    )*};
}

tuples! { (A) (A B) (A B C) (A B C D) (A B C D E) }

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    #[allow(clippy::reversed_empty_ranges, reason = "from the second to the last")]
    fn parts_of_a_tensor_are_counted_from_either_end() -> Result<()> {
        let x = Tensor::arange(0f32, 24.0, &Device::Cpu)?.reshape((2, 3, 4))?;
        let whole = |x: Tensor| x.flatten_all()?.to_vec1::<f32>();
        assert_eq!(whole(x.i(-1)?)?, whole(x.get(1)?)?);
        assert_eq!(whole(x.i((1, -1))?)?, [20.0, 21.0, 22.0, 23.0]);
        assert_eq!(whole(x.i((0usize, .., -2i64))?)?, [2.0, 6.0, 10.0]);
        assert_eq!(x.i((.., ..-1, 1..=2))?.dims(), [2, 2, 2]);
        assert_eq!(whole(x.i((0, 0, 1..=-1))?)?, [1.0, 2.0, 3.0]);
        assert_eq!(whole(x.i((0, 0, -2..))?)?, [2.0, 3.0]);
        // Where all numbers count from the start, the result is candle's own.
        let candles = candle_core::IndexOp::i(&x, (1, 1.., 0..2))?;
        assert_eq!(whole(x.i((1, 1.., 0..2))?)?, whole(candles)?);
        assert_eq!(x.i((0, 0, 7..))?.dims(), [0]);
        let beyond = x.i((0, 3)).unwrap_err().to_string();
        assert!(beyond.starts_with("place 3 is out of range: this axis of the tensor has places 0 to 2"), "{beyond}");
        assert!(x.i((0, 0, 0, 0)).unwrap_err().to_string().contains("has 3"));
        Ok(())
    }
}
