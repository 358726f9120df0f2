//! The spelling of vocabulary entries: from a piece to its text and back. [`Tokenizer`](super::Tokenizer) prints tokens
//! with it.

use tokenizers::Tokenizer;

/// How the entries of a vocabulary spell text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pieces {
    /// GPT-2's spelling: each byte is a printable character, and a space is `Ġ`.
    Bytes,
    /// SentencePiece's spelling: a space is `▁`, and a byte that no piece covers is `<0xE2>`.
    Marked,
    /// The text itself.
    Plain,
}

impl Pieces {
    /// Finds the spelling from the tokenizer's parts. It reads their JSON, which has the name of each part in one
    /// place.
    pub(super) fn of(tokenizer: &Tokenizer) -> Self {
        let decoder = serde_json::to_string(&tokenizer.get_decoder()).unwrap_or_default();
        let splitter = serde_json::to_string(&tokenizer.get_pre_tokenizer()).unwrap_or_default();
        let parts = decoder + &splitter;
        if parts.contains("ByteLevel") {
            Self::Bytes
        } else if parts.contains('▁') || parts.contains("ByteFallback") {
            Self::Marked
        } else {
            Self::Plain
        }
    }

    /// The piece as printed text.
    pub(super) fn text(self, piece: &str) -> String {
        match self {
            Self::Bytes => match piece.chars().map(byte_of).collect::<Option<Vec<_>>>() {
                Some(bytes) => printable(&bytes),
                None => piece.to_owned(),
            },
            Self::Marked => match fallback_byte(piece) {
                Some(byte) => printable(&[byte]),
                None => piece.replace('▁', " "),
            },
            Self::Plain => piece.to_owned(),
        }
    }

    /// Whether a piece is a space followed by the beginning of a word. It is called for a whole vocabulary.
    pub(super) fn begins_a_word(self, piece: &str) -> bool {
        let space = match self {
            Self::Bytes => 'Ġ',
            Self::Marked => '▁',
            Self::Plain => ' ',
        };
        let rest = piece.strip_prefix(space).and_then(|rest| rest.chars().next());
        rest.is_some_and(|letter| letter.is_alphanumeric() && letter != space)
    }

    /// The pieces that could spell `text`, the most likely first.
    pub(super) fn spellings(self, text: &str) -> Vec<String> {
        let marked = match self {
            Self::Bytes => Some(text.bytes().map(char_of).collect()),
            Self::Marked => Some(text.replace(' ', "▁")),
            Self::Plain => None,
        };
        let fallback = match (self, text.as_bytes()) {
            (Self::Marked, [byte]) => Some(format!("<0x{byte:02X}>")),
            _ => None,
        };
        marked.into_iter().chain([text.to_owned()]).chain(fallback).collect()
    }
}

/// The text of some bytes; each byte that is not part of a complete character is written `\xE2`.
fn printable(bytes: &[u8]) -> String {
    let chunk = |chunk: std::str::Utf8Chunk| {
        let invalid: String = chunk.invalid().iter().map(|byte| format!("\\x{byte:02X}")).collect();
        chunk.valid().to_owned() + &invalid
    };
    bytes.utf8_chunks().map(chunk).collect()
}

/// The byte of a piece such as `<0xE2>`.
fn fallback_byte(piece: &str) -> Option<u8> {
    let digits = piece.strip_prefix("<0x")?.strip_suffix('>')?;
    u8::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 2)
}

/// GPT-2's printable character for a byte: the byte itself if it has a glyph, else the next unused one from U+0100.
fn char_of(byte: u8) -> char {
    let unused = (0..byte).filter(|&b| !has_glyph(b)).count() as u32;
    let code = if has_glyph(byte) { u32::from(byte) } else { 0x100 + unused };
    char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// The byte that [`char_of`] maps to this character.
fn byte_of(char: char) -> Option<u8> {
    match u32::from(char) {
        code @ 0..=0xff => u8::try_from(code).ok().filter(|&byte| has_glyph(byte)),
        code => (0..=u8::MAX).filter(|&byte| !has_glyph(byte)).nth(code.checked_sub(0x100)? as usize),
    }
}

fn has_glyph(byte: u8) -> bool {
    matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_byte_alphabet_is_the_one_the_tokenizers_library_uses() {
        let theirs = tokenizers::pre_tokenizers::byte_level::ByteLevel::alphabet();
        let ours = (0..=u8::MAX).map(char_of).collect::<std::collections::HashSet<_>>();
        assert!(ours.len() == 256 && theirs.iter().all(|char| ours.contains(char)));
        assert!((0..=u8::MAX).all(|byte| byte_of(char_of(byte)) == Some(byte)));
        assert_eq!((char_of(b' '), char_of(b'\n'), byte_of('語')), ('Ġ', 'Ċ', None));
    }

    #[test]
    fn bytes_that_are_not_whole_characters_are_written_as_bytes() {
        assert_eq!(Pieces::Bytes.text("ĠMary"), " Mary");
        assert_eq!(Pieces::Bytes.text("âĢ"), "\\xE2\\x80");
        assert_eq!(Pieces::Bytes.text("Ã©t"), "ét");
        assert_eq!(Pieces::Marked.text("<0xE2>"), "\\xE2");
        assert_eq!(Pieces::Marked.text("<0x0A>"), "\n");
        assert_eq!(Pieces::Marked.text("▁Once"), " Once");
    }

    #[test]
    fn every_text_has_the_piece_that_prints_as_it_among_its_spellings() {
        for (pieces, piece) in [(Pieces::Bytes, "ĠMary"), (Pieces::Marked, "▁Once"), (Pieces::Marked, "<0x0A>")] {
            assert!(pieces.spellings(&pieces.text(piece)).contains(&piece.to_owned()));
        }
    }
}
