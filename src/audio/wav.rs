//! WAV: chunks, of which one says how the samples lie and one holds them.

use super::{
    coding::{Coding, Layout},
    source::Source,
};
use crate::Result;

/// A size that is not known, as in a file that was written while the sound came in.
const UNKNOWN: u64 = 0xFFFF_FFFF;

/// The samples of a WAV file, past its first twelve bytes.
pub(super) fn read(source: &mut Source) -> Result<(Layout, Vec<f32>)> {
    let (mut layout, mut long) = (None, None);
    while source.left() > 0 {
        let head = source.take(8)?;
        let (id, size) = (&head[..4], u64::from(u32_at(&head, 4)));
        match id {
            b"ds64" => {
                let sizes = source.take(padded(size))?;
                long = sizes.get(8..16).and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes);
            }
            b"fmt " => {
                let content = source.take(padded(size))?;
                layout = Some(format(source, &content)?);
            }
            b"data" => {
                let Some(layout) = layout else {
                    return Err(source.wrong("for the samples stand before what says how they are written"));
                };
                let size = match size {
                    0 | UNKNOWN => long,
                    size => Some(size),
                };
                return Ok((layout, source.samples(layout, size)?));
            }
            _ => source.skip(padded(size))?,
        }
    }
    Err(source.wrong("for it has no `data` chunk, where the samples are"))
}

/// Chunks begin at even places.
fn padded(size: u64) -> u64 {
    size + size % 2
}

fn format(source: &Source, content: &[u8]) -> Result<Layout> {
    if content.len() < 16 {
        return Err(source.wrong(format!("for its `fmt ` chunk has {} bytes of the 16 it needs", content.len())));
    }
    let (channels, rate) = (usize::from(u16_at(content, 2)), u32_at(content, 4));
    let (frame, bits) = (usize::from(u16_at(content, 12)), u16_at(content, 14));
    let tag = match u16_at(content, 0) {
        // The extensible form has the tag at the start of a longer name.
        0xFFFE if content.len() >= 26 => u16_at(content, 24),
        tag => tag,
    };
    let bytes = usize::from(bits.div_ceil(8));
    let coding = match (tag, bytes) {
        (1, 1) => Coding::Unsigned8,
        (1, 2..=4) => Coding::Whole(bytes),
        (3, 4) => Coding::Float32,
        (3, 8) => Coding::Float64,
        (6, 1) => Coding::ALaw,
        (7, 1) => Coding::MuLaw,
        (1 | 3 | 6 | 7, _) => return Err(source.wrong(format!("for it has samples of {bits} bits, which are none"))),
        _ => return Err(source.foreign(codec(tag))),
    };
    if channels == 0 {
        return Err(source.wrong("for it has 0 channels"));
    }
    let layout = Layout { coding, big_endian: false, channels, rate };
    if layout.frame() == frame {
        return Ok(layout);
    }
    let why = format!("for {channels} samples of {bits} bits take {} bytes, not {frame}", layout.frame());
    Err(source.wrong(why))
}

/// What a WAV file may hold instead of samples.
fn codec(tag: u16) -> &'static str {
    match tag {
        0x0002 | 0x0011 => "a WAV file of ADPCM",
        0x0031 => "a WAV file of GSM speech",
        0x0050 | 0x0055 => "a WAV file of MP3",
        0x00FF | 0x1600..=0x1610 => "a WAV file of AAC",
        0xF1AC => "a WAV file of FLAC",
        _ => "a WAV file of compressed sound",
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).and_then(|bytes| bytes.try_into().ok()).map_or(0, u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes)
}
