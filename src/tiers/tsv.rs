//! openai's TSV: start, end and text, in whole milliseconds, under a line of names.

use super::{
    Tiers,
    entries::{entries, layered, lines, number, one_line, shown},
    interval::Interval,
};
use crate::error::TiersError;
use std::fmt::Write;

pub(super) const HEADER: &str = "start\tend\ttext";

pub(super) fn read(text: &str) -> Result<Tiers, TiersError> {
    let mut rows = lines(text);
    match rows.next() {
        Some((_, header)) if header.trim_end() == HEADER => {}
        other => {
            let (line, found) = other.map_or((1, "nothing".into()), |(line, found)| (line, shown(found)));
            return Err(TiersError::Line { line, found, needed: "the names `start`, `end`, `text` with tabs".into() });
        }
    }
    let mut marks = Vec::new();
    for (at, row) in rows {
        let mut cells = row.splitn(3, '\t');
        let start = number(at, cells.next().unwrap_or_default(), "a start in milliseconds")?;
        let end = number(at, cells.next().unwrap_or_default(), "an end in milliseconds")?;
        let mark = Interval::new(start / 1000.0, end / 1000.0, cells.next().unwrap_or_default());
        mark.check().map_err(|why| TiersError::AtLine { line: at, why: why.to_string() })?;
        marks.push(mark);
    }
    Ok(Tiers::new(layered("segments", marks)?))
}

pub(super) fn write(tiers: &Tiers) -> Result<String, TiersError> {
    let format = "a TSV file";
    let mut out = format!("{HEADER}\n");
    for mark in entries(tiers, format, super::subtitles::USUAL)? {
        one_line(format, &mark.label)?;
        let ms = |seconds: f64| (seconds * 1000.0).round() + 0.0;
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{}\t{}\t{}", ms(mark.start), ms(mark.end), mark.label);
    }
    Ok(out)
}
