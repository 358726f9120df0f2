//! Suggestions for misspelled names: the candidates that are nearest to a name.
use crate::order::falling;

/// The letters of a name that are compared; no real name is longer.
const LONGEST: usize = 200;

/// The `count` candidates most similar to `name`, best first.
pub(crate) fn nearest(name: &str, candidates: impl IntoIterator<Item = String>, count: usize) -> Vec<String> {
    let name = beginning(name);
    most_like(candidates, count, |candidate| (strsim::jaro_winkler(&name, candidate), 0))
}

/// As much of a name as is compared.
pub(crate) fn beginning(name: &str) -> String {
    name.chars().take(LONGEST).collect()
}

/// The `count` best candidates by what `like` says of each: how like it is and, among equals, its rank; then by name.
pub(crate) fn most_like(
    candidates: impl IntoIterator<Item = String>,
    count: usize,
    like: impl Fn(&str) -> (f64, usize),
) -> Vec<String> {
    let mut scored: Vec<_> = candidates.into_iter().map(|candidate| (like(&candidate), candidate)).collect();
    scored.sort_by(|((a, a_rank), a_name), ((b, b_rank), b_name)| {
        falling(*a, *b).then_with(|| (a_rank, a_name).cmp(&(b_rank, b_name)))
    });
    scored.dedup_by(|a, b| a.1 == b.1);
    scored.into_iter().take(count).map(|(_, candidate)| candidate).collect()
}
