//! [`Scatter`]: a scatter plot of named points.

use std::collections::HashMap;

use super::{data::NamedPoint, figure::Figure};
use crate::{
    Result,
    error::PlotError,
    order::falling,
    plot::drawing::{
        axes::Axes,
        canvas::{Canvas, Frame, heading_height},
        color::{ACCENT, FAINT, INK, PAPER, RULE},
        mark::Mark,
        numeric_axis::Span,
        page::{LABEL, MARGIN, NOTE},
    },
    printable::{columns, fit, headline, line, number, or, pad, pad_left, text_width},
};

/// A scatter plot. The tooltip of each point shows its name; the outermost points are labelled where there is room.
///
/// # Examples
/// ```
/// use glassbox::plot::Scatter;
/// let figure = Scatter::new([("L0H0", 0.99, 0.61), ("L0H1", 0.02, 0.1)]).x("previous token").y("composition").draw()?;
/// assert!(figure.to_svg().contains("<title>L0H0: previous token 0.99, composition 0.61</title>"));
/// # Ok::<(), glassbox::Error>(())
/// ```
///
/// <div>
#[doc = include_str!("../../tests/golden/scatter.svg")]
/// </div>
#[doc(alias = "px.scatter")]
#[derive(Clone)]
#[must_use = "a scatter plot is drawn by `.draw()`"]
pub struct Scatter {
    points: Vec<(String, f32, f32)>,
    title: String,
    x: String,
    y: String,
    named: usize,
    to_scale: bool,
    diagonal: bool,
}

const SIZE: (f64, f64) = (440.0, 320.0);
const SQUARE: (f64, f64) = (360.0, 360.0);
/// The least height of a picture drawn to scale whose points are nearly level.
const FLAT: f64 = 120.0;
const RADIUS: f64 = 3.5;
/// The most points drawn one by one. Beyond that, one dot replaces all points in a square of this side, in px.
const DOTS: usize = 5000;
const SQUARED: f64 = 3.0;
/// The most points for which a label is tried.
const TRIED: usize = 1000;

impl Scatter {
    /// Points: name, x, y. Points without a name, given as x and y only, are numbered from 0.
    pub fn new(points: impl IntoIterator<Item = impl NamedPoint>) -> Self {
        let points = points.into_iter().map(NamedPoint::point).enumerate();
        let points = points.map(|(at, (name, x, y))| (name.unwrap_or_else(|| at.to_string()), x, y)).collect();
        let (title, x, y) = Default::default();
        Self { points, title, x, y, named: 12, to_scale: false, diagonal: false }
    }

