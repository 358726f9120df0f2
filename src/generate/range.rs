//! [`Steps`]: a range of the steps of a generation, for interventions and recordings.

use std::{
    fmt,
    ops::{Bound, RangeBounds},
};

/// Some steps of a generation.
#[derive(Clone, Debug)]
pub(super) struct Steps {
    first: usize,
    /// The step after the last; `None` for a range without an end.
    end: Option<usize>,
}

impl Steps {
    pub(super) fn new(steps: &impl RangeBounds<usize>) -> Self {
        let first = match steps.start_bound() {
            Bound::Included(&first) => first,
            Bound::Excluded(&before) => before.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match steps.end_bound() {
            Bound::Included(&last) => Some(last.saturating_add(1)),
            Bound::Excluded(&end) => Some(end),
            Bound::Unbounded => None,
        };
        Self { first, end }
    }

    pub(super) fn contains(&self, step: usize) -> bool {
        self.first <= step && self.end.is_none_or(|end| step < end)
    }

    /// Whether the range contains all steps up to this one.
    pub(super) fn are_all_to(&self, last: usize) -> bool {
        self.first == 0 && self.contains(last)
    }

    /// Returns the first step of the range that is not before `step`.
    pub(super) fn first_from(&self, step: usize) -> Option<usize> {
        Some(self.first.max(step)).filter(|&step| self.contains(step))
    }
}

impl fmt::Display for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..", self.first)?;
        self.end.map_or(Ok(()), |end| write!(f, "{end}"))
    }
}
