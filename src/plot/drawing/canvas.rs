//! The sheet on which every picture is drawn, measured in px.

use std::{cell::RefCell, rc::Rc};

use plotters::{
    coord::{CoordTranslate, Shift, cartesian::Cartesian2d},
    drawing::{DrawingArea, IntoDrawingArea},
    element::{Drawable, PointCollection},
};
use plotters_backend::BackendCoord;

use super::{
    color::{MUTED, Rgb},
    mark::Mark,
    page::{MARGIN, NOTE, TITLE},
    svg::{SvgBackend, units},
};
use crate::{
    Result,
    error::PlotError,
    plot::{drawing::numeric_axis::Span, figure::Figure},
    printable::{columns, fit, printable},
};

/// Longer headings are cut.
const LONGEST_HEADING: usize = 100;

/// The coordinate system of a [`Canvas`]: px from the upper left corner.
#[derive(Clone)]
pub(crate) struct Pixels;

impl CoordTranslate for Pixels {
    type From = (f64, f64);

    fn translate(&self, &(x, y): &Self::From) -> BackendCoord {
        (units(x), units(y))
    }
}

/// A chart's area in the coordinates of its data.
pub(crate) type Chart = DrawingArea<SvgBackend, Cartesian2d<Span, Span>>;

/// A rectangle in px.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

impl Frame {
    pub(crate) fn right(&self) -> f64 {
        self.x + self.width
    }

    pub(crate) fn bottom(&self) -> f64 {
        self.y + self.height
    }

    pub(crate) fn middle(&self) -> (f64, f64) {
        (self.x + self.width / 2.0, self.y + self.height / 2.0)
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark::rect((self.x, self.y), (self.right(), self.bottom()))
    }
}

/// A sheet that is being drawn on; [`finish`](Self::finish) turns it into a [`Figure`].
pub(crate) struct Canvas {
    area: DrawingArea<SvgBackend, Pixels>,
    sheet: DrawingArea<SvgBackend, Shift>,
    out: Rc<RefCell<String>>,
    size: (f64, f64),
    refused: RefCell<Option<String>>,
}

impl Canvas {
    /// A sheet for a picture between a heading and a note, wide enough for both. The heading is already drawn.
    pub(crate) fn headed(heading: &str, note: &str, width: f64, height: f64) -> Self {
        let shown = if heading.is_empty() { String::new() } else { fit(&printable(heading), LONGEST_HEADING) };
        let words = bold_width(&shown, TITLE).max(sans_width(note, NOTE)) + 2.0 * MARGIN;
        let canvas = Self::new(width.max(words), height);
        if !shown.is_empty() {
            canvas.put(Mark::text((MARGIN, MARGIN + TITLE / 2.0), shown, TITLE).bold().sans());
        }
        canvas
    }

    pub(crate) fn new(width: f64, height: f64) -> Self {
        let size = (width.ceil(), height.ceil());
        let (backend, out) = SvgBackend::new(size.0, size.1);
        let sheet = backend.into_drawing_area();
        Self { area: sheet.apply_coord_spec(Pixels), sheet, out, size, refused: RefCell::default() }
    }

    /// Draws a mark in px.
    pub(crate) fn put(&self, mark: Mark) {
        self.put_on(&self.area, &mark);
    }

    /// Draws several marks that share one tooltip.
    pub(crate) fn group(&self, title: String, marks: impl IntoIterator<Item = Mark>) {
        self.put(Mark::open((0.0, 0.0), title));
        marks.into_iter().for_each(|mark| self.put(mark));
        self.put(Mark::close((0.0, 0.0)));
    }

    /// Draws a mark, or one of plotters' own elements, on an area of this canvas.
    ///
    /// Errors of plotters are kept for [`finish`](Self::finish), so that drawing code needs no `?` on every line.
    pub(crate) fn put_on<CT: CoordTranslate, E>(&self, area: &DrawingArea<SvgBackend, CT>, element: &E)
    where
        for<'a> &'a E: PointCollection<'a, CT::From>,
        E: Drawable<SvgBackend>,
    {
        if let Err(why) = area.draw(element) {
            self.refused.borrow_mut().get_or_insert(why.to_string());
        }
    }

    /// A line of small grey words.
    pub(crate) fn note(&self, at: (f64, f64), text: &str) {
        if !text.is_empty() {
            self.put(Mark::text(at, text, NOTE).fill(MUTED).sans());
        }
    }

    /// The chart of two axes within `frame`; y points up.
    pub(crate) fn chart(&self, frame: Frame, x: Span, y: Span) -> Chart {
        let pixels = (units(frame.x)..units(frame.right()), units(frame.bottom())..units(frame.y));
        let corner = (units(frame.x), units(frame.y));
        let area = self.sheet.clone().shrink(corner, (units(frame.width), units(frame.height)));
        area.apply_coord_spec(Cartesian2d::<Span, Span>::new(x, y, pixels))
    }

    /// Returns the figure, with its alternative text and its plain-text form.
    pub(crate) fn finish(self, alt: impl Into<String>, plain: impl Into<String>) -> Result<Figure> {
        match self.refused.into_inner() {
            Some(why) => Err(PlotError::Drawing(why).into()),
            None => Ok(Figure::drawing(self.size, self.out.take(), alt.into(), plain.into())),
        }
    }
}

/// The width in px of a proportional text, with some room to spare.
pub(crate) fn sans_width(text: &str, size: f64) -> f64 {
    columns(text) as f64 * size * 0.58
}

/// The width in px of a bold proportional text.
pub(crate) fn bold_width(text: &str, size: f64) -> f64 {
    1.15 * sans_width(text, size)
}

/// The height of the heading with the space below it; 0 if there is no heading.
pub(crate) fn heading_height(text: &str) -> f64 {
    if text.is_empty() { 0.0 } else { TITLE + 10.0 }
}

/// Converts the colour to plotters' type.
impl From<Rgb> for plotters::style::RGBColor {
    fn from(Rgb(r, g, b): Rgb) -> Self {
        Self(r, g, b)
    }
}
