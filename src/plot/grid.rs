//! A matrix as coloured cells.
//!
//! A cell with a tooltip costs about a hundred bytes, so there is a budget: the strongest cells are rectangles of their
//! own with a tooltip, all others are merged, per colour, into one path of horizontal runs.

use std::collections::BTreeMap;

use ndarray::ArrayView2;

use super::{
    canvas::{Canvas, Frame, LABEL},
    color::{ColorScale, MASKED, MISSING, PAPER, RULE, Rgb},
    legend::{Special, special_cell},
    mark::Mark,
    text::{number, text_width},
};

/// Cells that get a tooltip in one picture.
pub(crate) const TOOLTIPS: usize = 1600;
/// The steps of a palette; finer ones cannot be told apart and would cost more paths.
const LEVELS: f32 = 100.0;

pub(crate) struct Grid<'a> {
    pub values: ArrayView2<'a, f32>,
    pub mask: Option<ArrayView2<'a, bool>>,
    pub scale: ColorScale,
    pub frame: Frame,
    /// Row 0 at the bottom.
    pub upward: bool,
    /// How many cells at most get a tooltip.
    pub tooltips: usize,
    /// In how many of the strongest cells the value is printed, where it fits.
    pub printed: usize,
    pub title: &'a dyn Fn(usize, usize) -> String,
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
            let value = self.values[(row, column)];
            let color = if value.is_nan() { MISSING } else { self.color(value) };
            let frame = self.gapped((row, column), all);
            canvas.put(frame.mark().fill(color).title((self.title)(row, column)));
        }
        let missing: Vec<Frame> =
            ranked.iter().filter(|&&at| self.values[at].is_nan()).map(|&at| self.cell(at)).collect();
        hatch_lines(canvas, &missing);
        for &at in ranked.iter().filter(|&&at| self.scale.is_outside(self.values[at])) {
            special_cell(canvas, self.gapped(at, all), Special::Outside);
        }
        for &at in ranked.iter().take(self.printed) {
            self.print(canvas, at);
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
        cells.sort_by(|&a, &b| self.scale.strength(self.values[b]).total_cmp(&self.scale.strength(self.values[a])));
        cells
    }

    fn level(&self, value: f32) -> i32 {
        (self.scale.position(value) * LEVELS).round() as i32
    }

    fn color(&self, value: f32) -> Rgb {
        self.scale.palette.at(self.level(value) as f32 / LEVELS)
    }

    fn pitch(&self) -> (f64, f64) {
        let (rows, columns) = self.values.dim();
        (self.frame.width / columns.max(1) as f64, self.frame.height / rows.max(1) as f64)
    }

    /// The place of `length` cells that begin at one and go right.
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

    /// The place of a cell.
    pub(crate) fn cell(&self, at: Cell) -> Frame {
        self.run(at, 1)
    }

    /// A cell with a hairline of paper around it, where cells are large and none is part of a run.
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

    /// The value in its cell, if it has room there.
    fn print(&self, canvas: &Canvas, at: Cell) {
        let (cell, value) = (self.cell(at), self.values[at]);
        let text = number(value);
        let size = LABEL - 1.0;
        if value.is_finite() && text_width(&text, size) + 2.0 <= cell.width && size <= cell.height {
            canvas.put(Mark::text(cell.middle(), text, size).fill(self.color(value).text()).middle());
        }
    }
}

/// Grey cells with slanted lines: there is no number here.
pub(crate) fn hatch(canvas: &Canvas, cells: &[Frame]) {
    for cell in cells {
        canvas.put(cell.mark().fill(MISSING));
    }
    hatch_lines(canvas, cells);
}

fn hatch_lines(canvas: &Canvas, cells: &[Frame]) {
    let lines = cells.iter().flat_map(|cell| {
        let side = cell.width.min(cell.height);
        let at = |dx: f64, dy: f64| (cell.x + dx, cell.y + dy);
        [
            at(0.0, side / 2.0),
            at(side / 2.0, 0.0),
            at(0.0, side),
            at(side, 0.0),
            at(side / 2.0, side),
            at(side, side / 2.0),
        ]
    });
    canvas.put(Mark::segments(lines.collect()).stroke(PAPER, 1.0));
}
