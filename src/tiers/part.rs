//! Times and ranges of seconds as people write them.

use crate::error::TiersError;
use std::ops::{Bound, RangeBounds};

/// A time between two others; a negative one counts from the end, where nothing is before 0.
pub(super) fn time(given: f64, start: f64, end: f64) -> f64 {
    if given < 0.0 && start >= 0.0 { end + given } else { given }
}

/// Both ends of a range, which lies at least in part between two times, and is cut off there.
pub(super) fn bounds<S: Into<f64> + Copy>(
    range: impl RangeBounds<S>,
    what: impl FnOnce() -> String,
    (start, end): (f64, f64),
) -> Result<(f64, f64), TiersError> {
    let bound = |bound: Bound<&S>, open: f64| match bound {
        Bound::Included(&given) | Bound::Excluded(&given) => time(given.into(), start, end),
        Bound::Unbounded => open,
    };
    let (from, to) = (bound(range.start_bound(), start), bound(range.end_bound(), end));
    // Not so of NaN either.
    if from < to && from < end && to > start {
        Ok((from.clamp(start, end), to.clamp(start, end)))
    } else {
        Err(TiersError::Part { what: what(), from, to, start, end })
    }
}
