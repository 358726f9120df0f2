//! What the formats of lists have in common: entries that may overlap, with a tier for what does.

use super::{Tiers, interval::Interval, tier::Tier, tiling::SAME};
use crate::{error::TiersError, order::rising, printable::line};
use std::collections::BTreeMap;

/// Tiers of entries in any order. What overlaps what came before goes to a tier of its own: `words`, `words 2`, ... An
/// entry without words is a pause.
///
/// # Errors
/// When a time is no number, or an entry ends before it starts.
pub(super) fn layered(name: &str, mut entries: Vec<Interval>) -> Result<Vec<Tier>, TiersError> {
    entries.iter().try_for_each(Interval::check)?;
    entries.retain(|entry| !entry.label.trim().is_empty());
    entries.sort_by(|a, b| rising(a.start, b.start).then(rising(a.end, b.end)));
    let mut layers: Vec<Vec<Interval>> = vec![Vec::new()];
    for entry in entries {
        let free = |layer: &Vec<Interval>| layer.last().is_none_or(|last| entry.start >= last.end - SAME);
        let at = layers.iter().position(free).unwrap_or(layers.len());
        if at == layers.len() && at < LAYERS {
            layers.push(Vec::new());
        }
        // More at once are no speech: the last tier then says which two overlap.
        if let Some(layer) = layers.get_mut(at.min(LAYERS - 1)) {
            layer.push(entry);
        }
    }
    let named = |(at, layer)| Tier::between(layer_name(name, at), 0.0, 0.0, layer);
    layers.into_iter().enumerate().map(named).collect()
}

/// The most labels at one time.
const LAYERS: usize = 20;

pub(super) fn layer_name(name: &str, at: usize) -> String {
    if at == 0 { name.into() } else { format!("{name} {}", at + 1) }
}

/// The entries of the tier that a format of one tier is written from, and of those beside it that hold what overlaps.
///
/// # Errors
/// When there is no tier of intervals, or it cannot be told which is meant.
pub(super) fn entries(tiers: &Tiers, format: &'static str, usual: &[&str]) -> Result<Vec<Interval>, TiersError> {
    Ok(all_of(tiers, &chosen(tiers, format, usual)?.name))
}

/// The entries of a tier and of those that hold what overlaps it, in the order of their times.
pub(super) fn all_of(tiers: &Tiers, name: &str) -> Vec<Interval> {
    let marks = layers(tiers, name).into_iter().flat_map(|tier| &tier.marks);
    let mut marks: Vec<_> = marks.filter(|mark| !mark.label.trim().is_empty()).cloned().collect();
    marks.sort_by(|a, b| rising(a.start, b.start).then(rising(a.end, b.end)));
    marks
}

/// What a tier says of the intervals of another, such as how sure each word is, by where they start.
pub(super) struct Beside(BTreeMap<u64, Vec<Interval>>);

impl Beside {
    pub(super) fn of(tiers: &Tiers, name: &str) -> Self {
        let mut found = BTreeMap::<_, Vec<_>>::new();
        for mark in all_of(tiers, name) {
            found.entry(mark.start.to_bits()).or_default().push(mark);
        }
        Self(found)
    }

    /// Takes what is said of an interval. Ends may have been drawn to their neighbours.
    pub(super) fn take(&mut self, of: &Interval) -> Option<String> {
        let here = self.0.get_mut(&of.start.to_bits())?;
        let at = here.iter().position(|mark| (mark.end - of.end).abs() <= 2.0 * SAME)?;
        Some(here.remove(at).label)
    }
}

/// A tier, and those that hold what overlaps it.
pub(super) fn layers<'a>(tiers: &'a Tiers, name: &str) -> Vec<&'a Tier> {
    let of = |at| tiers.tiers.iter().find(move |tier| !tier.points && tier.name == layer_name(name, at));
    (0..).map_while(of).collect()
}

fn chosen<'a>(tiers: &'a Tiers, format: &'static str, usual: &[&str]) -> Result<&'a Tier, TiersError> {
    let intervals: Vec<&Tier> = tiers.tiers.iter().filter(|tier| !tier.points).collect();
    let named = |name: &&str| intervals.iter().find(|tier| tier.name.eq_ignore_ascii_case(name));
    if let Some(tier) = usual.iter().find_map(named) {
        return Ok(tier);
    }
    let known = || if tiers.tiers.is_empty() { "no tiers at all".to_owned() } else { tiers.known() };
    match intervals.as_slice() {
        [] => Err(TiersError::NoIntervals { format, known: known() }),
        [first, rest @ ..] if rest.len() + 1 == layers(tiers, &first.name).len() => Ok(first),
        [first, ..] => Err(TiersError::WhichTier { format, known: known(), first: line(&first.name) }),
    }
}

/// That a label is one line.
pub(super) fn one_line(format: &'static str, label: &str) -> Result<(), TiersError> {
    match label.contains(['\n', '\r']) {
        true => Err(TiersError::Unwritable { format, label: line(label), why: "it has several lines" }),
        false => Ok(()),
    }
}

/// The lines of a text with their numbers, without their ends, and without those that hold nothing.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = text.split('\n').zip(1..).map(|(line, at)| (at, line.strip_suffix('\r').unwrap_or(line)));
    numbered.filter(|(_, line)| !line.trim().is_empty())
}

/// A piece of a file, for a sentence.
pub(super) fn shown(found: &str) -> String {
    if found.trim().is_empty() { "nothing".into() } else { format!("`{}`", line(found)) }
}

/// A number in a line.
pub(super) fn number(at: usize, found: &str, needed: &str) -> Result<f64, TiersError> {
    let not = || TiersError::Line { line: at, found: shown(found), needed: needed.into() };
    // Words such as `inf` are no numbers of a file.
    let digits = found.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.'));
    let value = found.parse::<f64>().ok().filter(|value| digits && value.is_finite());
    value.map(|value| value + 0.0).ok_or_else(not)
}
