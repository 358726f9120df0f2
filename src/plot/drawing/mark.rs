//! One drawn thing: a shape at some points, its paint, and an optional tooltip.
//!
//! [`Mark`] is an element for plotters like `Circle` or `Rectangle`, but it works with [`SvgBackend`] only. That lets
//! it express what plotters' backend trait cannot, such as tooltips.

use std::{convert::Infallible, slice};

use plotters::element::{Drawable, PointCollection};
use plotters_backend::{BackendCoord, DrawingErrorKind};

use super::{
    color::{INK, Rgb},
    svg::SvgBackend,
};

/// A shape at points of type `C`: px on a [`Canvas`](super::canvas::Canvas), data in a chart.
#[derive(Clone, Debug)]
pub(crate) struct Mark<C = (f64, f64)> {
    points: Vec<C>,
    shape: Shape,
    paint: Paint,
    title: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) enum Shape {
    /// Rectangles, each given by two opposite corners.
    Rects,
    /// A line through the points.
    Path { closed: bool },
    /// Separate lines, each from one point to the next.
    Segments,
    /// Level lines, each from one point to the next on its right.
    Runs,
    /// A circle of a radius in px.
    Circle(f64),
    /// Text, centred vertically on the point.
    Text(Words),
    /// The start of a group of marks that share one tooltip.
    Open,
    /// The end of a group.
    Close,
}

#[derive(Clone, Debug)]
pub(crate) struct Paint {
    pub fill: Option<Rgb>,
    pub opacity: f64,
    pub stroke: Option<(Rgb, f64)>,
    pub dash: Option<&'static str>,
    pub round: bool,
}

impl Default for Paint {
    fn default() -> Self {
        Self { fill: None, opacity: 1.0, stroke: None, dash: None, round: false }
    }
}

/// A text and its style.
#[derive(Clone, Debug, Default)]
pub(crate) struct Words {
    pub content: String,
    /// Text of another colour directly after the content.
    pub suffix: Option<(String, Rgb)>,
    pub size: f64,
    pub anchor: Anchor,
    /// The rotation around the point, in degrees clockwise.
    pub angle: f64,
    pub bold: bool,
    pub sans: bool,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Anchor {
    #[default]
    Start,
    Middle,
    End,
}

impl<C> Mark<C> {
    fn new(shape: Shape, points: Vec<C>) -> Self {
        Self { points, shape, paint: Paint::default(), title: None }
    }

    pub(crate) fn rect(from: C, to: C) -> Self {
        Self::new(Shape::Rects, vec![from, to])
    }

    pub(crate) fn rects(corners: Vec<C>) -> Self {
        Self::new(Shape::Rects, corners)
    }

    pub(crate) fn line(points: impl IntoIterator<Item = C>) -> Self {
        Self::new(Shape::Path { closed: false }, points.into_iter().collect())
    }

    pub(crate) fn polygon(points: impl IntoIterator<Item = C>) -> Self {
        Self::new(Shape::Path { closed: true }, points.into_iter().collect())
    }

    pub(crate) fn segments(ends: Vec<C>) -> Self {
        Self::new(Shape::Segments, ends)
    }

    pub(crate) fn runs(ends: Vec<C>) -> Self {
        Self::new(Shape::Runs, ends)
    }

    pub(crate) fn circle(center: C, radius: f64) -> Self {
        Self::new(Shape::Circle(radius), vec![center])
    }

    pub(crate) fn text(at: C, content: impl Into<String>, size: f64) -> Self {
        let words = Words { content: content.into(), size, ..Words::default() };
        Self::new(Shape::Text(words), vec![at]).fill(INK)
    }

    /// Starts a group; its point does not matter.
    pub(crate) fn open(at: C, title: String) -> Self {
        Self::new(Shape::Open, vec![at]).title(title)
    }

    /// Ends a group; its point does not matter.
    pub(crate) fn close(at: C) -> Self {
        Self::new(Shape::Close, vec![at])
    }

    pub(crate) fn fill(mut self, color: Rgb) -> Self {
        self.paint.fill = Some(color);
        self
    }

    pub(crate) fn opacity(mut self, opacity: f64) -> Self {
        self.paint.opacity = opacity;
        self
    }

    pub(crate) fn stroke(mut self, color: Rgb, width: f64) -> Self {
        self.paint.stroke = Some((color, width));
        self
    }

    pub(crate) fn dash(mut self, dash: &'static str) -> Self {
        self.paint.dash = Some(dash);
        self
    }

    /// Makes line ends and corners round.
    pub(crate) fn round(mut self) -> Self {
        self.paint.round = true;
        self
    }

    pub(crate) fn title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    fn words(mut self, change: impl FnOnce(&mut Words)) -> Self {
        if let Shape::Text(words) = &mut self.shape {
            change(words);
        }
        self
    }

    pub(crate) fn middle(self) -> Self {
        self.words(|words| words.anchor = Anchor::Middle)
    }

    pub(crate) fn end(self) -> Self {
        self.words(|words| words.anchor = Anchor::End)
    }

    pub(crate) fn bold(self) -> Self {
        self.words(|words| words.bold = true)
    }

    pub(crate) fn sans(self) -> Self {
        self.words(|words| words.sans = true)
    }

    pub(crate) fn turned(self, degrees: f64) -> Self {
        self.words(|words| words.angle = degrees)
    }

    pub(crate) fn suffix(self, text: String, color: Rgb) -> Self {
        self.words(|words| words.suffix = (!text.is_empty()).then_some((text, color)))
    }
}

impl<'a, C: 'a> PointCollection<'a, C> for &'a Mark<C> {
    type Point = &'a C;
    type IntoIter = slice::Iter<'a, C>;

    fn point_iter(self) -> Self::IntoIter {
        self.points.iter()
    }
}

impl<C> Drawable<SvgBackend> for Mark<C> {
    fn draw<I: Iterator<Item = BackendCoord>>(
        &self,
        points: I,
        backend: &mut SvgBackend,
        _: (u32, u32),
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        backend.write(&self.shape, &points.collect::<Vec<_>>(), &self.paint, self.title.as_deref())
    }
}
