//! Subtitles: SRT and VTT.

use super::{
    Tiers,
    entries::{entries, layered, shown},
    interval::Interval,
};
use crate::{error::TiersError, printable::line};
use std::fmt::Write;

/// The tiers that are written as subtitles where there are several.
pub(super) const USUAL: &[&str] = &["segments", "utterances", "sentences", "words", "word"];

/// Lines with numbers from 1, until one that holds nothing.
type Block<'a> = Vec<(usize, &'a str)>;

fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block> = vec![Vec::new()];
    for (line, at) in text.split('\n').zip(1..) {
        match blocks.last_mut() {
            Some(last) if !line.trim().is_empty() => last.push((at, line)),
            Some(last) if !last.is_empty() => blocks.push(Vec::new()),
            _ => {}
        }
    }
    blocks.retain(|block| !block.is_empty());
    blocks
}

pub(super) fn read_srt(text: &str) -> Result<Tiers, TiersError> {
    let mut marks = Vec::new();
    for block in blocks(text) {
        marks.push(cue(&block, str::to_owned)?);
    }
    Ok(Tiers::new(layered("segments", marks)?))
}

pub(super) fn read_vtt(text: &str) -> Result<Tiers, TiersError> {
    let mut blocks = blocks(text).into_iter();
    match blocks.next().as_deref() {
        Some([(_, first), ..]) if first.split_whitespace().next() == Some("WEBVTT") => {}
        other => {
            let found = other.and_then(|block| block.first()).map_or_else(|| "nothing".into(), |(_, text)| shown(text));
            return Err(TiersError::Line { line: 1, found, needed: "the word `WEBVTT`".into() });
        }
    }
    let mut marks = Vec::new();
    for block in blocks {
        let first = block.first().and_then(|(_, text)| text.split_whitespace().next());
        let timed = block.iter().take(2).any(|(_, text)| text.contains("-->"));
        match first {
            Some("NOTE" | "STYLE" | "REGION") if !timed => {}
            _ => marks.push(cue(&block, unescaped)?),
        }
    }
    Ok(Tiers::new(layered("segments", marks)?))
}

/// A cue: perhaps its number or name, its times, its text.
fn cue(block: &[(usize, &str)], plain: fn(&str) -> String) -> Result<Interval, TiersError> {
    let timing = block.iter().take(2).position(|(_, text)| text.contains("-->"));
    let Some((timing, rest)) = timing.and_then(|at| block.get(at..)?.split_first()) else {
        let (line, found) = block.get(1).or(block.first()).map_or((1, ""), |&(line, text)| (line, text));
        let needed = "`start --> end`, as in `00:00:01,000 --> 00:00:02,500`,".into();
        return Err(TiersError::Line { line, found: shown(found), needed });
    };
    let (line, text) = *timing;
    let (start, end) = text.split_once("-->").unwrap_or_default();
    let start = seconds(line, start.trim())?;
    // Settings of the cue may follow, such as `align:start`.
    let end = seconds(line, end.split_whitespace().next().unwrap_or_default())?;
    if let Some((line, text)) = rest.iter().find(|(_, text)| is_timing(text)) {
        let needed = "an empty line before the next cue".into();
        return Err(TiersError::Line { line: *line, found: shown(text), needed });
    }
    let text: Vec<_> = rest.iter().map(|(_, text)| plain(text)).collect();
    let mark = Interval::new(start, end, text.join("\n"));
    mark.check().map_err(|why| TiersError::AtLine { line, why: why.to_string() })?;
    Ok(mark)
}

fn is_timing(text: &str) -> bool {
    let Some((start, end)) = text.split_once("-->") else { return false };
    let end = end.split_whitespace().next().unwrap_or_default();
    seconds(0, start.trim()).is_ok() && seconds(0, end).is_ok()
}

