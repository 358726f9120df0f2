/// A number that counts along something and leads nowhere.
#[derive(thiserror::Error, Debug)]
#[error("{one} {given} is out of range: {all} {}", range(*last, *back))]
pub(crate) struct IndexError {
    pub(crate) one: &'static str,
    pub(crate) given: i128,
    pub(crate) all: &'static str,
    /// The last that there is.
    pub(crate) last: Option<usize>,
    /// How far the count from the end goes, where there is one.
    pub(crate) back: Option<usize>,
}

fn range(last: Option<usize>, back: Option<usize>) -> String {
    match (last, back) {
        (None, _) => "from 0 on, and here there are none".into(),
        (Some(last), Some(back)) if back > 0 => format!("0 to {last} (or -{back} to -1)"),
        (Some(last), _) => format!("0 to {last}"),
    }
}
