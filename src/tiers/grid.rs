//! [`Tiers`]: all that is labelled in one recording.

use super::{
    interval::{Interval, check_time},
    part::{bounds, time},
    tier::Tier,
};
use crate::{
    Result,
    error::{TiersError, nearest},
    order::larger,
    printable::line,
};
use std::ops::RangeBounds;

/// Several [tiers](Tier) over one span of time: words, phones, tones of one recording. Praat's TextGrid.
///
/// # Examples
/// ```
/// use glassbox::tiers::{Format, Tier, Tiers};
/// let words = Tier::new("words", [(0.0, 0.3, "she"), (0.3, 0.6, "had")])?;
/// let phones = Tier::new("phones", [(0.0, 0.1, "sh"), (0.1, 0.3, "iy"), (0.3, 0.4, "hh")])?;
/// let tiers = Tiers::new([words, phones]);
/// assert_eq!(tiers.tier("phones")?.labels(), ["sh", "iy", "hh"]);
/// assert_eq!(tiers.at(0.05)?.iter().map(|(_, at)| at.label.as_str()).collect::<Vec<_>>(), ["she", "sh"]);
/// assert!(tiers.tier("wrods").unwrap_err().to_string().contains("the nearest is `words`"));
///
/// let file = tiers.to_text(Format::TextGrid)?;
/// assert!(file.starts_with("File type = \"ooTextFile\""));
/// assert_eq!(Tiers::from_text(&file, Format::TextGrid)?, tiers);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[doc(alias("TextGrid", "textgrid"))]
#[derive(Clone, PartialEq)]
pub struct Tiers {
    pub(super) start: f64,
    pub(super) end: f64,
    pub(super) tiers: Vec<Tier>,
}

impl Tiers {
    /// Tiers, each of which then lasts as long as the longest.
    pub fn new(tiers: impl IntoIterator<Item = Tier>) -> Self {
        Self { start: 0.0, end: 0.0, tiers: tiers.into_iter().collect() }.spanned()
    }

    pub(super) fn between(start: f64, end: f64, tiers: Vec<Tier>) -> Self {
        Self { start, end, tiers }.spanned()
    }

    /// Every tier made as long as all of them together.
    fn spanned(mut self) -> Self {
        let first = self.tiers.iter().fold(self.start, |first, tier| -larger(-first, -tier.start));
        let last = self.tiers.iter().fold(self.end, |last, tier| larger(last, tier.end));
        (self.start, self.end) = (first + 0.0, last + 0.0);
        for tier in &mut self.tiers {
            // The tiers were checked when they were made, and a longer span overlaps nothing.
            if let Ok(spanned) = tier.within(self.start, self.end) {
                *tier = spanned;
            }
        }
        self
    }

    /// Where they begin, in seconds.
    pub fn start(&self) -> f64 {
        self.start
    }

    /// Where they end, in seconds.
    pub fn end(&self) -> f64 {
        self.end
    }

    /// How long they are, in seconds.
    pub fn duration(&self) -> f64 {
        self.end - self.start
    }

    /// The tiers in their order.
    pub fn tiers(&self) -> Vec<Tier> {
        self.tiers.clone()
    }

    /// The names of the tiers in their order.
    pub fn names(&self) -> Vec<String> {
        self.tiers.iter().map(Tier::name).collect()
    }

    /// The tier of a name.
    ///
    /// # Errors
    /// When no tier has this name, or several have.
    pub fn tier(&self, name: impl AsRef<str>) -> Result<Tier> {
        let name = name.as_ref();
        let named: Vec<_> = self.tiers.iter().filter(|tier| tier.name == name).collect();
        match named.as_slice() {
            [one] => Ok((*one).clone()),
            [] => Err(self.unknown(name).into()),
            several => Err(TiersError::SeveralTiers { name: line(name), count: several.len() }.into()),
        }
    }

    fn unknown(&self, name: &str) -> TiersError {
        let nearest = nearest(name, self.names(), 1).pop();
        match nearest {
            Some(nearest) => TiersError::NoTier { name: line(name), nearest: line(nearest), known: self.known() },
            None => TiersError::NoTiers { name: line(name) },
        }
    }

