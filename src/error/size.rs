//! Limits on sizes given as arguments, checked before anything is allocated.

use super::Error;

/// A size beyond any reasonable use.
#[derive(thiserror::Error, Debug)]
#[error("{got} {what} are too many; ask for at most {most}")]
pub(crate) struct SizeError {
    what: &'static str,
    got: usize,
    most: usize,
}

/// Returns an error if a size exceeds its limit.
pub(crate) fn at_most(what: &'static str, got: usize, most: usize) -> Result<(), Error> {
    if got > most { Err(SizeError { what, got, most }.into()) } else { Ok(()) }
}

/// The product of several sizes, or the largest number if it overflows.
pub(crate) fn together(sizes: impl IntoIterator<Item = usize>) -> usize {
    sizes.into_iter().fold(1, usize::saturating_mul)
}
