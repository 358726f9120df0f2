//! How the intervals of a tier fill its span without a gap.

use super::interval::Interval;
use crate::{error::TiersError, order::rising, printable::line};

/// What is closer together than a microsecond is one boundary: files round their numbers.
pub(super) const SAME: f64 = 1e-6;

/// The intervals in their order, and pauses between them, from `start` to `end` and beyond where they go beyond.
///
/// # Errors
/// When a time is no number, an interval ends before it starts, or two overlap.
pub(super) fn tiled(
    tier: &str,
    (start, end): (f64, f64),
    mut given: Vec<Interval>,
) -> Result<Vec<Interval>, TiersError> {
    given.iter().try_for_each(Interval::check)?;
    given.sort_by(|a, b| rising(a.start, b.start).then(rising(a.end, b.end)));
    let mut tiles: Vec<Interval> = Vec::with_capacity(given.len());
    for mut next in given {
        // The sign of a zero says nothing.
        (next.start, next.end) = (next.start + 0.0, next.end + 0.0);
        let Some(last) = tiles.last_mut() else {
            fill(&mut tiles, start, next);
            continue;
        };
        if next.start < last.end - SAME {
            return Err(overlap(tier, last, &next));
        }
        let reached = last.end;
        if next.start - reached > SAME {
            fill(&mut tiles, reached, next);
        } else {
            last.end = next.start;
            tiles.push(next);
        }
    }
    let reached = tiles.last().map_or(start, |last| last.end);
    match tiles.last_mut() {
        _ if end <= reached => {}
        Some(last) if last.label.is_empty() || end - reached <= SAME => last.end = end,
        _ => tiles.push(Interval::new(reached, end, "")),
    }
    Ok(tiles)
}

/// Puts an interval after a time that is reached, and a pause between.
fn fill(tiles: &mut Vec<Interval>, reached: f64, mut next: Interval) {
    let gap = next.start - reached;
    match tiles.last_mut() {
        _ if gap <= 0.0 => {}
        Some(last) if last.label.is_empty() => last.end = next.start,
        None if next.label.is_empty() || gap <= SAME => next.start = reached,
        _ => tiles.push(Interval::new(reached, next.start, "")),
    }
    tiles.push(next);
}

fn overlap(tier: &str, first: &Interval, second: &Interval) -> TiersError {
    TiersError::Overlap {
        tier: line(tier),
        first: line(&first.label),
        first_start: first.start,
        first_end: first.end,
        second: line(&second.label),
        second_start: second.start,
        second_end: second.end,
    }
}
