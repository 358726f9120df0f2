//! Checks every number that counts along something: layers, heads, positions, texts, token ids.
//!
//! A number given by the caller comes out as a valid index or as one error with the valid range. Every public function
//! that takes an index passes it through here first.

use crate::{Result, error::IndexError};

/// An integer that counts along something: layers, heads, positions, texts. Negative numbers count from the end.
///
/// It can be a literal such as `-1`, an integer variable of any common type, or a reference to one.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
/// let last = run.predictions(-1, 1)?[0].text.clone();
/// assert_eq!(run.predictions(7_usize, 1)?[0].text, last); // <bos> and seven words
/// # Ok::<(), glassbox::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a whole number: a layer, head or position is an integer, such as 3, or -1 for the last",
    note = "give an integer, such as 3, or -1 for the last; give several to the plural method, as in `.heads([0, 3])`"
)]
pub trait ToIndex {
    /// Returns the number.
    fn to_index(self) -> i64;
}

macro_rules! indices {
    ($($number:ty)*) => {$(
        impl ToIndex for $number {
            fn to_index(self) -> i64 {
                // A number too large for an `i64` is out of range anywhere, just as `i64::MAX` is.
                i64::try_from(self).unwrap_or(i64::MAX)
            }
        }
    )*};
}

indices! { i32 i64 usize u32 u64 isize u8 u16 i8 i16 }

impl<T: ToIndex + Copy> ToIndex for &T {
    fn to_index(self) -> i64 {
        (*self).to_index()
    }
}

/// The index that a number means along an axis of this length; negative numbers count from the end. `None` if out of
/// range.
pub(crate) fn from_either_end(given: i64, len: usize) -> Option<usize> {
    match usize::try_from(given) {
        Ok(from_start) => Some(from_start).filter(|&at| at < len),
        Err(_) => usize::try_from(given.unsigned_abs()).ok().and_then(|back| len.checked_sub(back)),
    }
}

/// A sequence of things counted from 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Counted {
    /// The word for one of them.
    one: &'static str,
    /// The beginning of the sentence about their owner: "this model has layers".
    all: &'static str,
    len: usize,
    /// Whether one past the last is allowed, as for the layer where a pass stops.
    end: bool,
}

impl Counted {
    pub(crate) const fn new(one: &'static str, all: &'static str, len: usize) -> Self {
        Self { one, all, len, end: false }
    }

    /// The layers of a model, and one past the last.
    pub(crate) const fn before_layers(n_layers: usize) -> Self {
        Self { end: true, ..Self::new("layer", "a pass of this model starts or stops before a layer from", n_layers) }
    }

    /// The ids of a model's vocabulary.
    pub(crate) const fn ids(d_vocab: usize) -> Self {
        Self::new("token id", "this model's vocabulary has ids", d_vocab)
    }

    pub(crate) const fn layers(n_layers: usize) -> Self {
        Self::new("layer", "this model has layers", n_layers)
    }

    pub(crate) const fn experts(count: usize) -> Self {
        Self::new("expert", "a layer of this model has experts", count)
    }

    /// Checks a number that counts from the start or, if negative, from the end.
    ///
    /// # Errors
    /// When it is out of range.
    pub(crate) fn index(self, given: impl ToIndex) -> Result<usize> {
        let given = given.to_index();
        let at_end = || usize::try_from(given).ok().filter(|&at| self.end && at == self.len);
        from_either_end(given, self.len).or_else(at_end).ok_or_else(|| self.error(given.into(), true))
    }

    /// Checks a number that counts from the start.
    ///
    /// # Errors
    /// When it is out of range.
    pub(crate) fn at(self, given: usize) -> Result<usize> {
        if given < self.len { Ok(given) } else { Err(self.beyond(given as i128)) }
    }

    /// Checks several numbers.
    ///
    /// # Errors
    /// When one of them is out of range.
    pub(crate) fn all_at(self, given: &[u32]) -> Result<()> {
        given.iter().try_for_each(|&given| self.at(given as usize).map(drop))
    }

    /// The error for a number that is out of range.
    pub(crate) fn beyond(self, given: i128) -> crate::Error {
        self.error(given, false)
    }

    fn error(self, given: i128, either_end: bool) -> crate::Error {
        let Self { one, all, len, end } = self;
        IndexError { one, given, all, last: (len + usize::from(end)).checked_sub(1), back: either_end.then_some(len) }
            .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_leads_to_what_it_counts_or_nowhere() {
        assert_eq!([0, 2, -1, -3].map(|given| from_either_end(given, 3)), [Some(0), Some(2), Some(2), Some(0)]);
        assert_eq!([3, -4, i64::MAX, i64::MIN].map(|given| from_either_end(given, 3)), [None; 4]);
        assert_eq!([0, -1].map(|given| from_either_end(given, 0)), [None; 2]);
    }

    #[test]
    fn a_place_to_stop_may_be_the_end() {
        let stops = Counted::before_layers(2);
        assert_eq!([0, 2, -1, -2].map(|given| stops.index(given).unwrap()), [0, 2, 1, 0]);
        for wrong in [3, -3] {
            let sentence = stops.index(wrong).unwrap_err().to_string();
            assert!(sentence.ends_with("before a layer from 0 to 2 (or -2 to -1)"), "{sentence}");
        }
    }

    #[test]
    fn whatever_number_is_at_hand_counts() {
        let given = [3usize.to_index(), 3i64.to_index(), 3u32.to_index(), 3u8.to_index(), (&3i32).to_index()];
        assert_eq!(given, [3; 5]);
        assert_eq!((usize::MAX.to_index(), (-1i64).to_index()), (i64::MAX, -1));
    }

    #[test]
    fn the_sentence_has_what_was_given_and_what_would_do() {
        let says = |error: Result<usize>| error.unwrap_err().to_string();
        let ids = Counted::ids(512);
        assert_eq!(says(ids.at(513)), "token id 513 is out of range: this model's vocabulary has ids 0 to 511");
        assert!(says(Counted::layers(2).at(usize::MAX)).starts_with("layer 18446744073709551615 is out of range"));
        assert!(says(Counted::layers(2).index(i64::MIN)).starts_with("layer -9223372036854775808 is out of range"));
        let layer = says(Counted::layers(2).index(3));
        assert_eq!(layer, "layer 3 is out of range: this model has layers 0 to 1 (or -2 to -1)");
        assert!(says(Counted::layers(0).at(0)).ends_with("here there are none"));
        assert!(ids.all_at(&[0, 511]).is_ok() && ids.all_at(&[0, 512]).unwrap_err().is_out_of_range());
    }
}
