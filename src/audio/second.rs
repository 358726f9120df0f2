//! [`Second`]: what is accepted as a time.

use crate::{Result, error::AudioError};
use std::{
    ops::{Bound, Range, RangeBounds},
    time::Duration,
};

/// A time in seconds: a number of any common type, or a [`Duration`]. A negative number counts from the end of the sound.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no time",
    label = "give seconds, as in `1.2..2.0`, `..3` or `-0.5..`, or a `Duration`"
)]
pub trait Second: Copy {
    /// The seconds.
    fn to_seconds(self) -> f64;
}

macro_rules! seconds {
    ($($number:ty)*) => {$(
        impl Second for $number {
            fn to_seconds(self) -> f64 {
                self as f64
            }
        }
    )*};
}
seconds!(f32 f64 i32 i64 u32 u64 usize);

impl Second for Duration {
    fn to_seconds(self) -> f64 {
        self.as_secs_f64()
    }
}

impl<S: Second> Second for &S {
    fn to_seconds(self) -> f64 {
        (*self).to_seconds()
    }
}

/// What a time may be beyond the end: durations print with three decimals.
const SLACK: f64 = 0.0005;

/// The samples between two times of a sound of so many samples.
pub(super) fn samples_of<S: Second>(range: impl RangeBounds<S>, len: usize, rate: u32) -> Result<Range<usize>> {
    let (rate, duration) = (f64::from(rate), len as f64 / f64::from(rate));
    let time = |bound: Bound<&S>, open: f64| {
        match bound {
            Bound::Included(time) | Bound::Excluded(time) => Some(time.to_seconds()),
            Bound::Unbounded => None,
        }
        .map_or(open, |time| if time < 0.0 { duration + time } else { time })
    };
    let (from, to) = (time(range.start_bound(), 0.0), time(range.end_bound(), duration));
    let within = -SLACK..=duration + SLACK;
    if !within.contains(&from) || !within.contains(&to) {
        let duration = rounded(duration);
        return Err(AudioError::Outside { from: rounded(from), to: rounded(to), duration }.into());
    }
    let at = |time: f64| ((time * rate).round().max(0.0) as usize).min(len);
    let samples = at(from)..at(to);
    if samples.is_empty() { Err(AudioError::Nothing { from, to }.into()) } else { Ok(samples) }
}

/// To milliseconds.
pub(super) fn rounded(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}
