//! The legend of a grid: the palette as a bar with three numbers, and the meaning of the special cells.

use super::{
    canvas::{Canvas, Frame},
    color::{ColorScale, INK, MASKED, MISSING, MUTED, PAPER, Palette, RULE, Rgb, TARGET},
    mark::Mark,
};
use crate::{
    plot::drawing::page::{LABEL, NAME, NOTE},
    printable::{columns, number, text_width},
};

/// A kind of cell that the colour bar does not explain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Special {
    Masked,
    Missing,
    Outside,
    Target,
}

impl Special {
    fn meaning(self) -> &'static str {
        match self {
            Self::Masked => "masked",
            Self::Missing => "not a number",
            Self::Outside => "beyond the range",
            Self::Target => "the target",
        }
    }
}

pub(crate) struct Legend {
    pub name: String,
    pub palette: Palette,
    /// The values at the low end, the middle and the high end.
    pub numbers: [String; 3],
    pub specials: Vec<Special>,
    /// The length of the bar.
    pub length: f64,
}

/// The width of the bar, and its length beside a tall and beside a low picture.
const BAR: f64 = 12.0;
pub(crate) const LONG: f64 = 110.0;
const SHORT: f64 = 55.0;
const LINE: f64 = 18.0;
/// The steps of the bar. Its length is a whole multiple of them, so that no seam shows.
const STEPS: usize = 55;

impl Legend {
    pub(crate) fn of(scale: &ColorScale, name: &str, specials: Vec<Special>) -> Self {
        let numbers = match scale.lo == scale.hi {
            true => [String::new(), number(scale.lo), String::new()],
            false => [scale.lo, scale.lo / 2.0 + scale.hi / 2.0, scale.hi].map(number),
        };
        Self { name: name.into(), palette: scale.palette, numbers, specials, length: LONG }
    }

    /// The legend for its place beside a picture of this height.
    pub(crate) fn beside(self, height: f64) -> Self {
        Self { length: if height < LONG { SHORT } else { LONG }, ..self }
    }

    pub(crate) fn size(&self) -> (f64, f64) {
        let numbers = self.numbers.iter().map(|n| columns(n)).max().unwrap_or(0) as f64 * LABEL * 0.6;
        let specials = self.specials.iter().map(|s| text_width(s.meaning(), NOTE)).fold(0.0, f64::max);
        let width = (BAR + 8.0 + numbers).max(BAR + 6.0 + specials * 0.9).max(text_width(&self.name, NAME) * 0.92);
        (width, self.name_height() + self.length + 8.0 + LINE * self.specials.len() as f64)
    }

    fn name_height(&self) -> f64 {
        if self.name.is_empty() { 6.0 } else { LINE + 6.0 }
    }

    pub(crate) fn draw(&self, canvas: &Canvas, (x, y): (f64, f64)) {
        let (x, y) = (x.round(), y.round());
        if !self.name.is_empty() {
            canvas.put(Mark::text((x, y + NAME / 2.0), self.name.as_str(), NAME).fill(MUTED).sans());
        }
        let bar = Frame { x, y: y + self.name_height(), width: BAR, height: self.length };
        let step = bar.height / STEPS as f64;
        for i in 0..STEPS {
            let color = self.palette.at(1.0 - i as f32 / (STEPS - 1) as f32);
            let top = bar.y + i as f64 * step;
            canvas.put(Mark::rect((bar.x, top), (bar.right(), top + step)).fill(color));
        }
        canvas.put(bar.mark().stroke(RULE, 0.5));
        for (label, share) in self.numbers.iter().zip([1.0, 0.5, 0.0]) {
            let at = (bar.right() + 6.0, bar.y + bar.height * share);
            canvas.put(Mark::text(at, label.as_str(), LABEL));
        }
        for (i, special) in self.specials.iter().enumerate() {
            let y = bar.bottom() + 10.0 + LINE * i as f64;
            let box_ = Frame { x, y, width: BAR, height: BAR };
            special_cell(canvas, box_, *special);
            canvas.note((x + BAR + 6.0, y + BAR / 2.0), special.meaning());
        }
    }
}

