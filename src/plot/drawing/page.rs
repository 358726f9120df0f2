//! The sizes of the page and of what is written on it, in px.

/// The space around every picture, and between its parts.
pub(crate) const MARGIN: f64 = 14.0;
/// In px, what a notebook shows of a picture without scrolling.
pub(crate) const PAGE: f64 = 940.0;
/// How wide the figures of a row may be together: two charts of bars stand side by side.
pub(crate) const ROW: f64 = 980.0;
/// The type sizes: titles, names of axes, labels, notes.
pub(crate) const TITLE: f64 = 14.0;
pub(crate) const NAME: f64 = 12.0;
pub(crate) const LABEL: f64 = 11.0;
pub(crate) const NOTE: f64 = 10.5;
