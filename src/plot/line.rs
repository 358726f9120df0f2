//! [`LineChart`]: lines over layers, sparsity or training steps.

mod strokes;

use std::fmt::Write;

use super::{
    data::{Kept, Numeric, ToNames},
    figure::Figure,
    series::Series,
};
use crate::{
    Result,
    error::PlotError,
    order::{largest, rising},
    plot::{
        check_count,
        drawing::{
            axes::Axes,
            canvas::{Canvas, Frame, heading_height},
            category_axis::{Band, Labels},
            color::{FAINT, MUTED, Rgb, check_range, series_color},
            line_labels::{self, DirectLabel},
            mark::Mark,
            numeric_axis::Span,
            page::{MARGIN, NOTE},
        },
    },
    printable::{columns, fit, headline, line, number, or, pad, printable},
};

/// Lines with their names at their ends, bands of one standard deviation, and dashed baselines.
///
/// Up to eight lines have distinct colours. More lines, or [`ordered`](Self::ordered) ones, run from light to dark in
/// the given order, which suits layers.
///
/// # Examples
/// ```
/// use glassbox::plot::{LineChart, Series};
/// let figure = LineChart::new()
///     .title("Is the subject plural?")
///     .add(Series::new("test", [0.52, 0.81, 0.97]).sd([0.03, 0.02, 0.01]))
///     .baseline("chance", 0.5).x("layer").y("accuracy").draw()?;
/// assert!(figure.to_svg().contains("<title>test, layer 1: 0.81 ± 0.02</title>"));
/// # Ok::<(), glassbox::Error>(())
/// ```
///
/// <div>
#[doc = include_str!("../../tests/golden/line.svg")]
/// </div>
#[doc(alias("line", "px.line", "plot"))]
#[derive(Clone, Default)]
#[must_use = "a chart is drawn by `.draw()`"]
pub struct LineChart {
    title: String,
    series: Vec<Series>,
    baselines: Vec<(String, f32)>,
    x: (String, Labels),
    y: String,
    kept: Kept,
    y_range: Option<(f32, f32)>,
    y_limits: Option<(f32, f32)>,
    log_x: bool,
    log_y: bool,
    ordered: bool,
}

const PICTURE: &str = "a line chart";
const SIZE: (f64, f64) = (520.0, 280.0);
/// The most lines, and the most names on the x axis.
const LINES: usize = 1000;
const NAMES: usize = 10_000;

impl LineChart {
    /// An empty chart.
    pub fn new() -> Self {
        Self::default()
    }