impl Legend {
    /// The size of the horizontal legend.
    pub(crate) fn level_size(&self) -> (f64, f64) {
        (self.level_start() + LEVEL + text_width(&self.numbers[2], LABEL) / 2.0, 10.0 + 6.0 + LABEL)
    }

    fn level_start(&self) -> f64 {
        let name = if self.name.is_empty() { 0.0 } else { text_width(&self.name, NAME) * 0.95 + 14.0 };
        // Whole pixels, so that no seam shows between the bar's steps.
        name.max(text_width(&self.numbers[0], LABEL) / 2.0).round()
    }

    /// Draws the legend horizontally: the name, then the bar above its numbers.
    pub(crate) fn draw_level(&self, canvas: &Canvas, (x, y): (f64, f64)) {
        if !self.name.is_empty() {
            canvas.put(Mark::text((x, y + 5.0), self.name.as_str(), NAME).fill(MUTED).sans());
        }
        let bar = Frame { x: x + self.level_start(), y, width: LEVEL, height: 10.0 };
        let step = bar.width / STEPS as f64;
        for i in 0..STEPS {
            let color = self.palette.at(i as f32 / (STEPS - 1) as f32);
            let left = bar.x + i as f64 * step;
            canvas.put(Mark::rect((left, bar.y), (left + step, bar.bottom())).fill(color));
        }
        canvas.put(bar.mark().stroke(RULE, 0.5));
        for (label, share) in self.numbers.iter().zip([0.0, 0.5, 1.0]) {
            let at = (bar.x + bar.width * share, bar.bottom() + 6.0 + LABEL / 2.0);
            canvas.put(Mark::text(at, label.as_str(), LABEL).middle());
        }
    }
}

const LEVEL: f64 = 165.0;

/// Draws a cell that has no value, or more than a value.
pub(crate) fn special_cell(canvas: &Canvas, cell: Frame, special: Special) {
    match special {
        Special::Masked => canvas.put(cell.mark().fill(MASKED)),
        Special::Missing => hatch(canvas, &[cell]),
        Special::Outside => {
            // A dark and a light line: at least one of them is visible on any colour.
            outline(canvas, cell, INK, 1.0, 0.0);
            outline(canvas, cell, PAPER, 1.0, 1.0);
        }
        // Thinner in small cells, so that the colour remains visible.
        Special::Target => outline(canvas, cell, TARGET, (cell.width.min(cell.height) / 6.0).clamp(0.75, 2.0), 0.0),
    }
}

/// Draws a frame `inset` px inside the edges of a cell.
fn outline(canvas: &Canvas, cell: Frame, color: Rgb, width: f64, inset: f64) {
    let inset = (inset + width / 2.0).min(cell.width / 3.0).min(cell.height / 3.0);
    let from = (cell.x + inset, cell.y + inset);
    canvas.put(Mark::rect(from, (cell.right() - inset, cell.bottom() - inset)).stroke(color, width));
}

/// Draws grey cells with slanted lines, which stand for NaN.
pub(crate) fn hatch(canvas: &Canvas, cells: &[Frame]) {
    for cell in cells {
        canvas.put(cell.mark().fill(MISSING));
    }
    canvas.put(hatching(cells));
}

/// Slanted lines over cells.
pub(crate) fn hatching(cells: &[Frame]) -> Mark {
    const STEP: f64 = 5.0;
    let mut ends = Vec::new();
    for &Frame { x, y, width, height } in cells {
        // The line of all points whose distances from the cell's corner sum to `sum`, clipped to the cell.
        let line = |i: u32| {
            let sum = f64::from(i) * STEP;
            let (right, down) = (sum.min(width), sum.min(height));
            [(x + right, y + sum - right), (x + sum - down, y + down)]
        };
        let count = (width + height) / STEP;
        ends.extend((1..count.ceil() as u32).flat_map(line));
    }
    Mark::segments(ends).stroke(PAPER, 1.0)
}
