//! A numeric axis: the position of a value, and the round values that get a tick.

use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};

use crate::printable::number;

/// A range of values along an axis, linear or logarithmic. It is a coordinate for plotters that never panics.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Span {
    lo: f64,
    hi: f64,
    log: bool,
}

impl Span {
    /// The range from `lo` to `hi`; a single value gets room on both sides.
    pub(crate) fn new(lo: f64, hi: f64, log: bool) -> Self {
        let (lo, hi) = if lo <= hi { (lo, hi) } else { (0.0, 1.0) };
        let (lo, hi) = match (lo == hi, log) {
            (false, _) => (lo, hi),
            (true, true) => (lo / 2.0, hi * 2.0),
            (true, false) => (lo - lo.abs().max(1.0) / 2.0, hi + hi.abs().max(1.0) / 2.0),
        };
        Self { lo, hi, log }
    }

    /// The range of some values.
    pub(crate) fn over(values: impl IntoIterator<Item = f64>, log: bool) -> Self {
        let (lo, hi) =
            values.into_iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), v| (v.min(lo), v.max(hi)));
        Self::new(lo, hi, log)
    }

    pub(crate) fn low(&self) -> f64 {
        self.lo
    }

    pub(crate) fn high(&self) -> f64 {
        self.hi
    }

    /// The range with some room at both ends, given as a fraction of its length.
    pub(crate) fn padded(self, share: f64) -> Self {
        let (lo, hi) = (self.scaled(self.lo), self.scaled(self.hi));
        let room = (hi - lo) * share;
        let back = |v: f64| if self.log { v.exp() } else { v };
        Self { lo: back(lo - room), hi: back(hi + room), ..self }
    }

    /// The range extended outward to its next ticks.
    pub(crate) fn rounded(self, count: usize) -> Self {
        if self.log {
            return self;
        }
        let step = step(self.hi - self.lo, count);
        // A value less than a hundredth of a step beyond a tick needs no further tick.
        let lo = ((self.lo / step) + 0.01).floor() * step;
        let hi = ((self.hi / step) - 0.01).ceil() * step;
        Self { lo: lo.min(self.lo), hi: hi.max(self.hi), ..self }
    }

    /// The range cut off at these values.
    pub(crate) fn within(self, least: f64, most: f64) -> Self {
        Self { lo: self.lo.max(least), hi: self.hi.min(most), ..self }
    }

    fn scaled(&self, value: f64) -> f64 {
        if self.log { value.max(f64::MIN_POSITIVE).ln() } else { value }
    }

    /// The position of a value: 0 at the low end, 1 at the high end.
    pub(crate) fn position(&self, value: f64) -> f64 {
        let (lo, hi) = (self.scaled(self.lo), self.scaled(self.hi));
        (self.scaled(value) - lo) / (hi - lo)
    }

    /// About `count` round values at most: steps of 1, 2 or 5 times a power of ten, or powers on a logarithmic axis.
    pub(crate) fn ticks(&self, count: usize) -> Vec<f64> {
        let ticks: Vec<f64> = if self.log {
            let (lo, hi) = (self.lo.log10().floor() as i32, self.hi.log10().ceil() as i32);
            let decades = usize::try_from(hi - lo).unwrap_or(1).max(1);
            let within: &[f64] = if decades * 3 <= count { &[1.0, 2.0, 5.0] } else { &[1.0] };
            let stride = decades.div_ceil(count.max(1)).max(1);
            (lo..=hi)
                .step_by(stride)
                .flat_map(|power| within.iter().map(move |digit| digit * 10f64.powi(power)))
                .collect()
        } else {
            let step = step(self.hi - self.lo, count);
            let (first, last) = ((self.lo / step).ceil() as i64, (self.hi / step).floor() as i64);
            (first..=last).map(|i| i as f64 * step).collect()
        };
        let slack = 1e-9;
        ticks.into_iter().filter(|&v| (-slack..=1.0 + slack).contains(&self.position(v))).collect()
    }

    /// The ticks with their labels, which all have the same number of decimals.
    pub(crate) fn labels(&self, count: usize) -> Vec<(f64, String)> {
        let ticks = self.ticks(count);
        let largest = self.lo.abs().max(self.hi.abs());
        let step = step(self.hi - self.lo, count);
        let plain = !self.log && (1e-4..1e6).contains(&largest) && step >= 1e-4;
        let decimals = (-step.log10().floor()).clamp(0.0, 4.0) as usize;
        let label = |v: f64| {
            if plain { format!("{:.decimals$}", v + 0.0).replace('-', "−") } else { number(v as f32) }
        };
        ticks.into_iter().map(|v| (v, label(v))).collect()
    }
}

/// The round step that divides a length into about `count` parts at most.
fn step(length: f64, count: usize) -> f64 {
    let rough = length / count.max(1) as f64;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().find(|m| m * power >= rough * 0.999).unwrap_or(10.0) * power;
    if step.is_finite() && step > 0.0 { step } else { 1.0 }
}

impl Ranged for Span {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        (f64::from(from) + self.position(*value) * f64::from(to - from)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        self.ticks(hint.max_num_points())
    }

    fn range(&self) -> Range<f64> {
        self.lo..self.hi
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_within_the_range() {
        assert_eq!(Span::new(0.0, 1.0, false).ticks(5), [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]);
        assert_eq!(Span::new(0.0, 11.0, false).ticks(6), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(Span::new(1.0, 256.0, true).ticks(4), [1.0, 10.0, 100.0]);
    }

    #[test]
    fn labels_share_their_decimals() {
        let labels: Vec<_> = Span::new(-0.5, 1.0, false).labels(3).into_iter().map(|(_, label)| label).collect();
        assert_eq!(labels, ["−0.5", "0.0", "0.5", "1.0"]);
    }

    #[test]
    fn a_single_value_lies_in_the_middle() {
        assert_eq!(Span::new(3.0, 3.0, false).position(3.0), 0.5);
        assert!((Span::new(8.0, 8.0, true).position(8.0) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn an_empty_range_still_has_ticks() {
        assert!(!Span::new(f64::INFINITY, f64::NEG_INFINITY, false).ticks(5).is_empty());
    }
}