/// `00:01:02,500` or `01:02.500` in seconds; hours may be left out.
fn seconds(line: usize, found: &str) -> Result<f64, TiersError> {
    let not = || TiersError::Line { line, found: shown(found), needed: "a time such as `00:01:02,500`".into() };
    let parts: Vec<&str> = found.split(':').collect();
    let (hours, minutes, rest) = match parts.as_slice() {
        [minutes, rest] => ("0", *minutes, *rest),
        [hours, minutes, rest] => (*hours, *minutes, *rest),
        _ => return Err(not()),
    };
    let (whole, thousandths) = rest.split_once([',', '.']).ok_or_else(not)?;
    let digits = |text: &str, least: usize, most: usize| -> Result<f64, TiersError> {
        let fits = (least..=most).contains(&text.len()) && text.bytes().all(|digit| digit.is_ascii_digit());
        text.parse::<f64>().ok().filter(|_| fits).ok_or_else(not)
    };
    let ms = digits(thousandths, 3, 3)?;
    let total = digits(hours, 1, 5)? * 3600.0 + digits(minutes, 1, 2)? * 60.0 + digits(whole, 1, 2)?;
    Ok((total * 1000.0 + ms) / 1000.0)
}

pub(super) fn write_srt(tiers: &Tiers) -> Result<String, TiersError> {
    let mut out = String::new();
    for (mark, at) in entries(tiers, "an SRT file", USUAL)?.iter().zip(1..) {
        fits("an SRT file", mark)?;
        let time = |seconds| clock(seconds, true, ',');
        // Writing to a string cannot fail.
        let _ = write!(out, "{at}\n{} --> {}\n{}\n\n", time(mark.start), time(mark.end), mark.label);
    }
    Ok(out)
}

pub(super) fn write_vtt(tiers: &Tiers) -> Result<String, TiersError> {
    let mut out = String::from("WEBVTT\n\n");
    for mark in entries(tiers, "a VTT file", USUAL)? {
        fits("a VTT file", &mark)?;
        let hours = mark.end >= 3599.9995;
        let time = |seconds| clock(seconds, hours, '.');
        let _ = write!(out, "{} --> {}\n{}\n\n", time(mark.start), time(mark.end), escaped(&mark.label));
    }
    Ok(out)
}

/// That a subtitle can hold a label and its times.
fn fits(format: &'static str, mark: &Interval) -> Result<(), TiersError> {
    let why = if mark.start < 0.0 {
        "it starts before 0 s"
    } else if mark.label.contains('\r') {
        "it has a carriage return"
    } else if mark.label.split('\n').any(|part| part.trim().is_empty()) {
        "it has an empty line"
    } else if mark.label.split('\n').any(is_timing) {
        "one of its lines looks like the times of a subtitle"
    } else {
        return Ok(());
    };
    Err(TiersError::Unwritable { format, label: line(&mark.label), why })
}

fn clock(seconds: f64, hours: bool, point: char) -> String {
    let ms = (seconds * 1000.0).round() as u64;
    let (hour, minute, second, ms) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000);
    let hours = if hours || hour > 0 { format!("{hour:02}:") } else { String::new() };
    format!("{hours}{minute:02}:{second:02}{point}{ms:03}")
}

const ESCAPES: [(&str, &str); 3] = [("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">")];
/// What is read, and never written.
const NAMED: [(&str, &str); 3] = [("&nbsp;", "\u{a0}"), ("&lrm;", "\u{200e}"), ("&rlm;", "\u{200f}")];

fn escaped(text: &str) -> String {
    ESCAPES.iter().fold(text.to_owned(), |text, (escape, plain)| text.replace(plain, escape))
}

/// The text without its marks for italics, colours, voices and times.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['<', '&']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let escape = ESCAPES.iter().chain(&NAMED).find(|(escape, _)| rest.starts_with(escape));
        let (passed, plain) = match (escape, tag(rest)) {
            (Some((escape, plain)), _) => (escape.len(), *plain),
            (_, Some(len)) => (len, ""),
            _ => (1, &rest[..1]),
        };
        out.push_str(plain);
        rest = &rest[passed..];
    }
    out + rest
}

/// How long the mark is that a text begins with; none where it is no mark.
fn tag(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('<')?.split_once('>')?.0;
    let name = inside.trim_start_matches('/').split(['.', ' ', '\t']).next().unwrap_or_default();
    let known = ["c", "i", "b", "u", "v", "lang", "ruby", "rt"].contains(&name) || seconds(0, inside).is_ok();
    known.then_some(inside.len() + 2)
}
