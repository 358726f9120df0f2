//! Draws a heatmap with more cells than can be seen by joining them into fewer.

use ndarray::Array2;

use super::Heatmap;
use crate::plot::drawing::joined::joined;

/// The most cells in one picture, and along one side of it, that are drawn without joining.
const CELLS: usize = 100_000;
const SIDE: usize = 4096;
/// The number of cells along a side after joining.
const JOINED: std::ops::RangeInclusive<usize> = 16..=256;

impl Heatmap {
    /// The heatmap with fewer cells, each of which replaces a block, and the sentence that says so. `None` if all cells
    /// can be seen.
    pub(super) fn joined(&self) -> Option<(Self, String)> {
        let (rows, columns) = self.dim();
        let cells = self.cells.unwrap_or(CELLS);
        let all = rows.saturating_mul(columns).saturating_mul(self.facets.len());
        if all <= cells && rows.max(columns) <= SIDE {
            return None;
        }
        let side = ((cells / self.facets.len().max(1)) as f64).sqrt() as usize;
        let side = side.clamp(*JOINED.start(), *JOINED.end());
        let block = (rows.div_ceil(side), columns.div_ceil(side));
        let of = |values: &Array2<f32>| joined(values.view(), self.mask.as_ref().map(Array2::view), block, self.join);
        let mask = self.mask.is_some().then(|| self.facets.first().map(|(_, values)| of(values).1)).flatten();
        let smaller = Self {
            facets: self.facets.iter().map(|(name, values)| (name.clone(), of(values).0)).collect(),
            title: self.title.clone(),
            value: self.value.clone(),
            kept: self.kept.clone(),
            x: (self.x.0.clone(), self.x.1.joined(block.1, columns)),
            y: (self.y.0.clone(), self.y.1.joined(block.0, rows)),
            mask,
            ..*self
        };
        let join = self.join.name();
        let note =
            format!("Each cell is the {join} of {} by {}, of {rows} rows by {columns} columns.", block.0, block.1);
        Some((smaller, note))
    }
}
