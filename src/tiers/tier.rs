//! [`Tier`]: labels along the time of one recording.

use super::{
    compare::Comparison,
    interval::{Interval, check_time},
    part::{bounds, time},
    tiling::tiled,
};
use crate::{
    Result,
    error::TiersError,
    order::{larger, largest, rising},
    printable::line,
};
use std::ops::RangeBounds;

/// Intervals, or points, along the time of one recording.
///
/// As in Praat, intervals fill the tier from its start to its end: a pause is an interval with an empty label.
/// Boundaries less than a microsecond apart count as one. Negative times count from the end, unless the tier begins
/// before 0.
///
/// # Examples
/// ```
/// use glassbox::tiers::Tier;
/// let words = Tier::new("words", [(0.1, 0.4, "she"), (0.4, 0.7, "had"), (0.9, 1.2, "your")])?;
/// assert_eq!(words.at(0.5)?.label, "had");
/// assert_eq!(words.labels(), ["she", "had", "your"]);
/// assert_eq!(words.pauses().len(), 2);
/// assert_eq!(words.labelled("your")[0].start, 0.9);
/// assert!(words.at(1.3).unwrap_err().is_out_of_range());
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct Tier {
    pub(super) name: String,
    pub(super) start: f64,
    pub(super) end: f64,
    pub(super) points: bool,
    pub(super) marks: Vec<Interval>,
}

impl Tier {
    /// A tier of intervals in any order, each an [`Interval`] or a tuple of its start, end and label. The tier begins at
    /// 0 and ends with the last interval.
    ///
    /// # Errors
    /// When a time is NaN or infinite, an interval ends before it starts, or two overlap.
    pub fn new<I: Into<Interval>>(name: impl Into<String>, intervals: impl IntoIterator<Item = I>) -> Result<Self> {
        Ok(Self::between(name.into(), 0.0, 0.0, intervals.into_iter().map(Into::into).collect())?)
    }

    /// A tier of points in time: each its time and its label.
    ///
    /// # Errors
    /// When a time is NaN or infinite.
    pub fn points<T: Into<f64>, L: Into<String>>(
        name: impl Into<String>,
        points: impl IntoIterator<Item = (T, L)>,
    ) -> Result<Self> {
        let at = |(time, label): (T, L)| -> Interval {
            let time = time.into();
            Interval::new(time, time, label)
        };
        Ok(Self::pointed(name.into(), 0.0, 0.0, points.into_iter().map(at).collect())?)
    }

    /// Intervals between two times, and further where they go further.
    pub(super) fn between(name: String, start: f64, end: f64, marks: Vec<Interval>) -> Result<Self, TiersError> {
        check_span(&name, start, end)?;
        let marks = tiled(&name, (start, end), marks)?;
        let (first, last) = (marks.first(), marks.last());
        let (start, end) = (first.map_or(start, |mark| mark.start), last.map_or(end, |mark| mark.end));
        Ok(Self { name, start: start + 0.0, end: end + 0.0, points: false, marks })
    }

    /// Points between two times, and further where they go further.
    pub(super) fn pointed(name: String, start: f64, end: f64, mut marks: Vec<Interval>) -> Result<Self, TiersError> {
        check_span(&name, start, end)?;
        for mark in &mut marks {
            mark.check()?;
            (mark.start, mark.end) = (mark.start + 0.0, mark.start + 0.0);
        }
        marks.sort_by(|a, b| rising(a.start, b.start));
        let first = marks.first().map(|mark| mark.start).filter(|&first| first < start);
        let last = marks.last().map(|mark| mark.end).filter(|&last| last > end);
        let (start, end) = (first.unwrap_or(start), last.unwrap_or(end));
        Ok(Self { name, start: start + 0.0, end: end + 0.0, points: true, marks })
    }