    /// The heading.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = line(title.into());
        self
    }

    /// Names the x axis.
    pub fn x(mut self, name: impl Into<String>) -> Self {
        self.x = line(name.into());
        self
    }

    /// Names the y axis.
    pub fn y(mut self, name: impl Into<String>) -> Self {
        self.y = line(name.into());
        self
    }

    /// The most points that are labelled in the picture; the default is 12.
    pub fn named(mut self, points: usize) -> Self {
        self.named = points;
        self
    }

    /// Makes one unit equally long on both axes, as for the complex plane.
    pub fn to_scale(mut self) -> Self {
        self.to_scale = true;
        self
    }

    /// Gives both axes the same range and draws the line where both values are equal, to compare two measurements of
    /// the same quantity. The points farthest from that line are labelled.
    pub fn diagonal(mut self) -> Self {
        self.diagonal = true;
        self
    }

    /// Draws the picture. A point whose x or y is not finite is left out. If there are very many points, one dot
    /// replaces all points that it would cover; it is the outermost of them, and a note says so.
    ///
    /// # Errors
    /// When no point is finite.
    pub fn draw(&self) -> Result<Figure> {
        let points: Vec<_> = self.points.iter().filter(|(_, x, y)| x.is_finite() && y.is_finite()).collect();
        if points.is_empty() {
            return Err(PlotError::Empty { picture: "a scatter plot", what: "no point is finite" }.into());
        }
        let (x, y, size) = self.spans(&points);
        let (x_ticks, y_ticks) = (x.labels(6), y.labels(6));
        let axes = Axes { x, y, x_ticks, y_ticks, x_name: &self.x, y_name: &self.y, band: None };
        let frame = Frame {
            x: MARGIN + axes.width_left(),
            y: MARGIN + heading_height(&self.title),
            width: size.0,
            height: size.1,
        };
        let (right, bottom) = (frame.right() + 2.0 * MARGIN, frame.bottom() + axes.height_below() + MARGIN);
        let note = match points.len() {
            0..=DOTS => String::new(),
            all => format!("{all} points; a dot stands for all within {SQUARED} px."),
        };
        let canvas = Canvas::headed(&self.title, &note, right, bottom + if note.is_empty() { 0.0 } else { NOTE + 8.0 });
        canvas.note((MARGIN, bottom + NOTE / 2.0), &note);
        axes.draw(&canvas, frame);
        if x.low() < 0.0 && x.high() > 0.0 {
            let zero = frame.x + frame.width * x.position(0.0);
            canvas.put(Mark::line([(zero, frame.y), (zero, frame.bottom())]).stroke(RULE, 1.0));
        }
        if self.diagonal {
            let ends = [(frame.x, frame.bottom()), (frame.right(), frame.y)];
            canvas.put(Mark::line(ends).stroke(FAINT, 1.0).dash("5 4"));
        }
        let place = |point: &(String, f32, f32)| {
            let (across, up) = (x.position(f64::from(point.1)), y.position(f64::from(point.2)));
            (frame.x + frame.width * across, frame.bottom() - frame.height * up)
        };
        let places: Vec<_> = points.iter().map(|point| place(point)).collect();
        let dots = dots(&places, frame.middle());
        for &(i, more) in &dots {
            let dot = Mark::circle(places[i], RADIUS).fill(ACCENT).opacity(0.75).stroke(PAPER, 0.75);
            let more = if more > 0 { format!(" (and {more} more)") } else { String::new() };
            canvas.put(dot.title(self.tooltip(points[i]) + &more));
        }
        let (drawn, at): (Vec<_>, Vec<_>) = dots.iter().map(|&(i, _)| (points[i], places[i])).unzip();
        for (name, at) in self.names(&drawn, &at, frame) {
            canvas.put(Mark::text(at, name, LABEL).fill(INK));
        }
        canvas.finish(self.alt(&points), self.plain(&points))
    }

    /// The ranges of the axes and their lengths in px.
    fn spans(&self, points: &[&(String, f32, f32)]) -> (Span, Span, (f64, f64)) {
        let span = |value: fn(&(String, f32, f32)) -> f32| {
            let span = Span::over(points.iter().map(|point| f64::from(value(point))), false);
            span.rounded(6).padded(0.02)
        };
        if self.diagonal {
            let both = Span::over(points.iter().flat_map(|point| [f64::from(point.1), f64::from(point.2)]), false);
            let both = both.rounded(6).padded(0.02);
            return (both, both, SQUARE);
        }
        let (x, y) = (span(|point| point.1), span(|point| point.2));
        if !self.to_scale {
            return (x, y, SIZE);
        }
        let length = |span: Span| span.high() - span.low();
        let size = (SIZE.0, (SIZE.0 * length(y) / length(x)).clamp(FLAT, SIZE.1));
        let unit = (length(x) / size.0).max(length(y) / size.1);
        let grown = |span: Span, px: f64| {
            let room = (unit * px - length(span)) / 2.0;
            Span::new(span.low() - room, span.high() + room, false)
        };
        (grown(x, size.0), grown(y, size.1), size)
    }

    fn tooltip(&self, (name, x, y): &(String, f32, f32)) -> String {
        format!("{name}: {} {}, {} {}", or(&self.x, "x"), number(*x), or(&self.y, "y"), number(*y))
    }

    /// The labels that are drawn, those of the outermost points first. Each stands beside, above or below its point and
    /// covers no other label and no other point.
    fn names(&self, points: &[&(String, f32, f32)], places: &[(f64, f64)], frame: Frame) -> Vec<(String, (f64, f64))> {
        let middle = |axis: fn(&(f64, f64)) -> f64| places.iter().map(axis).sum::<f64>() / places.len() as f64;
        let (x, y) = (middle(|place| place.0), middle(|place| place.1));
        let distance = |i: &usize| match self.diagonal {
            true => f64::from((points[*i].1 - points[*i].2).abs()),
            false => (places[*i].0 - x).hypot((places[*i].1 - y) * frame.width / frame.height),
        };
        let mut order: Vec<usize> = (0..points.len()).collect();
        order.sort_by(|a, b| falling(distance(a), distance(b)));
        let mut taken: Vec<Frame> = Vec::new();
        let mut names = Vec::new();
        for i in order.into_iter().take(TRIED) {
            if names.len() == self.named {
                break;
            }
            let name = fit(&points[i].0, 18);
            let (width, (x, y)) = (text_width(&name, LABEL), places[i]);
            let room = |from: f64, up: f64| Frame { x: from, y: y - up - LABEL / 2.0, width, height: LABEL };
            let free = |at: &Frame| {
                let inside = at.x >= frame.x
                    && at.right() <= frame.right() + MARGIN
                    && at.y >= frame.y
                    && at.bottom() <= frame.bottom();
                let dots = places.iter().enumerate().filter(|&(other, _)| other != i);
                let covers = |&(dot_x, dot_y): &(f64, f64)| {
                    dot_x + RADIUS > at.x
                        && dot_x - RADIUS < at.right()
                        && dot_y + RADIUS > at.y
                        && dot_y - RADIUS < at.bottom()
                };
                inside && !taken.iter().any(|other| overlap(at, other)) && !dots.map(|(_, dot)| dot).any(covers)
            };
            let (beside, over) = (RADIUS + 3.0, RADIUS + 2.0 + LABEL / 2.0);
            let sides =
                [(x + beside, 0.0), (x - beside - width, 0.0), (x - width / 2.0, over), (x - width / 2.0, -over)];
            if let Some(at) = sides.into_iter().map(|(from, up)| room(from, up)).find(free) {
                taken.push(at);
                names.push((name, (at.x, at.middle().1)));
            }
        }
        names
    }

    fn alt(&self, points: &[&(String, f32, f32)]) -> String {
        let title = or(&self.title, "Scatter plot");
        let highest = points.iter().min_by(|a, b| falling(a.2, b.2)).map(|point| self.tooltip(point));
        format!("{title}: {} points; the highest is {}.", points.len(), highest.unwrap_or_default())
    }

    /// The points as text, the highest first.
    fn plain(&self, points: &[&(String, f32, f32)]) -> String {
        const LINES: usize = 20;
        let mut sorted = points.to_vec();
        sorted.sort_by(|a, b| falling(a.2, b.2));
        let width = sorted.iter().take(LINES).map(|point| columns(&point.0)).max().unwrap_or(0);
        let line = |(name, x, y): &(String, f32, f32)| {
            format!("{}  {}  {}\n", pad(name, width), pad_left(&number(*x), 9), pad_left(&number(*y), 9))
        };
        let head = format!("({}, {})\n", or(&self.x, "x"), or(&self.y, "y"));
        let body: String = sorted.iter().take(LINES).map(|point| line(point)).collect();
        let more = sorted.len().saturating_sub(LINES);
        let rest = if more > 0 { format!("and {more} more\n") } else { String::new() };
        headline(&self.title) + &head + &body + &rest
    }
}

