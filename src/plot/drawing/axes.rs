//! The axes of a chart: round numbers with grid lines, or names.

use super::{
    canvas::{Canvas, Frame},
    category_axis::draw_name,
    color::{GRID, MUTED, RULE},
    mark::Mark,
};
use crate::{
    plot::drawing::{
        category_axis::Band,
        numeric_axis::Span,
        page::{LABEL, NAME},
    },
    printable::{fit, text_width},
};

pub(crate) struct Axes<'a> {
    pub x: Span,
    pub y: Span,
    pub x_ticks: Vec<(f64, String)>,
    pub y_ticks: Vec<(f64, String)>,
    pub x_name: &'a str,
    pub y_name: &'a str,
    /// Names along the x axis instead of numbers.
    pub band: Option<Band<'a>>,
}

const GAP: f64 = 8.0;

impl Axes<'_> {
    /// The width of the axis to the left of the chart.
    pub(crate) fn width_left(&self) -> f64 {
        let ticks = self.y_ticks.iter().map(|(_, label)| text_width(label, LABEL)).fold(0.0, f64::max);
        let name = if self.y_name.is_empty() { 0.0 } else { NAME + 10.0 };
        (ticks + GAP + 1.0 + name).max(self.band.as_ref().map_or(0.0, Band::overhang))
    }

    /// The height of the axis below the chart.
    pub(crate) fn height_below(&self) -> f64 {
        match &self.band {
            Some(band) => band.height_below(),
            None if self.x_name.is_empty() => GAP + LABEL,
            None => GAP + LABEL + GAP + NAME,
        }
    }

    pub(crate) fn draw(&self, canvas: &Canvas, frame: Frame) {
        for (value, label) in &self.y_ticks {
            let at = frame.bottom() - frame.height * self.y.position(*value);
            canvas.put(Mark::line([(frame.x, at), (frame.right(), at)]).stroke(GRID, 1.0));
            canvas.put(Mark::text((frame.x - GAP, at), label.as_str(), LABEL).fill(MUTED).end());
        }
        match &self.band {
            Some(band) => band.draw_below(canvas, frame),
            None => self.draw_numbers(canvas, frame),
        }
        canvas.put(Mark::line([(frame.x, frame.bottom()), (frame.right(), frame.bottom())]).stroke(RULE, 1.0));
        let at = (frame.x - self.width_left() + NAME / 2.0, frame.middle().1);
        draw_name(canvas, at, &fit(self.y_name, 40), -90.0);
    }

    fn draw_numbers(&self, canvas: &Canvas, frame: Frame) {
        for (value, label) in &self.x_ticks {
            let at = frame.x + frame.width * self.x.position(*value);
            canvas.put(Mark::line([(at, frame.bottom()), (at, frame.bottom() + 4.0)]).stroke(RULE, 1.0));
            let place = (at, frame.bottom() + GAP + LABEL / 2.0);
            canvas.put(Mark::text(place, label.as_str(), LABEL).fill(MUTED).middle());
        }
        let at = (frame.middle().0, frame.bottom() + self.height_below() - NAME / 2.0);
        draw_name(canvas, at, &fit(self.x_name, 70), 0.0);
    }
}
