//! [`ToIndex`]: whole numbers that count along an axis.

/// A whole number that counts along an axis; negative ones count from the end.
///
/// Literals such as `-1` are, and so are the positions that [`Tokens::find`](crate::text::Tokens::find) gives.
pub trait ToIndex {
    /// The number.
    fn to_index(self) -> i64;
}

impl ToIndex for i64 {
    fn to_index(self) -> i64 {
        self
    }
}

impl ToIndex for i32 {
    fn to_index(self) -> i64 {
        self.into()
    }
}

impl ToIndex for usize {
    fn to_index(self) -> i64 {
        i64::try_from(self).unwrap_or(i64::MAX)
    }
}