    /// The heading.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = line(title.into());
        self
    }

    /// Adds a line.
    #[expect(clippy::should_implement_trait, reason = "a chart plus a series is not arithmetic")]
    pub fn add(mut self, series: Series) -> Self {
        self.series.push(series);
        self
    }

    /// Adds a dashed level to compare with, such as chance.
    pub fn baseline(mut self, label: impl Into<String>, value: impl Numeric) -> Self {
        self.baselines.push((printable(&label.into()), value.to_f32()));
        self
    }

    /// Names the x axis.
    pub fn x(mut self, name: impl Into<String>) -> Self {
        self.x.0 = line(name.into());
        self
    }

    /// Names for x = 0, 1, 2, ..., such as `0_mid`.
    pub fn x_names<Kind>(mut self, names: impl ToNames<Kind>) -> Self {
        self.x.1 = Labels::names(self.kept.take(names.to_names()));
        self
    }

    /// Names the y axis.
    pub fn y(mut self, name: impl Into<String>) -> Self {
        self.y = line(name.into());
        self
    }

    /// The least range that the y axis covers, such as 0 to 1 for shares.
    pub fn y_range(mut self, lo: impl Numeric, hi: impl Numeric) -> Self {
        self.y_range = Some((lo.to_f32(), hi.to_f32()));
        self
    }

    /// The possible range of values, such as 0 to 1 for shares. The y axis and the bands stop there, unless a value
    /// lies beyond.
    pub fn y_limits(mut self, lo: impl Numeric, hi: impl Numeric) -> Self {
        self.y_limits = Some((lo.to_f32(), hi.to_f32()));
        self
    }

    /// Colours the lines from light to dark, for lines that are steps of a scale, such as model sizes.
    pub fn ordered(mut self) -> Self {
        self.ordered = true;
        self
    }

    /// Makes the x axis logarithmic.
    pub fn log_x(mut self) -> Self {
        self.log_x = true;
        self
    }

    /// Makes the y axis logarithmic.
    pub fn log_y(mut self) -> Self {
        self.log_y = true;
        self
    }

    /// Draws the picture. If a line is too long for its points to be told apart, only the first, lowest, highest and
    /// last point of each half pixel are drawn, which looks the same; a note says so.
    ///
    /// # Errors
    /// When no line has a finite value, there are more than 1000 lines, a long line goes back and forth, the parts of a
    /// series differ in length, the number of names does not match the places on the x axis, or a value on a
    /// logarithmic axis is not positive.
    pub fn draw(&self) -> Result<Figure> {
        self.check()?;
        let axes = self.axes();
        let labels = self.direct_labels();
        let frame = Frame {
            x: MARGIN + axes.width_left(),
            y: MARGIN + heading_height(&self.title),
            width: SIZE.0,
            height: SIZE.1.max(line_labels::height(labels.len())),
        };
        let right = frame.right() + line_labels::width(&labels) + MARGIN;
        let note = self.note();
        let under = frame.bottom() + axes.height_below() + MARGIN;
        let canvas =
            Canvas::headed(&self.title, &note, right, under + if note.is_empty() { 0.0 } else { NOTE + MARGIN });
        canvas.note((MARGIN, under + NOTE / 2.0), &note);
        axes.draw(&canvas, frame);
        let chart = canvas.chart(frame, axes.x, axes.y);
        for (label, value) in &self.baselines {
            let level = f64::from(*value);
            let ends = [axes.x.low(), axes.x.high()].map(|x| (x, level));
            let title = format!("{label}: {}", number(*value));
            canvas.put_on(&chart, &Mark::line(ends).stroke(FAINT, 1.25).dash("5 4").title(title));
        }
        for (i, series) in self.series.iter().enumerate() {
            self.draw_bands(&canvas, &chart, series, axes.x, self.color(i));
        }
        for (i, series) in self.series.iter().enumerate() {
            self.draw_line(&canvas, &chart, series, axes.x, self.color(i))?;
        }
        line_labels::draw(&canvas, frame, axes.y, &labels);
        canvas.finish(self.alt(), self.plain())
    }

    fn color(&self, i: usize) -> Rgb {
        series_color(i, self.series.len(), self.ordered)
    }

    fn axes(&self) -> Axes<'_> {
        let (x, y) = (self.x_span(), self.y_span());
        let (x_ticks, y_ticks) = (self.x_ticks(x), y.labels(6));
        Axes { x, y, x_ticks, y_ticks, x_name: &self.x.0, y_name: &self.y, band: self.band() }
    }

    /// The ticks of the x axis: one for each place if there are few on a logarithmic axis, and whole numbers if all
    /// places are.
    fn x_ticks(&self, x: Span) -> Vec<(f64, String)> {
        let mut places: Vec<f64> = self.points().map(|(x, _, _)| x).collect();
        places.sort_by(|a, b| rising(*a, *b));
        places.dedup();
        if self.log_x && places.len() <= 12 {
            return places.into_iter().map(|value| (value, number(value as f32))).collect();
        }
        if places.iter().all(|x| x.fract() == 0.0) {
            let whole = x.ticks(13).into_iter().filter(|x| x.fract() == 0.0);
            return whole.map(|value| (value, number(value as f32))).collect();
        }
        x.labels(9)
    }

    /// Every finite point of every series.
    fn points(&self) -> impl Iterator<Item = (f64, f64, f64)> + '_ {
        self.series.iter().flat_map(Series::points).filter(|(x, y, _)| x.is_finite() && y.is_finite())
    }

    fn x_span(&self) -> Span {
        if let Labels::Names { all: names, .. } = &self.x.1 {
            return Span::new(-0.5, names.len() as f64 - 0.5, false);
        }
        Span::over(self.points().map(|(x, _, _)| x), self.log_x).padded(0.02)
    }

    fn y_span(&self) -> Span {
        let points = self.points().flat_map(|(_, y, sd)| [y - sd, y, y + sd]);
        let levels = self.baselines.iter().map(|&(_, value)| f64::from(value));
        let asked = self.y_range.into_iter().flat_map(|(lo, hi)| [f64::from(lo), f64::from(hi)]);
        let all = points.chain(levels).chain(asked).filter(|&y| y.is_finite() && (!self.log_y || y > 0.0));
        let (least, most) = self.limits();
        let span = Span::over(all.map(|y| y.clamp(least, most)), self.log_y);
        if self.log_y { span.padded(0.04) } else { span.rounded(6).within(least, most) }
    }

    /// The least and the greatest value of the y axis: all values, and the bands as far as values are possible.
    fn limits(&self) -> (f64, f64) {
        let Some((lo, hi)) = self.y_limits.filter(|(lo, hi)| lo < hi) else {
            return (f64::NEG_INFINITY, f64::INFINITY);
        };
        let levels = self.baselines.iter().map(|&(_, value)| f64::from(value)).filter(|value| value.is_finite());
        let values = || self.points().map(|(_, y, _)| y).chain(levels.clone());
        (values().fold(f64::from(lo), f64::min), values().fold(f64::from(hi), f64::max))
    }

    /// The x axis with names, if it has names.
    fn band(&self) -> Option<Band<'_>> {
        match &self.x {
            (name, labels @ Labels::Names { all: names, .. }) => {
                let count = names.len();
                Some(Band { labels, name, count, pitch: SIZE.0 / count as f64, reversed: false })
            }
            _ => None,
        }
    }

    fn direct_labels(&self) -> Vec<DirectLabel> {
        let lines = self.series.iter().enumerate().filter_map(|(i, series)| {
            let (_, y, _) = series.stretches().last()?.last().copied()?;
            Some(DirectLabel { text: fit(&series.label, 26), level: y, color: self.color(i) })
        });
        let levels = self.baselines.iter().filter(|(_, value)| value.is_finite()).map(|(label, value)| DirectLabel {
            text: fit(label, 26),
            level: f64::from(*value),
            color: MUTED,
        });
        levels.chain(lines).filter(|label| !label.text.is_empty()).collect()
    }

    fn tooltip(&self, series: &Series, x: f64, y: f64, sd: f64) -> String {
        let spread = if series.has_sd() { format!(" ± {}", number(sd as f32)) } else { String::new() };
        format!("{}, {}: {}{spread}", series.label, self.x_name(x), number(y as f32))
    }

    fn x_name(&self, x: f64) -> String {
        match &self.x {
            (name, Labels::Names { .. }) => self.x.1.full(name, x.max(0.0) as usize),
            (name, _) => format!("{} {}", if name.is_empty() { "x" } else { name }, number(x as f32)),
        }
    }

    fn check(&self) -> Result<()> {
        self.kept.check()?;
        self.series.iter().try_for_each(Series::check)?;
        check_count(PICTURE, "lines", self.series.len(), LINES)?;
        if self.points().next().is_none() {
            return Err(PlotError::Empty { picture: PICTURE, what: "no line has a finite value" }.into());
        }
        if let Labels::Names { all: names, .. } = &self.x.1 {
            if self.log_x {
                return Err(PlotError::NamedLogarithm { axis: "x" }.into());
            }
            check_count(PICTURE, "names", names.len(), NAMES)?;
            let last = self.points().map(|(x, _, _)| x).fold(0.0, f64::max);
            let expected = self.series.iter().map(|series| series.y.len()).max().unwrap_or(0).max(last as usize + 1);
            if names.len() != expected {
                self.x.1.check(PICTURE, "x", expected)?;
            }
        }
        for series in &self.series {
            for (x, y, _) in series.points().filter(|(x, y, _)| x.is_finite() && y.is_finite()) {
                for (axis, value, log) in [("x", x, self.log_x), ("y", y, self.log_y)] {
                    if log && value <= 0.0 {
                        let (series, value) = (series.label.clone(), value as f32);
                        return Err(PlotError::Logarithm { axis, series, value }.into());
                    }
                }
            }
        }
        check_range(self.y_limits)?;
        check_range(self.y_range)
    }

    fn alt(&self) -> String {
        let title = or(&self.title, "Line chart");
        let ends = self.series.iter().take(3).filter_map(|series| {
            let points = series.stretches().concat();
            let (first, last) = (points.first()?.1 as f32, points.last()?.1 as f32);
            Some(format!("{} goes from {} to {}", series.label, number(first), number(last)))
        });
        let said = ends.collect::<Vec<_>>().join(", ");
        let more = self.series.len().saturating_sub(3);
        let rest = if more > 0 { format!(", and {more} more lines") } else { String::new() };
        format!("{title}: {said}{rest}.")
    }

    /// One line of text for each series. A long one is shown at a few places, its highest and lowest point among them.
    fn plain(&self) -> String {
        let mut out = headline(&self.title);
        let width = self.series.iter().map(|series| columns(&series.label)).max().unwrap_or(0);
        for series in &self.series {
            let points: Vec<_> = series.points().collect();
            let every = points.len().div_ceil(16).max(1);
            let peaks = [1.0, -1.0].map(|sign| largest(points.iter().map(|&(_, y, _)| sign * y)));
            let shown = |at: &usize| at.is_multiple_of(every) || peaks.contains(&Some(*at));
            let value = |&(x, y, _): &(f64, f64, f64)| {
                let named = matches!(self.x.1, Labels::Names { .. });
                format!("{}: {}", if named { self.x_name(x) } else { number(x as f32) }, number(y as f32))
            };
            let values: Vec<_> = (0..points.len()).filter(shown).map(|at| value(&points[at])).collect();
            let _ = writeln!(out, "{}  {}", pad(&series.label, width), values.join("  "));
        }
        for (label, value) in &self.baselines {
            let _ = writeln!(out, "({label}: {})", number(*value));
        }
        out
    }
}
