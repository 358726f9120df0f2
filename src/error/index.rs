//! The error of every index that is out of range. Only `src/index.rs` makes it.
/// A number that is out of range along what it counts.
#[derive(thiserror::Error, Debug)]
#[error("{one} {given} is out of range: {all} {}", range(*last, *back))]
pub(crate) struct IndexError {
    pub(crate) one: &'static str,
    pub(crate) given: i128,
    pub(crate) all: &'static str,
    /// The last valid index.
    pub(crate) last: Option<usize>,
    /// How far negative numbers count from the end, if they are allowed.
    pub(crate) back: Option<usize>,
}

fn range(last: Option<usize>, back: Option<usize>) -> String {
    match (last, back) {
        (None, _) => "from 0 on, and here there are none".into(),
        (Some(last), Some(back)) if back > 0 => format!("0 to {last} (or -{back} to -1)"),
        (Some(last), _) => format!("0 to {last}"),
    }
}
