//! [`MapAxis`]: one axis of a map.

use crate::printable::visible;

/// One axis of a map: its name, and the names of the places along it.
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
    /// The number of query heads that share each place; more than 1 for key heads of grouped-query attention.
    pub(super) shared: usize,
}

/// The names of the places along an axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum AxisLabels {
    Numbers,
    Names(Vec<String>),
    Tokens(Vec<String>),
}

impl MapAxis {
    /// Places numbered from 0.
    ///
    /// # Examples
    /// ```
    /// use glassbox::patching::MapAxis;
    /// assert_eq!(MapAxis::index("layer", 12).len(), 12);
    /// ```
    pub fn index(name: &str, len: usize) -> Self {
        Self { name: name.into(), len, labels: AxisLabels::Numbers, shared: 1 }
    }

    /// Places with names.
    ///
    /// # Examples
    /// ```
    /// use glassbox::patching::MapAxis;
    /// assert_eq!(MapAxis::names("part", ["attention", "MLP"]).len(), 2);
    /// ```
    pub fn names(name: &str, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        Self { name: name.into(), len: names.len(), labels: AxisLabels::Names(names), shared: 1 }
    }

    /// Places that are tokens, written `Mary@4`.
    ///
    /// # Examples
    /// ```
    /// use glassbox::patching::MapAxis;
    /// assert_eq!(MapAxis::tokens("position", ["Mary", "and", "John"]).name(), "position");
    /// ```
    pub fn tokens(name: &str, tokens: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let tokens: Vec<String> = tokens.into_iter().map(Into::into).collect();
        Self { name: name.into(), len: tokens.len(), labels: AxisLabels::Tokens(tokens), shared: 1 }
    }

    /// The name of a place.
    pub(super) fn name_of(&self, at: usize) -> String {
        let named = |names: &[String]| names.get(at).cloned().unwrap_or_default();
        match &self.labels {
            AxisLabels::Numbers => format!("{} {at}", self.name),
            AxisLabels::Names(names) => named(names),
            AxisLabels::Tokens(tokens) => format!("{}@{at}", visible(&named(tokens))),
        }
    }

    /// The name of the axis.
    pub fn name(&self) -> String {
        self.name.clone()
    }

    /// The number of places.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the axis has no places.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}
