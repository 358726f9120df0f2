//! A matrix as coloured cells.
//!
//! A cell with a tooltip costs about a hundred bytes, so there is a budget. The strongest cells are separate rectangles
//! with a tooltip; all others are merged, colour by colour, into one path of horizontal runs.

use std::collections::BTreeMap;

use ndarray::ArrayView2;

use super::{
    canvas::{Canvas, Frame},
    color::{ColorScale, MASKED, PAPER, RULE, Rgb},
    legend::{Special, hatching, special_cell},
    mark::Mark,
};
use crate::{
    order::falling,
    plot::drawing::{
        cell_values::{NUMBER, Printed},
        page::LABEL,
    },
};

/// The cells that get a tooltip in one picture.
pub(crate) const TOOLTIPS: usize = 1600;
/// The number of palette steps for separate cells and for merged ones. Coarser steps give fewer and longer runs.
const LEVELS: [f32; 2] = [100.0, 40.0];

pub(crate) struct Grid<'a> {
    pub values: ArrayView2<'a, f32>,
    pub mask: Option<ArrayView2<'a, bool>>,
    pub scale: ColorScale,
    pub frame: Frame,
    /// Whether row 0 is at the bottom.
    pub upward: bool,
    /// The most cells with a tooltip.
    pub tooltips: usize,
    /// The values that are printed in their cells.
    pub printed: Option<Printed>,
    pub title: &'a dyn Fn(usize, usize) -> String,
    /// Words to print in each cell instead of values.
    pub words: Option<&'a dyn Fn(usize, usize) -> String>,
}

type Cell = (usize, usize);

impl Grid<'_> {
    pub(crate) fn draw(&self, canvas: &Canvas) {
        let ranked = self.ranked();
        let titled = &ranked[..ranked.len().min(self.tooltips)];
        let all = titled.len() == ranked.len();
        let rest = &ranked[titled.len()..];
        self.draw_masked(canvas);
        self.draw_runs(canvas, rest);
        for &(row, column) in titled {
            let color = self.color(self.values[(row, column)]);
            let frame = self.gapped((row, column), all);
            let title = (self.title)(row, column);
            let value = || self.printed.and_then(|printed| printed.text(self.values[(row, column)]));
            let words = self.words.map(|words| words(row, column)).or_else(value);
            match words {
                None => canvas.put(frame.mark().fill(color).title(title)),
                Some(words) => {
                    let size = if self.words.is_some() { LABEL } else { NUMBER };
                    let words = Mark::text(frame.middle(), words, size).fill(color.text()).middle();
                    canvas.group(title, [frame.mark().fill(color), words]);
                }
            }
        }
        let missing: Vec<Frame> =
            ranked.iter().filter(|&&at| self.values[at].is_nan()).map(|&at| self.cell(at)).collect();
        canvas.put(hatching(&missing));
        for &at in ranked.iter().filter(|&&at| self.scale.is_outside(self.values[at])) {
            special_cell(canvas, self.gapped(at, all), Special::Outside);
        }
        canvas.put(self.frame.mark().stroke(RULE, 1.0));
    }

    fn is_masked(&self, at: Cell) -> bool {
        self.mask.is_some_and(|mask| mask.get(at).copied().unwrap_or(false))
    }

    /// The cells that are not masked, the strongest first.
    fn ranked(&self) -> Vec<Cell> {
        let mut cells: Vec<Cell> =
            self.values.indexed_iter().map(|(at, _)| at).filter(|&at| !self.is_masked(at)).collect();
        cells.sort_by(|&a, &b| falling(self.scale.strength(self.values[a]), self.scale.strength(self.values[b])));
        cells
    }

    /// The colour of a value, rounded to the nearest level of the palette; grey for NaN.
    fn color(&self, value: f32) -> Rgb {
        let levels = LEVELS[usize::from(self.values.len() > self.tooltips)];
        self.scale.palette.at((self.scale.position(value) * levels).round() / levels)
    }

    fn pitch(&self) -> (f64, f64) {
        let (rows, columns) = self.values.dim();
        (self.frame.width / columns.max(1) as f64, self.frame.height / rows.max(1) as f64)
    }

    /// The rectangle of `length` cells from one cell to the right.
    fn run(&self, (row, column): Cell, length: usize) -> Frame {
        let (width, height) = self.pitch();
        let line = if self.upward { self.values.nrows() - 1 - row } else { row };
        Frame {
            x: self.frame.x + column as f64 * width,
            y: self.frame.y + line as f64 * height,
            width: width * length as f64,
            height,
        }
    }

    /// The rectangle of a cell.
    pub(crate) fn cell(&self, at: Cell) -> Frame {
        self.run(at, 1)
    }

    /// The rectangle of a cell, less a white hairline around it if cells are large and none is part of a run.
    fn gapped(&self, at: Cell, all: bool) -> Frame {
        let cell = self.cell(at);
        let gap = if all && cell.width.min(cell.height) >= 12.0 { 1.0 } else { 0.0 };
        Frame { width: cell.width - gap, height: cell.height - gap, ..cell }
    }

    /// The runs of neighbouring cells in one row of a sorted list.
    fn runs(&self, cells: &[Cell]) -> Vec<(f64, f64)> {
        let mut corners = Vec::new();
        for run in cells.chunk_by(|a, b| a.0 == b.0 && a.1 + 1 == b.1) {
            let frame = self.run(run[0], run.len());
            corners.extend([(frame.x, frame.y), (frame.right(), frame.bottom())]);
        }
        corners
    }

    fn draw_masked(&self, canvas: &Canvas) {
        let masked: Vec<Cell> = self.values.indexed_iter().map(|(at, _)| at).filter(|&at| self.is_masked(at)).collect();
        canvas.put(Mark::rects(self.runs(&masked)).fill(MASKED));
    }

    fn draw_runs(&self, canvas: &Canvas, cells: &[Cell]) {
        let mut by_color = BTreeMap::<Rgb, Vec<Cell>>::new();
        for &at in cells {
            by_color.entry(self.color(self.values[at])).or_default().push(at);
        }
        by_color.remove(&PAPER);
        for (color, mut cells) in by_color {
            cells.sort_unstable();
            canvas.put(Mark::rects(self.runs(&cells)).fill(color));
        }
    }
}
