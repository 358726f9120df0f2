//! [`Lanes`]: labels over a time axis, a lane for each kind.

use super::figure::Figure;
use crate::{
    Result,
    error::PlotError,
    plot::{
        check_count,
        drawing::{
            canvas::{Canvas, Frame, heading_height},
            color::{ACCENT, INK, MUTED, RULE},
            mark::Mark,
            numeric_axis::Span,
            page::{LABEL, MARGIN},
        },
    },
    printable::{columns, fit, headline, line, pad, printable, text_width},
};

/// Labels with a start and an end in seconds, in lanes one above the other, as Praat draws its tiers.
pub(crate) struct Lanes {
    span: (f64, f64),
    lanes: Vec<Lane>,
    title: String,
}

pub(crate) struct Lane {
    pub name: String,
    /// Whether its labels stand at points in time, which are their starts.
    pub points: bool,
    pub labels: Vec<(f64, f64, String)>,
}

const PICTURE: &str = "a picture of tiers";
/// The most labels and lanes.
const LABELS: usize = 5000;
const LANES: usize = 40;
/// In px: of a lane, and from the narrowest picture to the widest.
const HEIGHT: f64 = 30.0;
const WIDTHS: std::ops::RangeInclusive<f64> = 420.0..=1400.0;
/// The longest name of a lane, in columns.
const LONGEST: usize = 20;

impl Lanes {
    /// Lanes from one time to another, in seconds.
    pub(crate) fn new(start: f64, end: f64, lanes: impl IntoIterator<Item = Lane>) -> Self {
        Self { span: (start, end), lanes: lanes.into_iter().collect(), title: String::new() }
    }

    pub(crate) fn title(mut self, title: impl Into<String>) -> Self {
        self.title = line(title.into());
        self
    }

    /// # Errors
    /// When there are no lanes, or too many labels or lanes for a picture.
    pub(crate) fn draw(&self) -> Result<Figure> {
        if self.lanes.is_empty() {
            return Err(PlotError::Empty { picture: PICTURE, what: "there are no tiers" }.into());
        }
        check_count(PICTURE, "tiers", self.lanes.len(), LANES)?;
        check_count(PICTURE, "labels", self.lanes.iter().map(|lane| lane.labels.len()).sum(), LABELS)?;
        let names = self.lanes.iter().map(|lane| text_width(&fit(&printable(&lane.name), LONGEST), LABEL));
        let left = MARGIN + names.fold(0.0, f64::max) + 10.0;
        let top = MARGIN + heading_height(&self.title);
        let frame = Frame { x: left, y: top, width: self.width(), height: HEIGHT * self.lanes.len() as f64 };
        let span = Span::new(self.span.0, self.span.1, false);
        let canvas = Canvas::headed(&self.title, "", frame.right() + MARGIN, frame.bottom() + 24.0 + MARGIN);
        for (lane, at) in self.lanes.iter().zip(0..) {
            let row = Frame { y: top + HEIGHT * f64::from(at), height: HEIGHT, ..frame };
            let name = fit(&printable(&lane.name), LONGEST);
            canvas.put(Mark::text((left - 10.0, row.middle().1), name, LABEL).fill(MUTED).end());
            canvas.put(row.mark().stroke(RULE, 1.0));
            for label in &lane.labels {
                draw(&canvas, row, span, label, lane.points);
            }
        }
        let ticks = span.ticks((frame.width / 90.0) as usize);
        for tick in ticks {
            let x = frame.x + frame.width * span.position(tick);
            canvas.put(Mark::line([(x, frame.bottom()), (x, frame.bottom() + 4.0)]).stroke(RULE, 1.0));
            let text = format!("{} s", rounded(tick));
            canvas.put(Mark::text((x, frame.bottom() + 14.0), text, LABEL).fill(MUTED).middle());
        }
        canvas.finish(self.alt(), self.plain())
    }

    /// Wide enough for most labels.
    fn width(&self) -> f64 {
        let duration = self.span.1 - self.span.0;
        let mut needed: Vec<f64> = self
            .lanes
            .iter()
            .filter(|lane| !lane.points)
            .flat_map(|lane| &lane.labels)
            .filter(|(start, end, label)| end > start && !label.is_empty())
            .map(|(start, end, label)| duration / (end - start) * (text_width(&fit(label, 12), LABEL) + 4.0))
            .collect();
        needed.sort_by(|a, b| crate::order::rising(*a, *b));
        let most = needed.get(needed.len() * 9 / 10).copied().unwrap_or_default();
        most.clamp(*WIDTHS.start(), *WIDTHS.end())
    }

    fn alt(&self) -> String {
        let lane = |lane: &Lane| {
            let words: Vec<_> =
                lane.labels.iter().map(|(.., label)| label.as_str()).filter(|label| !label.is_empty()).collect();
            let shown = words.iter().take(8).copied().collect::<Vec<_>>().join(" ");
            let rest = if words.len() > 8 { " …" } else { "" };
            format!("{}: {shown}{rest}", printable(&lane.name))
        };
        let lanes: Vec<_> = self.lanes.iter().take(5).map(lane).collect();
        let title = if self.title.is_empty() { "Tiers" } else { &self.title };
        format!("{title}, {} to {} s; {}.", rounded(self.span.0), rounded(self.span.1), lanes.join("; "))
    }

    fn plain(&self) -> String {
        let mut out = headline(&self.title);
        let width = self.lanes.iter().map(|lane| columns(&fit(&printable(&lane.name), LONGEST))).max().unwrap_or(0);
        for lane in &self.lanes {
            let label = |(start, end, label): &(f64, f64, String)| match lane.points {
                true => format!("{} {}", rounded(*start), line(label)),
                false => format!("{}-{} {}", rounded(*start), rounded(*end), line(label)),
            };
            let labels: Vec<_> = lane.labels.iter().filter(|(.., label)| !label.is_empty()).map(label).collect();
            out +=
                format!("{}  {}\n", pad(&fit(&printable(&lane.name), LONGEST), width), labels.join(" | ")).trim_end();
            out.push('\n');
        }
        out
    }
}

fn rounded(seconds: f64) -> f64 {
    (seconds * 1e3).round() / 1e3 + 0.0
}

fn draw(canvas: &Canvas, row: Frame, span: Span, (start, end, label): &(f64, f64, String), point: bool) {
    let x = |time: f64| row.x + row.width * span.position(time);
    let (from, to) = (x(*start), x(*end));
    let shown = printable(label);
    let said = if label.is_empty() { "(pause)" } else { &shown };
    let times =
        if point { format!("{} s", rounded(*start)) } else { format!("{} to {} s", rounded(*start), rounded(*end)) };
    let title = format!("{said}: {times}");
    if point {
        let stroke = Mark::line([(from, row.y), (from, row.bottom())]).stroke(ACCENT, 1.0).title(title);
        canvas.put(stroke);
        if !label.is_empty() {
            canvas.put(Mark::text((from + 3.0, row.middle().1), fit(&shown, 12), LABEL).fill(INK));
        }
        return;
    }
    let cell = Frame { x: from, width: to - from, ..row };
    let room = ((cell.width - 2.0) / (LABEL * 0.6)).max(0.0) as usize;
    let text = if label.is_empty() || room == 0 { String::new() } else { fit(&shown, room) };
    let words = (!text.is_empty() && text != "…").then(|| Mark::text(cell.middle(), text, LABEL).middle());
    canvas.group(
        title,
        std::iter::once(cell.mark().fill(crate::plot::drawing::color::PAPER).stroke(ACCENT, 1.0)).chain(words),
    );
}
