//! From the bytes of a file to its text.

use crate::error::TiersError;

/// The most bytes of a file that is read.
pub(super) const MOST: u64 = 1 << 28;

/// What files begin with that are no text, and what to do with them.
const KNOWN: [(&[u8], &str, &str); 10] = [
    (b"RIFF", "a WAV sound or a video", SOUND),
    (b"NIST_1A", "a NIST SPHERE sound", SOUND),
    (b"fLaC", "a FLAC sound", SOUND),
    (b"OggS", "an Ogg sound", SOUND),
    (b"ID3", "an MP3 sound", SOUND),
    (b"\xff\xfb", "an MP3 sound", SOUND),
    (b"ooBinaryFile", "a binary file of Praat", "save it in Praat as a text file"),
    (b"%PDF", "a PDF", OTHER),
    (b"\x89PNG", "a picture", OTHER),
    (b"PK\x03\x04", "a zip archive", "unpack it first"),
];
const SOUND: &str = "give the file of the labels, such as `mary.TextGrid`";
const OTHER: &str = "give a text file, such as a TextGrid, in UTF-8";

/// The text of a file in UTF-8, with or without its mark, in UTF-16 with it, or in Latin-1.
///
/// # Errors
/// When it is in none of these, or is no text.
pub(super) fn decoded(bytes: &[u8]) -> Result<String, TiersError> {
    if let Some((_, what, hint)) = KNOWN.iter().find(|(start, ..)| bytes.starts_with(start)) {
        return Err(TiersError::Binary { what, byte: 0, hint });
    }
    let text = match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest).map_err(|at| wrong(bytes, at + 3, "UTF-8"))?,
        [0xff, 0xfe, rest @ ..] => utf16(bytes, rest, u16::from_le_bytes)?,
        [0xfe, 0xff, rest @ ..] => utf16(bytes, rest, u16::from_be_bytes)?,
        _ => match utf8(bytes) {
            Ok(text) => text,
            Err(_) => latin1(bytes)?,
        },
    };
    let Some((before, _)) = text.split_once('\0') else { return Ok(text) };
    let byte = match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => 2 + 2 * before.encode_utf16().count(),
        [0xef, 0xbb, 0xbf, ..] => 3 + before.len(),
        _ => before.len(),
    };
    Err(TiersError::Binary { what: "a binary file", byte, hint: OTHER })
}

fn utf8(bytes: &[u8]) -> Result<String, usize> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|error| error.valid_up_to())
}

fn utf16(all: &[u8], rest: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, TiersError> {
    let (pairs, odd) = rest.as_chunks::<2>();
    let mut text = String::with_capacity(rest.len());
    let mut byte = 2;
    for letter in char::decode_utf16(pairs.iter().map(|&pair| unit(pair))) {
        let letter = letter.map_err(|_| wrong(all, byte, "UTF-16"))?;
        byte += 2 * letter.len_utf16();
        text.push(letter);
    }
    if odd.is_empty() { Ok(text) } else { Err(wrong(all, byte, "UTF-16")) }
}

/// Latin-1 has no letters from 0x80 to 0x9f.
fn latin1(bytes: &[u8]) -> Result<String, TiersError> {
    if let Some(byte) = bytes.iter().position(|&byte| byte == 0) {
        return Err(TiersError::Binary { what: "a binary file", byte, hint: OTHER });
    }
    match bytes.iter().position(|byte| (0x80..0xa0).contains(byte)) {
        Some(at) => Err(wrong(bytes, at, "UTF-8 or Latin-1")),
        None => Ok(bytes.iter().map(|&byte| char::from(byte)).collect()),
    }
}

fn wrong(bytes: &[u8], byte: usize, encoding: &'static str) -> TiersError {
    TiersError::Encoding { byte, value: bytes.get(byte).copied().unwrap_or_default(), encoding }
}
