//! TIMIT's `.PHN` and `.WRD`: start, end and label, in samples.

use super::{
    Tiers,
    entries::{entries, layered, lines, number, one_line},
    interval::Interval,
};
use crate::{error::TiersError, printable::line};
use std::fmt::Write;

/// The tier of such a file, at so many samples a second. TIMIT's words may overlap; what does is on a tier of its own.
pub(super) fn read(text: &str, name: &str, rate: u32) -> Result<Tiers, TiersError> {
    let rate = checked(rate)?;
    let mut marks = Vec::new();
    for (at, text) in lines(text) {
        let (start, rest) = text.trim_start().split_once([' ', '\t']).unwrap_or((text, ""));
        let (end, label) = rest.trim_start().split_once([' ', '\t']).unwrap_or((rest, ""));
        let start = number(at, start, "the first sample of a label")?;
        let end = number(at, end, "the sample after a label")?;
        if label.trim().is_empty() {
            let needed = "a label after its two samples".into();
            return Err(TiersError::Line { line: at, found: "nothing".into(), needed });
        }
        let mark = Interval::new(start / rate, end / rate, label.trim());
        mark.check().map_err(|why| TiersError::AtLine { line: at, why: why.to_string() })?;
        marks.push(mark);
    }
    Ok(Tiers::new(layered(name, marks)?))
}

/// Such a file of one tier, its times rounded to samples.
pub(super) fn write(tiers: &Tiers, format: &'static str, usual: &[&str], rate: u32) -> Result<String, TiersError> {
    let rate = checked(rate)?;
    let mut out = String::new();
    for mark in entries(tiers, format, usual)? {
        one_line(format, &mark.label)?;
        if mark.label.trim() != mark.label {
            let why = "it begins or ends with a space";
            return Err(TiersError::Unwritable { format, label: line(&mark.label), why });
        }
        let sample = |seconds: f64| (seconds * rate).round();
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{} {} {}", sample(mark.start), sample(mark.end), mark.label);
    }
    Ok(out)
}

fn checked(rate: u32) -> Result<f64, TiersError> {
    if rate == 0 { Err(TiersError::Rate { rate }) } else { Ok(f64::from(rate)) }
}
