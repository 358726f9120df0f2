//! [`Comparison`]: how far the boundaries of one tier are from those of another.

use super::{interval::Interval, pairing::paired, tier::Tier};
use crate::{
    Result,
    error::{TiersError, at_most},
    order::{by_size, largest},
    printable::line,
};

/// How far the boundaries of a tier are from where another, which is right, has them, in milliseconds: over all labels
/// that answer to each other, in their order, whatever their case and the punctuation around them. Pauses do not count.
///
/// # Examples
/// ```
/// use glassbox::tiers::Tier;
/// let gold = Tier::new("gold", [(0.10, 0.40, "she"), (0.40, 0.70, "had"), (0.70, 0.90, "your")])?;
/// let found = Tier::new("found", [(0.12, 0.41, "She"), (0.41, 0.60, "had"), (0.60, 0.90, "her")])?;
/// let comparison = found.compare(&gold)?;
/// assert_eq!(comparison.pairs().len(), 2);
/// assert!((comparison.mean_start_error() - 15.0).abs() < 1e-6); // 20 ms and 10 ms late
/// assert!((comparison.mean_end_error() - 55.0).abs() < 1e-6); // 10 ms late and 100 ms early
/// assert_eq!((comparison.missing()[0].label.as_str(), comparison.extra()[0].label.as_str()), ("your", "her"));
/// assert_eq!(comparison.within(20), 0.75); // 3 of 4 boundaries
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct Comparison {
    pub(super) found: String,
    pub(super) gold: String,
    pub(super) points: bool,
    pub(super) pairs: Vec<Pair>,
    missing: Vec<Interval>,
    extra: Vec<Interval>,
}

/// A label that is in both tiers of a [`Comparison`].
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// Where it is.
    pub gold: Interval,
    /// Where it was found.
    pub found: Interval,
}

impl Pair {
    /// How much too late it was found to start, in milliseconds; negative where it is too early.
    pub fn start_error(&self) -> f64 {
        (self.found.start - self.gold.start) * 1000.0
    }

    /// How much too late it was found to end, in milliseconds; negative where it is too early.
    pub fn end_error(&self) -> f64 {
        (self.found.end - self.gold.end) * 1000.0
    }
}

/// The most labels of one tier.
const MOST: usize = 30_000;

impl Comparison {
    pub(super) fn of(found: &Tier, gold: &Tier) -> Result<Self> {
        let kind = |tier: &Tier| if tier.points { "points" } else { "intervals" };
        if found.points != gold.points {
            let (tier, other) = (line(&found.name), line(&gold.name));
            return Err(TiersError::Kinds { tier, kind: kind(found), other }.into());
        }
        let (here, there) = (found.spoken(), gold.spoken());
        at_most("labels of a tier to compare", here.len(), MOST)?;
        at_most("labels of a tier to compare", there.len(), MOST)?;
        let places = paired(&here, &there);
        let pair = |&(a, b): &(usize, usize)| Some(Pair { gold: there.get(b)?.clone(), found: here.get(a)?.clone() });
        let pairs: Vec<_> = places.iter().filter_map(pair).collect();
        if pairs.is_empty() {
            let some = |marks: &[Interval]| {
                marks.iter().take(5).map(|mark| format!("`{}`", line(&mark.label))).collect::<Vec<_>>().join(", ")
            };
            let labels = format!("{} and {}", said(some(&here)), said(some(&there)));
            return Err(TiersError::NothingAlike { found: line(&found.name), gold: line(&gold.name), labels }.into());
        }
        let rest = |marks: Vec<Interval>, taken: Vec<usize>| -> Vec<Interval> {
            let mut taken = taken.into_iter().peekable();
            marks
                .into_iter()
                .enumerate()
                .filter(|(at, _)| taken.next_if_eq(at).is_none())
                .map(|(_, mark)| mark)
                .collect()
        };
        let (taken, answered) = places.into_iter().unzip();
        Ok(Self {
            found: found.name(),
            gold: gold.name(),
            points: found.points,
            pairs,
            missing: rest(there, answered),
            extra: rest(here, taken),
        })
    }

    /// The labels that answer to each other.
    pub fn pairs(&self) -> Vec<Pair> {
        self.pairs.clone()
    }

    /// What was not found.
    pub fn missing(&self) -> Vec<Interval> {
        self.missing.clone()
    }

    /// What was found and is not there.
    pub fn extra(&self) -> Vec<Interval> {
        self.extra.clone()
    }

    /// The mean distance of the starts, in milliseconds.
    pub fn mean_start_error(&self) -> f64 {
        mean(self.pairs.iter().map(|pair| pair.start_error().abs()))
    }

    /// The mean distance of the ends, in milliseconds.
    pub fn mean_end_error(&self) -> f64 {
        mean(self.pairs.iter().map(|pair| pair.end_error().abs()))
    }

    /// How much too late starts are on average, in milliseconds; negative where they are too early.
    pub fn start_bias(&self) -> f64 {
        mean(self.pairs.iter().map(Pair::start_error))
    }

    /// How much too late ends are on average, in milliseconds; negative where they are too early.
    pub fn end_bias(&self) -> f64 {
        mean(self.pairs.iter().map(Pair::end_error))
    }

    /// The share of boundaries (starts and ends; of points, their times) that are at most so many milliseconds off.
    pub fn within(&self, milliseconds: impl Into<f64>) -> f64 {
        // A millionth more, for boundaries whose distance is rounded.
        let most = milliseconds.into() + 1e-6;
        mean(self.boundaries().map(|error| f64::from(u8::from(error.abs() <= most))))
    }

    /// The pair whose boundary is furthest off.
    pub fn worst(&self) -> Option<Pair> {
        let size = |pair: &Pair| {
            let (start, end) = (pair.start_error(), pair.end_error());
            if by_size(start, end).is_lt() { start.abs() } else { end.abs() }
        };
        largest(self.pairs.iter().map(size)).and_then(|at| self.pairs.get(at).cloned())
    }

    fn boundaries(&self) -> impl Iterator<Item = f64> {
        let ends = if self.points { &[] } else { self.pairs.as_slice() };
        self.pairs.iter().map(Pair::start_error).chain(ends.iter().map(Pair::end_error))
    }
}

fn said(labels: String) -> String {
    if labels.is_empty() { "none".into() } else { labels }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    sum / count
}
