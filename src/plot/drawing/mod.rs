//! The drawing tools that all pictures share: the sheet and its sizes, marks, colours, axes, grids of cells, legends.
//!
//! To add a palette, touch `color.rs`. To add a shape, touch `mark.rs` and `svg.rs`.

pub(crate) mod axes;
pub(crate) mod canvas;
pub(crate) mod category_axis;
pub(crate) mod cell_values;
pub(crate) mod color;
pub(crate) mod grid;
pub(crate) mod joined;
pub(crate) mod legend;
pub(crate) mod line_labels;
pub(crate) mod mark;
pub(crate) mod numeric_axis;
pub(crate) mod page;
pub(crate) mod panels;
pub(crate) mod svg;
pub(crate) mod table;
pub(crate) mod thinned;
