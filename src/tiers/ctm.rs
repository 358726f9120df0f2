//! CTM, the word times of speech recognisers: `recording channel start duration word [confidence]`.

use super::{
    Tiers,
    entries::{Beside, all_of, entries, layered, lines, number, shown},
    interval::Interval,
    tier::Tier,
};
use crate::{error::TiersError, order::larger, printable::line};
use std::{collections::BTreeMap, fmt::Write};

const FORMAT: &str = "a CTM file";

/// Words, and the confidence of those that have one: each an interval.
type Channel = (Vec<Interval>, Vec<Interval>);

/// The tiers of every recording in their order: `words` and, where there are confidences, `p`. Where a recording has
/// several channels, their names stand in those of the tiers: `words (channel B)`.
pub(super) fn read_all(text: &str) -> Result<Vec<(String, Tiers)>, TiersError> {
    let mut recordings: Vec<(String, BTreeMap<String, Channel>)> = Vec::new();
    let mut known = BTreeMap::new();
    for (at, row) in lines(text).filter(|(_, row)| !row.trim_start().starts_with(";;")) {
        let cells: Vec<&str> = row.split_whitespace().take(6).collect();
        let [recording, channel, start, duration, word, rest @ ..] = cells.as_slice() else {
            let needed = "a recording, a channel, a start, a duration and a word".into();
            return Err(TiersError::Line { line: at, found: shown(row), needed });
        };
        let start = number(at, start, "a start in seconds")?;
        let duration = number(at, duration, "a duration in seconds")?;
        let end = nano(start + duration);
        let end = if duration >= 0.0 { larger(end, start) } else { end };
        let mark = Interval::new(start, end, *word);
        mark.check().map_err(|why| TiersError::AtLine { line: at, why: why.to_string() })?;
        let place = *known.entry(recording.to_string()).or_insert_with(|| {
            recordings.push((recording.to_string(), BTreeMap::new()));
            recordings.len() - 1
        });
        let Some((_, channels)) = recordings.get_mut(place) else { continue };
        let (words, confidences) = channels.entry(channel.to_string()).or_default();
        confidences.extend(rest.first().map(|confidence| Interval { label: confidence.to_string(), ..mark.clone() }));
        words.push(mark);
    }
    recordings.into_iter().map(|(name, channels)| Ok((name, tiers(channels)?))).collect()
}

fn tiers(channels: BTreeMap<String, Channel>) -> Result<Tiers, TiersError> {
    let several = channels.len() > 1;
    let mut tiers = Vec::new();
    for (channel, (words, confidences)) in channels {
        let name = |tier: &str| if several { format!("{tier} (channel {channel})") } else { tier.to_owned() };
        tiers.extend(layered(&name("words"), words)?);
        if !confidences.is_empty() {
            tiers.extend(layered(&name("p"), confidences)?);
        }
    }
    Ok(Tiers::new(tiers))
}

/// The tiers of the one recording.
pub(super) fn read(text: &str) -> Result<Tiers, TiersError> {
    let mut all = read_all(text)?;
    match all.len() {
        0 => Ok(Tiers::new(layered("words", Vec::new())?)),
        1 => Ok(all.remove(0).1),
        count => {
            let names: Vec<_> = all.iter().take(3).map(|(name, _)| line(name)).collect();
            let rest = if count > 3 { ", ..." } else { "" };
            Err(TiersError::Recordings { count, names: names.join(", ") + rest })
        }
    }
}

/// A tier `words` as one channel, `words (channel A)` and the like as several; `p` beside it has the confidences.
pub(super) fn write(tiers: &Tiers, recording: &str) -> Result<String, TiersError> {
    let channel = |tier: &Tier| tier.name.strip_prefix("words (channel ")?.strip_suffix(')').map(str::to_owned);
    let channels: Vec<String> = tiers.tiers.iter().filter_map(channel).collect();
    let mut out = String::new();
    if channels.is_empty() {
        let words = entries(tiers, FORMAT, &["words", "word"])?;
        rows(&mut out, recording, "1", words, Beside::of(tiers, "p"))?;
    }
    for channel in channels {
        let name = |tier: &str| format!("{tier} (channel {channel})");
        let words = all_of(tiers, &name("words"));
        rows(&mut out, recording, &channel, words, Beside::of(tiers, &name("p")))?;
    }
    Ok(out)
}

fn rows(
    out: &mut String,
    recording: &str,
    channel: &str,
    words: Vec<Interval>,
    mut confidences: Beside,
) -> Result<(), TiersError> {
    for word in words {
        let confidence = confidences.take(&word);
        for cell in [word.label.as_str(), recording, channel].into_iter().chain(confidence.as_deref()) {
            if cell.is_empty() || cell.contains(char::is_whitespace) {
                let why = "each of its words is one, without spaces";
                return Err(TiersError::Unwritable { format: FORMAT, label: line(cell), why });
            }
        }
        let (start, duration) = (word.start, nano(word.end - word.start));
        let confidence = confidence.map(|confidence| format!(" {confidence}")).unwrap_or_default();
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{recording} {channel} {start} {duration} {}{confidence}", word.label);
    }
    Ok(())
}

/// To a billionth of a second, so that a start and a duration add up to the end that they were made from.
fn nano(seconds: f64) -> f64 {
    (seconds * 1e9).round() / 1e9
}
