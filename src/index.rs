//! The one entry of every number that counts along something: layers, heads, positions, texts, token ids.
//!
//! A number comes in as it was given and goes out as an index that is certain to be there, or as one sentence with the
//! numbers that would do. Nothing that is given from outside indexes anything before it has been here.

use crate::{Result, error::IndexError};

/// Where a number leads along an axis of this length; negative ones count from the end. `None` where nothing is.
pub(crate) fn place(given: i64, len: usize) -> Option<usize> {
    match usize::try_from(given) {
        Ok(from_start) => Some(from_start).filter(|&at| at < len),
        Err(_) => usize::try_from(given.unsigned_abs()).ok().and_then(|back| len.checked_sub(back)),
    }
}

/// Things in a row, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Counted {
    /// What one of them is called.
    one: &'static str,
    /// What has them: "this model has layers".
    all: &'static str,
    len: usize,
}

impl Counted {
    pub(crate) const fn new(one: &'static str, all: &'static str, len: usize) -> Self {
        Self { one, all, len }
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

    /// A number that counts from the start.
    ///
    /// # Errors
    /// When there is no such thing.
    pub(crate) fn at(self, given: usize) -> Result<usize> {
        if given < self.len { Ok(given) } else { Err(self.beyond(given as i128)) }
    }

    /// A number that counts from the start, or, where it is negative, from the end.
    ///
    /// # Errors
    /// When there is no such thing.
    pub(crate) fn index(self, given: i64) -> Result<usize> {
        place(given, self.len).ok_or_else(|| self.beyond(given.into()))
    }

    /// All of these.
    ///
    /// # Errors
    /// When one of them leads nowhere.
    pub(crate) fn all_at(self, given: &[u32]) -> Result<()> {
        given.iter().try_for_each(|&given| self.at(given as usize).map(drop))
    }

    /// The error of a number that leads nowhere.
    pub(crate) fn beyond(self, given: i128) -> crate::Error {
        IndexError { one: self.one, given, all: self.all, len: self.len }.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_leads_to_what_it_counts_or_nowhere() {
        assert_eq!([0, 2, -1, -3].map(|given| place(given, 3)), [Some(0), Some(2), Some(2), Some(0)]);
        assert_eq!([3, -4, i64::MAX, i64::MIN].map(|given| place(given, 3)), [None; 4]);
        assert_eq!([0, -1].map(|given| place(given, 0)), [None; 2]);
    }

    #[test]
    fn the_sentence_has_what_was_given_and_what_would_do() {
        let says = |error: Result<usize>| error.unwrap_err().to_string();
        let ids = Counted::ids(512);
        assert_eq!(says(ids.at(513)), "token id 513 is out of range: this model's vocabulary has ids 0 to 511");
        assert!(says(Counted::layers(2).at(usize::MAX)).starts_with("layer 18446744073709551615 is out of range"));
        assert!(says(Counted::layers(2).index(i64::MIN)).starts_with("layer -9223372036854775808 is out of range"));
        assert!(says(Counted::layers(0).at(0)).ends_with("here there are none"));
        assert!(ids.all_at(&[0, 511]).is_ok() && ids.all_at(&[0, 512]).unwrap_err().is_out_of_range());
    }
}
