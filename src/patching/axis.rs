//! [`MapAxis`]: what one axis of a map counts.

use crate::printable::visible;

/// One axis of a map: a name, and how each place along it is called.
///
/// # Examples
/// ```
/// use glassbox::patching::MapAxis;
/// let axis = MapAxis::names("part", ["attention", "MLP"]);
/// assert_eq!((axis.name().as_str(), axis.len()), ("part", 2));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapAxis {
    pub(super) name: String,
    pub(super) len: usize,
    pub(super) labels: AxisLabels,
    /// How many query heads share each place: more than one where the places are key heads of grouped-query attention.
    pub(super) shared: usize,
}

/// How the places along an axis are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum AxisLabels {
    Numbers,
    Names(Vec<String>),
    Tokens(Vec<String>),
}

impl MapAxis {
    /// Places numbered from 0.
    pub fn index(name: &str, len: usize) -> Self {
        Self { name: name.into(), len, labels: AxisLabels::Numbers, shared: 1 }
    }

    /// Places with names.
    pub fn names(name: &str, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        Self { name: name.into(), len: names.len(), labels: AxisLabels::Names(names), shared: 1 }
    }

    /// Places that are tokens, written `Mary@4`.
    pub fn tokens(name: &str, tokens: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let tokens: Vec<String> = tokens.into_iter().map(Into::into).collect();
        Self { name: name.into(), len: tokens.len(), labels: AxisLabels::Tokens(tokens), shared: 1 }
    }

    /// What one of its places is called.
    pub(super) fn name_of(&self, at: usize) -> String {
        let named = |names: &[String]| names.get(at).cloned().unwrap_or_default();
        match &self.labels {
            AxisLabels::Numbers => format!("{} {at}", self.name),
            AxisLabels::Names(names) => named(names),
            AxisLabels::Tokens(tokens) => format!("{}@{at}", visible(&named(tokens))),
        }
    }

    /// What it counts.
    pub fn name(&self) -> String {
        self.name.clone()
    }

    /// How many places it has.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}