/// The indices of the points to draw, each with the number of further points it replaces: all points if they are few,
/// else the point farthest from the middle in each square.
fn dots(places: &[(f64, f64)], middle: (f64, f64)) -> Vec<(usize, usize)> {
    if places.len() <= DOTS {
        return (0..places.len()).map(|i| (i, 0)).collect();
    }
    let far = |i: usize| (places[i].0 - middle.0).hypot(places[i].1 - middle.1);
    let mut squares = HashMap::<(i64, i64), (usize, usize)>::new();
    for (i, &(x, y)) in places.iter().enumerate() {
        let square = ((x / SQUARED).floor() as i64, (y / SQUARED).floor() as i64);
        let dot = squares.entry(square).or_insert((i, 0));
        if dot.0 != i {
            *dot = (if far(i) > far(dot.0) { i } else { dot.0 }, dot.1 + 1);
        }
    }
    let mut dots: Vec<(usize, usize)> = squares.into_values().collect();
    dots.sort_unstable();
    dots
}

fn overlap(a: &Frame, b: &Frame) -> bool {
    a.x < b.right() && b.x < a.right() && a.y < b.bottom() && b.y < a.bottom()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_not_stand_on_one_another() {
        let same = Scatter::new((0..9).map(|i| (format!("p{i}"), 1.0, 1.0))).draw().unwrap().to_svg();
        assert_eq!(same.matches("<title>p").count(), 9);
        assert!(same.matches("</text>").count() < 9 + 14);
        let apart = Scatter::new([("left", 0.0, 0.0), ("right", 1.0, 1.0)]).draw().unwrap().to_svg();
        assert!(apart.contains(">left</text>") && apart.contains(">right</text>"));
    }

    #[test]
    fn a_unit_is_as_long_on_both_axes_where_that_is_asked_for() {
        let points = [("a", 0.0, 0.0), ("b", 10.0, 1.0)];
        let (x, y, size) = Scatter::new(points).to_scale().spans(&[&("a".into(), 0.0, 0.0), &("b".into(), 10.0, 1.0)]);
        let unit = |span: Span, px: f64| (span.high() - span.low()) / px;
        assert!((unit(x, size.0) - unit(y, size.1)).abs() < 1e-9);
        assert!(size.1 < SIZE.1, "points that lie flat need no height");
    }

    #[test]
    fn with_a_diagonal_both_axes_cover_the_same() {
        let scatter = Scatter::new([("a", -1.0, 0.0), ("b", 10.0, 1.0)]).diagonal();
        let (x, y, _) = scatter.spans(&scatter.points.iter().collect::<Vec<_>>());
        assert_eq!((x.low(), x.high()), (y.low(), y.high()));
        assert!(x.low() < -1.0 && x.high() > 10.0);
        let named = scatter.named(1).draw().unwrap().to_svg();
        assert!(named.contains(">b</text>") && !named.contains(">a</text>"));
    }

    #[test]
    fn a_point_that_is_no_number_is_left_out() {
        let figure = Scatter::new([("a", f32::NAN, 0.0), ("b", 0.5, 0.5)]).draw().unwrap();
        assert!(!figure.to_svg().contains("<title>a") && figure.to_svg().contains("<title>b"));
        assert!(Scatter::new([("a", f32::NAN, 0.0)]).draw().is_err());
    }
}
