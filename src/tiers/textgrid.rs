//! Praat's TextGrids, long and short.

use super::{Tiers, entries::shown, interval::Interval, scanner::Scanner, tier::Tier};
use crate::{error::TiersError, printable::line};
use std::fmt::Write;

/// The tiers of a TextGrid, long or short. As in Praat, one reader does for both, because everything that is no number,
/// string or flag is comment.
pub(super) fn read(text: &str) -> Result<Tiers, TiersError> {
    let mut tokens = Scanner::new(text);
    let kind = "the file type `ooTextFile`";
    let found = tokens.text(kind)?;
    if !found.starts_with("ooTextFile") {
        return Err(TiersError::Line { line: tokens.line(), found: shown(&found), needed: kind.into() });
    }
    let kind = "the object class `TextGrid`";
    let found = tokens.text(kind)?;
    if found.split_whitespace().next() != Some("TextGrid") {
        return Err(TiersError::Line { line: tokens.line(), found: shown(&found), needed: kind.into() });
    }
    let start = tokens.number("the time at which the tiers start")?;
    let end = tokens.number("the time at which the tiers end")?;
    checked(&tokens, Interval::new(start, end, "the span of the tiers"))?;
    let mut tiers = Vec::new();
    let count = match tokens.there("`<exists>`, that there are tiers, or `<absent>`")? {
        true => tokens.count("the number of tiers")?,
        false => 0,
    };
    for at in 1..=count {
        tiers.push(tier(&mut tokens, at, count)?);
    }
    tokens.end("the end of the file, after the last tier,")?;
    Ok(Tiers::between(start, end, tiers))
}

fn tier(tokens: &mut Scanner, at: usize, count: usize) -> Result<Tier, TiersError> {
    let needed = format!("the class of tier {at} of {count}, `IntervalTier` or `TextTier`,");
    let points = match tokens.text(&needed)?.as_str() {
        "IntervalTier" => false,
        "TextTier" => true,
        other => return Err(TiersError::Line { line: tokens.line(), found: shown(other), needed }),
    };
    let name = tokens.text("the name of a tier")?;
    let start = tokens.number("the time at which a tier starts")?;
    let end = tokens.number("the time at which a tier ends")?;
    let count = tokens.count("the number of its intervals or points")?;
    let mut marks: Vec<Interval> = Vec::new();
    for at in 1..=count {
        let one = || format!("of {} {at} of {count}", if points { "point" } else { "interval" });
        let start = tokens.number(&format!("the {} {}", if points { "time" } else { "start" }, one()))?;
        let end = if points { start } else { tokens.number(&format!("the end {}", one()))? };
        let label = tokens.text(&format!("the label {}", one()))?;
        marks.push(checked(tokens, Interval::new(start, end, label))?);
    }
    let make = if points { Tier::pointed } else { Tier::between };
    let line = tokens.line();
    make(name, start, end, marks).map_err(|why| TiersError::AtLine { line, why: why.to_string() })
}

fn checked(tokens: &Scanner, mark: Interval) -> Result<Interval, TiersError> {
    mark.check().map_err(|why| TiersError::AtLine { line: tokens.line(), why: why.to_string() })?;
    Ok(mark)
}

/// That no two labels of a tier start at once: Praat reads one of them and loses the other.
fn check(tiers: &Tiers) -> Result<(), TiersError> {
    for tier in &tiers.tiers {
        let at_once = |pair: &&[Interval]| matches!(pair, [a, b] if a.start == b.start);
        if let Some([first, second]) = tier.marks.windows(2).find(at_once) {
            let hint = match tier.points {
                true => "move one of the points",
                false => "`tiers.at_least(0.01)?` makes every interval 10 ms long or longer",
            };
            let (tier, start) = (line(&tier.name), first.start);
            let (first, second) = (line(&first.label), line(&second.label));
            return Err(TiersError::AtOnce { tier, first, second, start, hint });
        }
    }
    Ok(())
}

/// The long form, as Praat writes it.
pub(super) fn long(tiers: &Tiers) -> Result<String, TiersError> {
    check(tiers)?;
    let mut out = String::from("File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n\n");
    out += &format!("xmin = {} \nxmax = {} \n", tiers.start, tiers.end);
    out += &format!("tiers? <exists> \nsize = {} \nitem []: \n", tiers.tiers.len());
    for (tier, at) in tiers.tiers.iter().zip(1..) {
        let (class, many, count) = (class(tier), if tier.points { "points" } else { "intervals" }, tier.marks.len());
        // Writing to a string cannot fail.
        let _ = write!(
            out,
            "    item [{at}]:\n        class = \"{class}\" \n        name = {} \n        xmin = {} \n        \
             xmax = {} \n        {many}: size = {count} \n",
            quoted(&tier.name),
            tier.start,
            tier.end
        );
        for (mark, at) in tier.marks.iter().zip(1..) {
            let (start, end, label) = (mark.start, mark.end, quoted(&mark.label));
            let indent = "            ";
            let _ = match tier.points {
                true => write!(out, "        points [{at}]:\n{indent}number = {start} \n{indent}mark = {label} \n"),
                false => write!(
                    out,
                    "        intervals [{at}]:\n{indent}xmin = {start} \n{indent}xmax = {end} \n{indent}text = {label} \n"
                ),
            };
        }
    }
    Ok(out)
}

/// The short form, as Praat writes it.
pub(super) fn short(tiers: &Tiers) -> Result<String, TiersError> {
    check(tiers)?;
    let mut out = String::from("File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n\n");
    out += &format!("{}\n{}\n<exists>\n{}\n", tiers.start, tiers.end, tiers.tiers.len());
    for tier in &tiers.tiers {
        let (name, count) = (quoted(&tier.name), tier.marks.len());
        out += &format!("\"{}\"\n{name}\n{}\n{}\n{count}\n", class(tier), tier.start, tier.end);
        for mark in &tier.marks {
            let end = if tier.points { String::new() } else { format!("{}\n", mark.end) };
            let _ = write!(out, "{}\n{end}{}\n", mark.start, quoted(&mark.label));
        }
    }
    Ok(out)
}

fn class(tier: &Tier) -> &'static str {
    if tier.points { "TextTier" } else { "IntervalTier" }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}