    /// The names of the tiers, for people.
    pub(super) fn known(&self) -> String {
        let shown: Vec<_> = self.tiers.iter().take(20).map(|tier| format!("`{}`", line(&tier.name))).collect();
        let rest = if self.tiers.len() > 20 { format!(" and {} more", self.tiers.len() - 20) } else { String::new() };
        format!("{}{rest}", shown.join(", "))
    }

    /// These tiers and one more, which may last longer.
    pub fn with(&self, tier: Tier) -> Self {
        Self::between(self.start, self.end, [self.tiers.clone(), vec![tier]].concat())
    }

    /// These tiers and those of another file on the same recording.
    pub fn joined(&self, other: &Self) -> Self {
        let (first, last) = (-larger(-self.start, -other.start), larger(self.end, other.end));
        Self::between(first, last, [self.tiers.clone(), other.tiers.clone()].concat())
    }

    /// The same tiers, which last until a time in seconds: the end of the sound, where the last label ends before.
    ///
    /// # Errors
    /// When a label ends after it, or it is no time.
    pub fn until(&self, seconds: impl Into<f64>) -> Result<Self> {
        let end = seconds.into();
        check_time(end, || "the end of the tiers".into())?;
        let marks = self.tiers.iter().flat_map(|tier| &tier.marks).filter(|mark| !mark.label.is_empty());
        let last = marks.fold(self.start, |last, mark| larger(last, mark.end));
        if end < last {
            return Err(TiersError::TooEarly { asked: end, end: last }.into());
        }
        let tiers: Result<Vec<_>, _> = self.tiers.iter().map(|tier| tier.cut(self.start, end)).collect();
        Ok(Self::between(self.start, end, tiers?))
    }

    /// What is at a time in seconds: the name of every tier and its [interval there](Tier::at). A negative time counts
    /// from the end.
    ///
    /// # Errors
    /// When the time is outside of the tiers.
    pub fn at(&self, seconds: impl Into<f64>) -> Result<Vec<(String, Interval)>> {
        let time = time(seconds.into(), self.start, self.end);
        if !(self.start..=self.end).contains(&time) {
            let (start, end) = (self.start, self.end);
            return Err(TiersError::Outside { what: "the span of the tiers".into(), time, start, end }.into());
        }
        let there = self.tiers.iter().filter(|tier| !tier.marks.is_empty());
        there.map(|tier| Ok((tier.name(), tier.at(time)?))).collect()
    }

    /// Every interval with this very label: the name of its tier, and the interval.
    pub fn labelled(&self, label: impl AsRef<str>) -> Vec<(String, Interval)> {
        let label = label.as_ref();
        let of = |tier: &Tier| tier.labelled(label).into_iter().map(|mark| (tier.name(), mark)).collect::<Vec<_>>();
        self.tiers.iter().flat_map(of).collect()
    }

    /// The same tiers with every interval, pauses too, [at least](Tier::at_least) so many seconds long.
    ///
    /// # Errors
    /// When a tier is too short for that.
    pub fn at_least(&self, seconds: impl Into<f64>) -> Result<Self> {
        let least = seconds.into();
        let tiers: Result<Vec<_>> = self.tiers.iter().map(|tier| tier.at_least(least)).collect();
        Ok(Self::between(self.start, self.end, tiers?))
    }

    /// All times later by so many seconds; earlier where it is negative.
    ///
    /// # Errors
    /// When that is no number of seconds.
    pub fn shift(&self, seconds: impl Into<f64>) -> Result<Self> {
        let by = seconds.into();
        check_time(by, || "the shift".into())?;
        check_time(self.end + by, || "the end of the tiers".into())?;
        let tiers: Result<Vec<_>> = self.tiers.iter().map(|tier| tier.shift(by)).collect();
        Ok(Self::between(self.start + by, self.end + by, tiers?))
    }

    /// The part between two times in seconds, which keep their values: [`shift`](Self::shift) makes it begin at 0.
    /// Intervals on its edges are cut. A negative time counts from the end.
    ///
    /// # Errors
    /// When nothing of the tiers is there.
    pub fn crop<S: Into<f64> + Copy>(&self, seconds: impl RangeBounds<S>) -> Result<Self> {
        let (from, to) = bounds(seconds, || "the span of the tiers".into(), (self.start, self.end))?;
        let tiers: Result<Vec<_>, _> = self.tiers.iter().map(|tier| tier.cut(from, to)).collect();
        Ok(Self::between(from, to, tiers?))
    }
}
