//! NIST SPHERE, the format of TIMIT and of much else that phoneticians have: a header of lines, then the samples.

use super::{
    coding::{Coding, Layout},
    source::Source,
};
use crate::Result;
use std::collections::BTreeMap;

/// How a header begins, before the line with its length.
pub(super) const BEGIN: &[u8] = b"NIST_1A\n";
/// The most that a header may take.
const LONGEST: u64 = 1 << 20;

/// The samples of a SPHERE file, past the twelve bytes that it began with.
pub(super) fn read(source: &mut Source, begin: &[u8]) -> Result<(Layout, Vec<f32>)> {
    let mut head = begin[BEGIN.len()..].to_vec();
    head.extend(source.take(4)?);
    let len = String::from_utf8_lossy(&head).trim().parse::<u64>();
    let read = (BEGIN.len() + head.len()) as u64;
    let Some(rest) = len.ok().filter(|&len| len <= LONGEST).and_then(|len| len.checked_sub(read)) else {
        return Err(source.wrong("for its second line is not the length of the header"));
    };
    let lines = source.take(rest)?;
    let fields = fields(&String::from_utf8_lossy(&lines));
    let layout = layout(source, &fields)?;
    let count = number(source, &fields, "sample_count")?;
    let bytes = count.map(|count| count.saturating_mul(layout.frame() as u64));
    Ok((layout, source.samples(layout, bytes)?))
}

/// `sample_rate -i 16000`: names and values.
fn fields(lines: &str) -> BTreeMap<String, String> {
    let lines = lines.lines().take_while(|line| line.trim() != "end_head");
    let field = |line: &str| {
        let mut words = line.splitn(3, ' ');
        let (name, _, value) = (words.next()?, words.next()?, words.next()?);
        Some((name.to_owned(), value.trim().to_owned()))
    };
    lines.filter_map(field).collect()
}

fn number(source: &Source, fields: &BTreeMap<String, String>, name: &str) -> Result<Option<u64>> {
    let Some(value) = fields.get(name) else { return Ok(None) };
    value.parse().map(Some).map_err(|_| source.wrong(format!("for its `{name}` is `{value}`, not a whole number")))
}

fn layout(source: &Source, fields: &BTreeMap<String, String>) -> Result<Layout> {
    let number = |name| number(source, fields, name);
    let text = |name| fields.get(name).map_or("", String::as_str);
    let rate = number("sample_rate")?.and_then(|rate| u32::try_from(rate).ok());
    let Some(rate) = rate else { return Err(source.wrong("for it has no `sample_rate`")) };
    let coding = match (text("sample_coding"), number("sample_n_bytes")?.unwrap_or(2)) {
        ("ulaw" | "mu-law", _) => Coding::MuLaw,
        ("alaw", _) => Coding::ALaw,
        ("" | "pcm", bytes @ 1..=4) => Coding::Whole(bytes as usize),
        ("" | "pcm", bytes) => return Err(source.wrong(format!("for it has samples of {bytes} bytes"))),
        _ => return Err(source.shortened()),
    };
    let channels = number("channel_count")?.unwrap_or(1);
    if channels == 0 || channels > 1 << 16 {
        return Err(source.wrong(format!("for it has {channels} channels")));
    }
    // The order of the bytes, the most significant of which is called 1 of two, 3 of four.
    let big_endian = matches!(text("sample_byte_format"), "10" | "210" | "3210");
    Ok(Layout { coding, big_endian, channels: channels as usize, rate })
}
