//! [`Bars`]: a horizontal bar chart of labelled numbers.

use super::{
    data::{Kept, Numeric, ToBars, ToNames},
    figure::Figure,
};
use crate::{
    Result,
    error::PlotError,
    plot::{
        check_count,
        drawing::{
            canvas::{Canvas, Frame, heading_height, sans_width},
            color::{ACCENT, MUTED, PAPER, RULE, WARM, check_range},
            mark::Mark,
            numeric_axis::Span,
            page::{LABEL, MARGIN, NAME},
        },
    },
    printable::{columns, fit, headline, line, number, or, pad, pad_left, printable, text_width, visible},
};

/// Horizontal bars in the given order, each with its label and its value. Negative values extend to the left, in red.
///
/// # Examples
/// ```
/// use glassbox::plot::Bars;
/// let figure = Bars::tokens([(" Mary", 0.71), (" John", 0.18)]).title("Next token").value("probability").draw()?;
/// assert!(figure.to_svg().contains("<title>·Mary: 0.71</title>"));
/// # Ok::<(), glassbox::Error>(())
/// ```
///
/// <div>
#[doc = include_str!("../../tests/golden/bars.svg")]
/// </div>
#[doc(alias("bar", "px.bar"))]
#[derive(Clone)]
#[must_use = "bars are drawn by `.draw()`"]
pub struct Bars {
    bars: Vec<(String, f32)>,
    /// The number of names given.
    names: Option<usize>,
    kept: Kept,
    title: String,
    value: String,
    range: Option<(f32, f32)>,
}

/// The most bars in one picture.
const BARS: usize = 5000;
/// The width of the longest bar, the height of a line, and the longest label in columns.
const WIDTH: f64 = 340.0;
const LINE: f64 = 21.0;
const LONGEST: usize = 32;

