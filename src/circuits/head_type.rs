//! [`HeadType`]: the known types of attention heads.
//!
//! To add a type, add a variant to [`HeadType`], its name, and the keys it attends to.

use ndarray::Array2;
use std::fmt;

/// A type of attention head, defined by the keys it attends to ([Elhage et al.
/// 2021](https://transformer-circuits.pub/2021/framework/index.html), [Olsson et al.
/// 2022](https://arxiv.org/abs/2209.11895)).
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let labels = label_heads(&Model::open("induction-2l")?, 0)?;
/// assert_eq!(labels.head_type(1, 0), Some(HeadType::Induction));
/// assert_eq!(HeadType::PreviousToken.to_string(), "previous token");
/// # Ok::<(), glassbox::Error>(())
/// ```
#[doc(alias(
    "previous_token_head",
    "duplicate_token_head",
    "induction_head",
    "get_previous_token_head_detection_pattern",
    "get_duplicate_token_head_detection_pattern",
    "get_induction_head_detection_pattern"
))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HeadType {
    /// The previous token.
    PreviousToken,
    /// Earlier copies of the same token.
    DuplicateToken,
    /// The tokens after earlier copies of the same token.
    Induction,
}

impl HeadType {
    /// All types.
    pub const ALL: [Self; 3] = [Self::PreviousToken, Self::DuplicateToken, Self::Induction];

    /// The short name for a narrow column.
    pub(super) fn short(self) -> &'static str {
        match self {
            Self::PreviousToken => "prev",
            Self::DuplicateToken => "dup",
            Self::Induction => "ind",
        }
    }

    /// The keys that a head of this type attends to from a query.
    /// As in TransformerLens, an induction head may attend to the current token itself if a token is repeated
    /// immediately.
    fn keys(self, ids: &[u32], query: usize) -> Vec<usize> {
        let earlier = || (0..query).filter(|&key| ids[key] == ids[query]);
        match self {
            Self::PreviousToken => query.checked_sub(1).into_iter().collect(),
            Self::DuplicateToken => earlier().collect(),
            Self::Induction => earlier().map(|key| key + 1).collect(),
        }
    }

    /// Returns 1 for each key that a head of this type attends to in a text of these tokens, 0 elsewhere:
    /// TransformerLens's detection patterns.
    ///
    /// # Shapes
    /// `[query, key]`
    ///
    /// # Examples
    /// ```
    /// use glassbox::circuits::HeadType;
    /// use ndarray::array;
    /// let pattern = HeadType::Induction.pattern(&[7, 8, 7]);
    /// assert_eq!(pattern, array![[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 1.0, 0.0]]);
    /// ```
    pub fn pattern(self, ids: impl AsRef<[u32]>) -> Array2<f32> {
        let ids = ids.as_ref();
        let mut pattern = Array2::zeros((ids.len(), ids.len()));
        for query in 0..ids.len() {
            self.keys(ids, query).into_iter().for_each(|key| pattern[[query, key]] = 1.0);
        }
        pattern
    }
}

impl fmt::Display for HeadType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PreviousToken => "previous token",
            Self::DuplicateToken => "duplicate token",
            Self::Induction => "induction",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn each_habit_looks_where_it_says() {
        let ids = [7, 8, 7, 8];
        let looks = |habit: HeadType| habit.pattern(ids).mapv(|value| value as u8);
        assert_eq!(looks(HeadType::PreviousToken), array![[0, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]);
        assert_eq!(looks(HeadType::DuplicateToken), array![[0, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0]]);
        assert_eq!(looks(HeadType::Induction), array![[0, 0, 0, 0], [0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]);
    }
}
