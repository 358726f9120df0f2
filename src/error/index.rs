/// A number that counts along something and leads nowhere.
#[derive(thiserror::Error, Debug)]
#[error("{one} {given} is out of range: {all} {}", range(*len))]
pub(crate) struct IndexError {
    pub(crate) one: &'static str,
    pub(crate) given: i128,
    pub(crate) all: &'static str,
    pub(crate) len: usize,
}

fn range(len: usize) -> String {
    match len.checked_sub(1) {
        None => "from 0 on, and here there are none".into(),
        Some(last) => format!("0 to {last}"),
    }
}
