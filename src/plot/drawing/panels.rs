//! Grids of cells side by side, with their axes, one legend and a note.

use super::{
    canvas::{Canvas, Frame, bold_width, heading_height},
    legend::Legend,
    mark::Mark,
};
use crate::{
    plot::drawing::{
        category_axis::Band,
        page::{MARGIN, NAME, NOTE, PAGE},
    },
    printable::printable,
};

/// Panels of one size. Each has the lower axis; the first panel of a row also has the left axis.
pub(crate) struct Panels<'a> {
    pub heading: &'a str,
    pub note: &'a str,
    /// The name of each panel; one empty name for a single panel.
    pub names: Vec<&'a str>,
    /// The most panels in a row.
    pub per_row: usize,
    pub x: Band<'a>,
    pub y: Band<'a>,
    pub legend: Legend,
}

/// The space between the last panel and the legend, and above the note.
const LEGEND_GAP: f64 = 22.0;
const NOTE_GAP: f64 = 10.0;

/// The space between two rows of panels.
const LINE_GAP: f64 = 8.0;

/// The width available to a single panel.
pub(crate) fn room(y: &Band, legend: &Legend) -> f64 {
    PAGE - 2.0 * MARGIN - y.width_left() - LEGEND_GAP - legend.size().0
}

impl Panels<'_> {
    /// Draws the whole sheet; `fill` draws the content of each panel.
    pub(crate) fn draw(&self, fill: impl Fn(&Canvas, usize, Frame)) -> Canvas {
        let (pitch, reach) = (self.pitch(), self.reach());
        // Whole pixels, as for cells: otherwise hairlines show where cells meet.
        let corner = ((MARGIN + reach).round(), self.top().round());
        let ends = |per_row: usize| corner.0 + pitch.0 * (per_row - 1) as f64 + self.width() + self.x.name_overhang();
        let rest = LEGEND_GAP + self.legend.size().0 + MARGIN;
        let per_row = (1..=self.per_row).rev().find(|&n| ends(n) + rest <= PAGE).unwrap_or(1);
        let lines = self.names.len().div_ceil(per_row);
        let bottom = corner.1 + pitch.1 * lines as f64 - self.name_height() - LINE_GAP;
        let right = ends(per_row) + LEGEND_GAP;
        let note = if self.note.is_empty() { 0.0 } else { NOTE_GAP + NOTE };
        let canvas = Canvas::headed(self.heading, self.note, ends(per_row) + rest, bottom + note + MARGIN);
        for (i, name) in self.names.iter().enumerate() {
            let (line, place) = (i / per_row, i % per_row);
            let frame = Frame {
                x: corner.0 + pitch.0 * place as f64,
                y: corner.1 + pitch.1 * line as f64,
                width: self.x.length(),
                height: self.y.length(),
            };
            if !name.is_empty() {
                let at = (frame.x, frame.y - 6.0 - NAME / 2.0);
                canvas.put(Mark::text(at, printable(name), NAME).bold().sans());
            }
            fill(&canvas, i, frame);
            self.x.draw_below(&canvas, frame);
            if place == 0 {
                self.y.draw_left(&canvas, frame, reach);
            }
        }
        self.legend.draw(&canvas, (right, corner.1));
        canvas.note((MARGIN, bottom + NOTE_GAP + NOTE / 2.0), self.note);
        canvas
    }

    fn top(&self) -> f64 {
        MARGIN + heading_height(self.heading) + self.name_height() + self.y.name_overhang()
    }

    /// The width of the axis to the left of a row's first panel.
    fn reach(&self) -> f64 {
        self.y.width_left().max(self.x.overhang())
    }

    fn name_height(&self) -> f64 {
        if self.names.iter().all(|name| name.is_empty()) { 0.0 } else { NAME + 10.0 }
    }

    /// The width of a panel, or of its name if that is longer.
    fn width(&self) -> f64 {
        self.names.iter().map(|name| bold_width(name, NAME)).fold(self.x.length(), f64::max)
    }

    /// The distance from one panel to the next, to the right and down.
    fn pitch(&self) -> (f64, f64) {
        let beside = (self.x.overhang().max(18.0) + self.x.name_overhang()).max(self.width() - self.x.length() + 12.0);
        let below = self.x.height_below().max(2.0 * self.y.name_overhang());
        let below = LINE_GAP + below.max(self.legend.size().1 - self.y.length());
        ((self.x.length() + beside).round(), (self.y.length() + below + self.name_height()).round())
    }
}