    /// The same within a longer span.
    pub(super) fn within(&self, start: f64, end: f64) -> Result<Self, TiersError> {
        let make = if self.points { Self::pointed } else { Self::between };
        make(self.name.clone(), start, end, self.marks.clone())
    }

    /// What it is called.
    pub fn name(&self) -> String {
        self.name.clone()
    }

    /// The same under another name.
    pub fn renamed(&self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self.clone() }
    }

    /// Where it begins, in seconds.
    pub fn start(&self) -> f64 {
        self.start
    }

    /// Where it ends, in seconds.
    pub fn end(&self) -> f64 {
        self.end
    }

    /// How long it is, in seconds.
    pub fn duration(&self) -> f64 {
        self.end - self.start
    }

    /// Whether it has points, and no intervals.
    pub fn is_points(&self) -> bool {
        self.points
    }

    /// All intervals in their order, pauses too; of points each as an interval without length.
    pub fn intervals(&self) -> Vec<Interval> {
        self.marks.clone()
    }

    /// The intervals in which something is said: all but [pauses](Interval::is_pause).
    pub fn spoken(&self) -> Vec<Interval> {
        self.marks.iter().filter(|mark| !mark.is_pause()).cloned().collect()
    }

    /// The [pauses](Interval::is_pause); neighbours are one. Points have none between them.
    pub fn pauses(&self) -> Vec<Interval> {
        let mut pauses: Vec<Interval> = Vec::new();
        for mark in self.marks.iter().filter(|mark| mark.is_pause()) {
            match pauses.last_mut() {
                Some(last) if last.end == mark.start && !self.points => last.end = mark.end,
                _ => pauses.push(mark.clone()),
            }
        }
        pauses
    }

    /// Every interval with this very label; none where no label is this.
    pub fn labelled(&self, label: impl AsRef<str>) -> Vec<Interval> {
        self.marks.iter().filter(|mark| mark.label == label.as_ref()).cloned().collect()
    }

    /// What is said within an interval, such as the phones of a word: everything whose middle lies there.
    pub fn inside(&self, interval: &Interval) -> Vec<Interval> {
        let there = |mark: &Interval| (interval.start..interval.end).contains(&mark.middle());
        self.spoken().into_iter().filter(there).collect()
    }

    /// The same tier with other labels, such as phones without their stress.
    pub fn relabelled<L: Into<String>>(&self, label: impl Fn(&str) -> L) -> Self {
        let mark = |mark: &Interval| Interval { label: label(&mark.label).into(), ..mark.clone() };
        Self { marks: self.marks.iter().map(mark).collect(), ..self.clone() }
    }

    /// The labels of what is said, in their order.
    pub fn labels(&self) -> Vec<String> {
        self.spoken().into_iter().map(|mark| mark.label).collect()
    }

    /// The labels of what is said, with spaces between them.
    pub fn text(&self) -> String {
        self.labels().join(" ")
    }

    /// How long each thing said is, in seconds, as [`labels`](Self::labels) has them.
    pub fn durations(&self) -> Vec<f64> {
        self.spoken().iter().map(Interval::duration).collect()
    }

    /// The interval at a time in seconds; at a boundary, the later one. In a tier of points, the nearest point. A negative
    /// time counts from the end.
    ///
    /// # Errors
    /// When the time is outside of the tier, or there are no points.
    pub fn at(&self, seconds: impl Into<f64>) -> Result<Interval> {
        let time = time(seconds.into(), self.start, self.end);
        let what = || format!("the tier `{}`", line(&self.name));
        if !(self.start..=self.end).contains(&time) {
            return Err(TiersError::Outside { what: what(), time, start: self.start, end: self.end }.into());
        }
        let found = match self.points {
            true => largest(self.marks.iter().map(|mark| -(mark.start - time).abs())).and_then(|at| self.marks.get(at)),
            // The last of those that have begun.
            false => self.marks.get(self.marks.partition_point(|mark| mark.start <= time).saturating_sub(1)),
        };
        Ok(found.cloned().ok_or_else(|| TiersError::NoPoint { what: line(&self.name), time })?)
    }

    /// The same tier with every interval, pauses too, at least so many seconds long: short ones take time from the next.
    /// Whisper's words may have no length, and a TextGrid cannot hold those. Points stay as they are.
    ///
    /// # Errors
    /// When the tier is too short for that.
    pub fn at_least(&self, seconds: impl Into<f64>) -> Result<Self> {
        let least = seconds.into();
        check_time(least, || "the length".into())?;
        let (count, duration) = (self.marks.len(), self.duration());
        if self.points || count == 0 {
            return Ok(self.clone());
        }
        if least < 0.0 || least * count as f64 > duration {
            return Err(TiersError::NoRoom { tier: line(&self.name), count, duration, least }.into());
        }
        let mut tier = self.clone();
        let mut reached = self.start;
        for mark in &mut tier.marks {
            mark.start = reached;
            reached = larger(mark.end, reached + least);
            mark.end = reached;
        }
        // What was pushed over the end goes back.
        let mut reached = self.end;
        for mark in tier.marks.iter_mut().rev() {
            mark.end = -larger(-mark.end, -reached);
            reached = -larger(-mark.start, least - mark.end);
            mark.start = reached;
        }
        if let Some(first) = tier.marks.first_mut() {
            first.start = self.start;
        }
        if let Some(last) = tier.marks.last_mut() {
            last.end = self.end;
        }
        Ok(tier)
    }

    /// All times later by so many seconds; earlier where it is negative.
    ///
    /// # Errors
    /// When that is no number of seconds.
    pub fn shift(&self, seconds: impl Into<f64>) -> Result<Self> {
        let by = seconds.into();
        check_time(by, || "the shift".into())?;
        let moved =
            |mark: &Interval| Interval { start: mark.start + by, end: mark.end + by, label: mark.label.clone() };
        let make = if self.points { Self::pointed } else { Self::between };
        Ok(make(self.name.clone(), self.start + by, self.end + by, self.marks.iter().map(moved).collect())?)
    }

    /// The part between two times in seconds, which keep their values: [`shift`](Self::shift) makes it begin at 0.
    /// Intervals on its edges are cut. A negative time counts from the end.
    ///
    /// # Errors
    /// When nothing of the tier is there.
    pub fn crop<S: Into<f64> + Copy>(&self, seconds: impl RangeBounds<S>) -> Result<Self> {
        let (from, to) = bounds(seconds, || format!("the tier `{}`", line(&self.name)), (self.start, self.end))?;
        Ok(self.cut(from, to)?)
    }

    pub(super) fn cut(&self, from: f64, to: f64) -> Result<Self, TiersError> {
        let inside = |mark: &&Interval| match self.points || mark.start == mark.end {
            true => (from..=to).contains(&mark.start),
            false => mark.start < to && mark.end > from,
        };
        let clamped = |mark: &Interval| Interval {
            start: mark.start.clamp(from, to),
            end: mark.end.clamp(from, to),
            label: mark.label.clone(),
        };
        let make = if self.points { Self::pointed } else { Self::between };
        make(self.name.clone(), from, to, self.marks.iter().filter(inside).map(clamped).collect())
    }

    /// How far each boundary is from where another tier, which is right, has it; over labels that answer to each other.
    ///
    /// # Errors
    /// When no label answers to one of the other tier, or one tier has points and the other intervals.
    pub fn compare(&self, gold: &Self) -> Result<Comparison> {
        Comparison::of(self, gold)
    }
}

fn check_span(name: &str, start: f64, end: f64) -> Result<(), TiersError> {
    let what = |which| move || format!("the {which} of the tier `{}`", line(name));
    check_time(start, what("start"))?;
    check_time(end, what("end"))?;
    if end < start {
        return Err(TiersError::Backwards { label: line(name), start, end });
    }
    Ok(())
}
