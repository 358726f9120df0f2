//! Where the parts of a [`Heatmap`] lie.

use super::{
    canvas::{Frame, MARGIN, NAME, NOTE, heading_height, sans_width},
    heatmap::Heatmap,
    legend::Legend,
};

/// Where the panels and the legend lie.
pub(crate) struct Layout {
    pub cell: (f64, f64),
    pub left: f64,
    top: f64,
    panel: (f64, f64),
    pitch: (f64, f64),
    per_row: usize,
    pub legend: (f64, f64),
    pub size: (f64, f64),
}

/// What the panels of one row may take together.
const WIDTH: f64 = 800.0;
const HEIGHT: f64 = 440.0;
const SQUARE: f64 = 600.0;
/// Axes of at most so many cells have a label for each.
const LABELLED: usize = 48;

impl Layout {
    pub(crate) fn new(heatmap: &Heatmap, legend: &Legend, noted: bool) -> Self {
        let (rows, columns) = heatmap.dim();
        let facets = heatmap.facets.len();
        let fits = |per_row: usize| (WIDTH / per_row as f64 - 20.0) / columns as f64 >= 12.0;
        let per_row = (1..=facets).rev().find(|&n| fits(n)).unwrap_or(1);
        let cell = cell_size(heatmap.square, rows, columns, WIDTH / per_row as f64);
        let panel = (cell.0 * columns as f64, cell.1 * rows as f64);
        let (x, y) = (heatmap.x_band(cell.0), heatmap.y_band(cell.1));
        let named = heatmap.facets.iter().any(|(name, _)| !name.is_empty());
        let name_height = if named { NAME + 10.0 } else { 0.0 };
        let left = MARGIN + y.width_left().max(x.overhang());
        let top = MARGIN + heading_height(&heatmap.title) + name_height + y.name_overhang();
        let below = x.height_below().max(legend.size().1 - panel.1).max(y.name_overhang());
        let names = heatmap.facets.iter().map(|(name, _)| sans_width(name, NAME) + 12.0).fold(0.0, f64::max);
        let room = x.overhang().max(18.0) + x.name_overhang();
        let pitch = ((panel.0 + room).max(names), panel.1 + below + name_height + 10.0);
        let lines = facets.div_ceil(per_row);
        let right = left + pitch.0 * (per_row - 1) as f64 + panel.0.max(names) + x.name_overhang();
        let legend_at = (right + 22.0, top);
        let size = (
            legend_at.0 + legend.size().0 + MARGIN,
            top + pitch.1 * (lines - 1) as f64 + panel.1 + below + if noted { 10.0 + NOTE } else { 0.0 } + MARGIN,
        );
        Self { cell, left, top, panel, pitch, per_row, legend: legend_at, size }
    }

    /// The place of facet `i`, and whether it is the first of its row.
    pub(crate) fn panel(&self, i: usize) -> (Frame, bool) {
        let (line, place) = (i / self.per_row, i % self.per_row);
        let x = self.left + self.pitch.0 * place as f64;
        let y = self.top + self.pitch.1 * line as f64;
        (Frame { x, y, width: self.panel.0, height: self.panel.1 }, place == 0)
    }
}

/// Whole pixels a cell: at least what a label needs while there are few, never under 3.
fn cell_size(square: bool, rows: usize, columns: usize, width: f64) -> (f64, f64) {
    let least = |count: usize| if count <= LABELLED { 13.0 } else { 3.0 };
    if square {
        let count = rows.max(columns);
        let side = (SQUARE / count as f64).floor().clamp(least(count), 28.0);
        return (side, side);
    }
    ((width / columns as f64).floor().clamp(3.0, 36.0), (HEIGHT / rows as f64).floor().clamp(least(rows), 26.0))
}
