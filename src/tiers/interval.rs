//! [`Interval`]: a label with a start and an end.

use crate::{Result, error::TiersError, notebook::Show, printable::line};

/// A stretch of time with a label; a point in time where start and end are one.
///
/// # Examples
/// ```
/// use glassbox::tiers::Interval;
/// let sh = Interval::new(0.32, 0.45, "sh");
/// assert!((sh.duration() - 0.13).abs() < 1e-9);
/// assert_eq!(sh.to_string(), "sh (0.32 to 0.45 s)");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Interval {
    /// In seconds.
    pub start: f64,
    /// In seconds.
    pub end: f64,
    /// What is said there; empty in a pause.
    pub label: String,
}

/// The labels that mean silence, in the small letters that they are compared in: of TIMIT, Kaldi, MFA, MAUS, festival.
const SILENT: [&str; 10] = ["sil", "sp", "pau", "h#", "#h", "#", "<p:>", "<sil>", "<eps>", "<silence>"];

/// No time is further from 0, in seconds: a year and more.
pub(super) const MOST: f64 = 1e8;

impl Interval {
    /// A label from one time to another, in seconds.
    pub fn new(start: impl Into<f64>, end: impl Into<f64>, label: impl Into<String>) -> Self {
        Self { start: start.into(), end: end.into(), label: label.into() }
    }

    /// How long it is, in seconds.
    pub fn duration(&self) -> f64 {
        self.end - self.start
    }

    /// The time halfway, in seconds.
    pub fn middle(&self) -> f64 {
        self.start + self.duration() / 2.0
    }

    /// Whether nothing is said: the label is empty, or one of the usual words for silence (`sil`, `sp`, `pau`, `h#`,
    /// `#`, `<p:>`, `<sil>`, `<eps>`, ...).
    pub fn is_pause(&self) -> bool {
        let label = self.label.trim();
        label.is_empty() || SILENT.contains(&label.to_lowercase().as_str())
    }

    /// That its times are times, in their order.
    pub(super) fn check(&self) -> Result<(), TiersError> {
        let shown = || line(&self.label);
        check_time(self.start, || format!("the start of `{}`", shown()))?;
        check_time(self.end, || format!("the end of `{}`", shown()))?;
        if self.end < self.start {
            return Err(TiersError::Backwards { label: shown(), start: self.start, end: self.end });
        }
        Ok(())
    }
}

/// That a number is a time.
pub(super) fn check_time(value: f64, what: impl FnOnce() -> String) -> Result<(), TiersError> {
    if value.abs() <= MOST { Ok(()) } else { Err(TiersError::Time { what: what(), value, most: MOST }) }
}

impl<S: Into<f64>, E: Into<f64>, L: Into<String>> From<(S, E, L)> for Interval {
    fn from((start, end, label): (S, E, L)) -> Self {
        Self::new(start, end, label)
    }
}

impl std::fmt::Display for Interval {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let label = if self.label.is_empty() { "(pause)".into() } else { line(&self.label) };
        match self.start == self.end {
            true => write!(f, "{label} ({} s)", rounded(self.start)),
            false => write!(f, "{label} ({} to {} s)", rounded(self.start), rounded(self.end)),
        }
    }
}

impl Show for Interval {
    fn html(&self) -> String {
        self.to_string().html()
    }

    fn plain(&self) -> String {
        self.to_string()
    }

    fn is_text(&self) -> bool {
        true
    }
}

impl Interval {
    /// Shows it as the output of a notebook's cell.
    #[track_caller]
    pub fn evcxr_display(&self) {
        Show::evcxr_display(self);
    }
}

/// A time for people: to a tenth of a millisecond.
pub(super) fn rounded(seconds: f64) -> f64 {
    (seconds * 1e4).round() / 1e4 + 0.0
}
