//! The cells of a heatmap: how many there are, which are seen, their sizes and colours.

use super::{FACETS, FACETS_AT_MOST, HEIGHT, Heatmap, LABELLED, PICTURE, SQUARE, WIDTH};
use crate::{
    Result,
    error::PlotError,
    plot::{
        check_count,
        drawing::{
            category_axis::{Band, Labels},
            color::{ColorScale, check_range},
            legend::Special,
        },
    },
    printable::or,
};
use ndarray::{Array2, ArrayView2};

impl Heatmap {
    pub(super) fn dim(&self) -> (usize, usize) {
        self.facets.first().map_or((0, 0), |(_, values)| values.dim())
    }

    pub(super) fn check(&self) -> Result<()> {
        self.kept.check()?;
        let (rows, columns) = self.dim();
        if rows * columns == 0 {
            return Err(PlotError::Empty { picture: PICTURE, what: "the matrix has no cells" }.into());
        }
        check_count(PICTURE, "facets", self.facets.len(), FACETS_AT_MOST)?;
        let shapes = self.facets.iter().map(|(name, values)| (format!("facet `{name}`"), values.dim()));
        let mask = self.mask.iter().map(|mask| ("a mask".into(), mask.dim()));
        for (what, (r, c)) in shapes.chain(mask) {
            if (r, c) != (rows, columns) {
                let (got, expected) = (vec![r, c], vec![rows, columns]);
                return Err(PlotError::Shape { picture: PICTURE, what, got, expected }.into());
            }
        }
        self.x.1.check(PICTURE, or(&self.x.0, "x"), columns)?;
        self.y.1.check(PICTURE, or(&self.y.0, "y"), rows)?;
        check_range(self.range)
    }

    /// Every value that is not masked, with its facet and cell.
    pub(super) fn seen(&self) -> impl Iterator<Item = (usize, (usize, usize), f32)> + '_ {
        let mask: Option<ArrayView2<'_, bool>> = self.mask.as_ref().map(Array2::view);
        self.facets
            .iter()
            .enumerate()
            .flat_map(|(facet, (_, values))| values.indexed_iter().map(move |(at, &value)| (facet, at, value)))
            .filter(move |&(_, at, _)| !mask.is_some_and(|mask| mask[at]))
    }

    pub(super) fn scale(&self) -> ColorScale {
        let values: Vec<f32> = self.seen().map(|(_, _, value)| value).collect();
        ColorScale::chosen(self.palette, self.range, &values)
    }

    pub(super) fn specials(&self, scale: &ColorScale) -> Vec<Special> {
        let masked = self.mask.as_ref().is_some_and(|mask| mask.iter().any(|&hidden| hidden));
        let missing = self.seen().any(|(_, _, value)| value.is_nan());
        let outside = self.seen().any(|(_, _, value)| scale.is_outside(value));
        [(masked, Special::Masked), (missing, Special::Missing), (outside, Special::Outside)]
            .into_iter()
            .filter_map(|(occurs, special)| occurs.then_some(special))
            .collect()
    }

    pub(super) fn band<'a>(&self, axis: &'a (String, Labels), count: usize, pitch: f64, reversed: bool) -> Band<'a> {
        Band { labels: &axis.1, name: &axis.0, count, pitch, reversed }
    }

    /// The size of a cell in whole pixels, and the number of panels in a row. Cells are at least large enough for a
    /// label if they are few, and large enough to see if they are many.
    pub(super) fn cell_size(&self, room: f64) -> ((f64, f64), usize) {
        let (rows, columns) = self.dim();
        let wide = if columns <= LABELLED { 11.5 } else { 5.0 };
        let all = if self.facets.len() > 1 { FACETS } else { room.min(WIDTH) };
        let fits = |per_row: usize| (all / per_row as f64 - 20.0) / columns as f64 >= wide;
        let per_row = (1..=self.facets.len()).rev().find(|&n| fits(n)).unwrap_or(1);
        let least = |count: usize| if count <= LABELLED { 13.0 } else { 3.0 };
        let share = |length: f64, count: usize| (length / count as f64).floor();
        if self.square {
            let side = share(SQUARE.min(all / per_row as f64), rows.max(columns)).clamp(least(rows.max(columns)), 28.0);
            return ((side, side), per_row);
        }
        let width = share(all / per_row as f64, columns).clamp(3.0, 36.0);
        ((width, share(HEIGHT, rows).clamp(least(rows), 26.0)), per_row)
    }
}
