//! Suggestions for misspelled names: the candidates that are nearest to a name.
use crate::order::falling;

/// The letters of a name that are compared; no real name is longer.
const LONGEST: usize = 200;

/// The `count` candidates most similar to `name`, best first, for "did you mean".
pub(crate) fn nearest(name: &str, candidates: impl IntoIterator<Item = String>, count: usize) -> Vec<String> {
    let name: String = name.chars().take(LONGEST).collect();
    let mut scored: Vec<_> =
        candidates.into_iter().map(|candidate| (strsim::jaro_winkler(&name, &candidate), candidate)).collect();
    scored.sort_by(|a, b| falling(a.0, b.0).then_with(|| a.1.cmp(&b.1)));
    scored.dedup_by(|a, b| a.1 == b.1);
    scored.truncate(count);
    scored.into_iter().map(|(_, candidate)| candidate).collect()
}
