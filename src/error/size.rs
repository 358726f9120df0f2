//! Sizes given as arguments, held against what can be meant before anything is made of them.

use super::Error;

/// A size that is too large to be meant.
#[derive(thiserror::Error, Debug)]
#[error("{got} {what} are more than can be held; ask for at most {most}")]
pub(crate) struct SizeError {
    what: &'static str,
    got: usize,
    most: usize,
}

/// An error where more is asked for than can be held.
pub(crate) fn at_most(what: &'static str, got: usize, most: usize) -> Result<(), Error> {
    if got > most { Err(SizeError { what, got, most }.into()) } else { Ok(()) }
}

/// How many there are of several things together; the largest number where that is larger still.
pub(crate) fn together(sizes: impl IntoIterator<Item = usize>) -> usize {
    sizes.into_iter().fold(1, usize::saturating_mul)
}