impl Bars {
    /// Bars of named values. Values without names are numbered from 0.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// assert!(Bars::new([("yes", 0.7), ("no", 0.3)]).draw()?.to_text().contains("yes"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn new<Kind>(bars: impl ToBars<Kind>) -> Self {
        Self::of(bars.to_bars(), printable)
    }

    /// Bars of tokens; spaces are shown as `·`.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// assert!(Bars::tokens([(" Mary", 0.71)]).draw()?.to_svg().contains("·Mary"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn tokens<Kind>(bars: impl ToBars<Kind>) -> Self {
        Self::of(bars.to_bars(), visible)
    }

    fn of(bars: Result<Vec<(String, f32)>>, shown: fn(&str) -> String) -> Self {
        let mut kept = Kept::default();
        let bars = kept.take(bars).into_iter().map(|(name, value)| (shown(&name), value)).collect();
        Self { bars, names: None, kept, title: String::new(), value: String::new(), range: None }
    }

    /// Names the bars, if the names are not given with the values.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// assert!(Bars::new([0.7, 0.3]).names(["yes", "no"]).draw()?.to_svg().contains("yes"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn names<Kind>(mut self, names: impl ToNames<Kind>) -> Self {
        let names = self.kept.take(names.to_names());
        self.names = Some(names.len());
        self.bars.iter_mut().zip(names).for_each(|(bar, name)| bar.0 = printable(&name));
        self
    }

    /// The heading.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = line(title.into());
        self
    }

    /// The name of the values, written under the bars.
    pub fn value(mut self, name: impl Into<String>) -> Self {
        self.value = line(name.into());
        self
    }

    /// The least range of values that the full width covers, so that charts can be compared. It always includes 0.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let half = Bars::new([("yes", 0.5)]).range(0, 1).draw()?; // the bar fills half of the width
    /// assert!(half.to_svg().contains("yes"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn range(mut self, lo: impl Numeric, hi: impl Numeric) -> Self {
        self.range = Some((lo.to_f32(), hi.to_f32()));
        self
    }

    /// Draws the picture. The bar of an infinite value is drawn broken.
    ///
    /// # Errors
    /// When there are no bars or more than 5000, the number of names differs from the number of bars, or the range is
    /// empty.
    pub fn draw(&self) -> Result<Figure> {
        self.kept.check()?;
        if self.bars.is_empty() {
            return Err(PlotError::Empty { picture: "a bar chart", what: "there are no bars" }.into());
        }
        check_count("a bar chart", "bars", self.bars.len(), BARS)?;
        check_range(self.range)?;
        if let Some(got) = self.names.filter(|&names| names != self.bars.len()) {
            let (picture, axis, expected) = ("a bar chart", "bar".into(), self.bars.len());
            return Err(PlotError::Labels { picture, axis, got, expected }.into());
        }
        let (lo, hi) = self.ends();
        let widest = |texts: &mut dyn Iterator<Item = f64>| texts.fold(0.0, f64::max);
        let label = widest(&mut self.bars.iter().map(|(label, _)| text_width(&fit(label, LONGEST), LABEL)));
        let number_width = widest(&mut self.bars.iter().map(|&(_, value)| text_width(&number(value), LABEL))) + 6.0;
        let room = if lo < 0.0 { number_width } else { 0.0 };
        let frame = Frame {
            x: MARGIN + label + 10.0 + room,
            y: MARGIN + heading_height(&self.title),
            width: WIDTH,
            height: LINE * self.bars.len() as f64,
        };
        let name = if self.value.is_empty() { 0.0 } else { NAME + 8.0 };
        let (x, y) = (Span::new(lo, hi, false), Span::new(0.0, self.bars.len() as f64, false));
        let zero = frame.x + frame.width * x.position(0.0);
        // The name starts where the bars start, or is centred there.
        let name_width = sans_width(&self.value, NAME);
        let name_from = if lo < 0.0 { (zero - name_width / 2.0).max(MARGIN) } else { frame.x };
        let right = (frame.right() + number_width).max(name_from + name_width);
        let size = (right + MARGIN, frame.bottom() + name + MARGIN);
        let canvas = Canvas::headed(&self.title, "", size.0, size.1);
        let chart = canvas.chart(frame, x, y);
        for (i, (name, value)) in self.bars.iter().enumerate() {
            let middle = frame.y + LINE * (i as f64 + 0.5);
            let color = if *value < 0.0 { WARM } else { ACCENT };
            let title = format!("{name}: {}", number(*value));
            canvas.put(Mark::text((frame.x - room - 10.0, middle), fit(name, LONGEST), LABEL).end());
            let end = if value.is_nan() { 0.0 } else { f64::from(*value).clamp(lo, hi) };
            let top = (self.bars.len() - i) as f64;
            let bar = Mark::rect((end.min(0.0), top - 0.15), (end.max(0.0), top - 0.85)).fill(color).title(title);
            canvas.put_on(&chart, &bar);
            let tip = frame.x + frame.width * x.position(end);
            if value.is_infinite() {
                let at = tip - 14.0 * end.signum();
                let cut = [(at - 3.0, middle + LINE / 2.0), (at + 3.0, middle - LINE / 2.0)];
                canvas.put(Mark::line(cut).stroke(PAPER, 4.0));
            }
            let text = |x| Mark::text((x, middle), number(*value), LABEL).fill(MUTED);
            canvas.put(if end < 0.0 { text(tip - 5.0).end() } else { text(tip + 5.0) });
        }
        canvas.put(Mark::line([(zero, frame.y), (zero, frame.bottom())]).stroke(RULE, 1.0));
        if !self.value.is_empty() {
            let at = (name_from, frame.bottom() + 8.0 + NAME / 2.0);
            canvas.put(Mark::text(at, self.value.as_str(), NAME).fill(MUTED).sans());
        }
        canvas.finish(self.alt(), self.plain(hi.max(-lo)))
    }

    /// The values at the ends of the longest bars; the bars of infinite values are longer than all others.
    fn ends(&self) -> (f64, f64) {
        let values = || self.bars.iter().map(|&(_, value)| f64::from(value));
        let asked = self.range.map_or([0.0; 2], |(lo, hi)| [f64::from(lo), f64::from(hi)]);
        let finite = || values().filter(|value| value.is_finite()).chain(asked);
        let (lo, hi) = (finite().fold(0.0, f64::min), finite().fold(0.0, f64::max));
        let beyond = (hi - lo) * 0.15 + f64::from(u8::from(hi == lo));
        let endless = |end: f64| if values().any(|value| value == end) { beyond } else { 0.0 };
        (lo - endless(f64::NEG_INFINITY), hi + endless(f64::INFINITY))
    }

    fn alt(&self) -> String {
        let title = or(&self.title, "Bars");
        let said: Vec<_> =
            self.bars.iter().take(3).map(|(label, value)| format!("{label} {}", number(*value))).collect();
        let rest = if self.bars.len() > 3 { ", …" } else { "" };
        format!("{title}: {} bars, {}{rest}.", self.bars.len(), said.join(", "))
    }

    fn plain(&self, longest: f64) -> String {
        let mut out = headline(&self.title);
        let width = |texts: &mut dyn Iterator<Item = String>| texts.map(|text| columns(&text)).max().unwrap_or(0);
        let names = width(&mut self.bars.iter().map(|(label, _)| fit(label, LONGEST)));
        let numbers = width(&mut self.bars.iter().map(|&(_, value)| number(value)));
        for (label, value) in &self.bars {
            // NaN becomes 0 blocks.
            let blocks = (f64::from(value.abs()) / longest * 30.0).round() as usize;
            let bar = "█".repeat(blocks.min(30));
            let line = format!("{}  {}  {bar}", pad(&fit(label, LONGEST), names), pad_left(&number(*value), numbers));
            out += &format!("{}\n", line.trim_end());
        }
        out
    }
}
