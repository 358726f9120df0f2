//! The sizes of the page and of its text, in px. All pictures use them.

/// The space around every picture and between its parts.
pub(crate) const MARGIN: f64 = 14.0;
/// The width that a notebook shows without scrolling.
pub(crate) const PAGE: f64 = 940.0;
/// The greatest total width of a row of figures: two bar charts fit side by side.
pub(crate) const ROW: f64 = 980.0;
/// The type sizes: titles, names of axes, labels, notes.
pub(crate) const TITLE: f64 = 14.0;
pub(crate) const NAME: f64 = 12.0;
pub(crate) const LABEL: f64 = 11.0;
pub(crate) const NOTE: f64 = 10.5;
