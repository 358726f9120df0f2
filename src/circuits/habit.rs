//! [`Habit`]: where a head may be looking.

use ndarray::Array2;
use std::fmt;

/// A place that heads are known to look at (Elhage et al. 2021, Olsson et al. 2022).
#[doc(alias(
    "previous_token_head",
    "duplicate_token_head",
    "induction_head",
    "get_previous_token_head_detection_pattern",
    "get_duplicate_token_head_detection_pattern",
    "get_induction_head_detection_pattern"
))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Habit {
    /// The token before.
    PreviousToken,
    /// Earlier copies of the same token.
    DuplicateToken,
    /// The tokens after earlier copies of the same token.
    Induction,
}

impl Habit {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::PreviousToken, Self::DuplicateToken, Self::Induction];

    /// Its name in a narrow column.
    pub(super) fn short(self) -> &'static str {
        match self {
            Self::PreviousToken => "prev",
            Self::DuplicateToken => "dup",
            Self::Induction => "ind",
        }
    }

    /// The keys that the habit looks at from a query. As in TransformerLens, induction may lie on the present token
    /// itself, where a token comes twice in a row.
    fn keys(self, ids: &[u32], query: usize) -> Vec<usize> {
        let earlier = || (0..query).filter(|&key| ids[key] == ids[query]);
        match self {
            Self::PreviousToken => query.checked_sub(1).into_iter().collect(),
            Self::DuplicateToken => earlier().collect(),
            Self::Induction => earlier().map(|key| key + 1).collect(),
        }
    }

    /// 1 where the habit looks in a text of these tokens, 0 elsewhere: TransformerLens's detection patterns.
    ///
    /// # Shapes
    /// `[query, key]`
    ///
    /// # Examples
    /// ```
    /// use glassbox::circuits::Habit;
    /// use ndarray::array;
    /// let pattern = Habit::Induction.pattern(&[7, 8, 7]);
    /// assert_eq!(pattern, array![[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 1.0, 0.0]]);
    /// ```
    pub fn pattern(self, ids: &[u32]) -> Array2<f32> {
        let mut pattern = Array2::zeros((ids.len(), ids.len()));
        for query in 0..ids.len() {
            self.keys(ids, query).into_iter().for_each(|key| pattern[[query, key]] = 1.0);
        }
        pattern
    }
}

impl fmt::Display for Habit {
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
        let looks = |habit: Habit| habit.pattern(&ids).mapv(|value| value as u8);
        assert_eq!(looks(Habit::PreviousToken), array![[0, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]);
        assert_eq!(looks(Habit::DuplicateToken), array![[0, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0]]);
        assert_eq!(looks(Habit::Induction), array![[0, 0, 0, 0], [0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]);
    }
}
