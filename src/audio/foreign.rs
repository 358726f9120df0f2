//! Formats that are not read, by their first bytes, and what to do about them.

use super::source::Source;
use crate::{
    Error,
    error::{AudioError, Unreadable},
    printable::printable,
};
use std::path::Path;

/// How many bytes are looked at.
pub(super) const LOOKED_AT: u64 = 64;

/// The command that makes a WAV file of another.
pub(super) fn command(name: &str, how: &str) -> String {
    let path = Path::new(name);
    let (input, output) = match path.extension() {
        Some(end) if end.eq_ignore_ascii_case("wav") => {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            (name.to_owned(), path.with_file_name(format!("{stem}-16k.wav")).display().to_string())
        }
        Some(_) => (name.to_owned(), path.with_extension("wav").display().to_string()),
        None => ("in".to_owned(), "out.wav".to_owned()),
    };
    let quoted = |name: String| if name.contains([' ', '\'', '(', '&']) { format!("\"{name}\"") } else { name };
    format!("ffmpeg -i {} {how} {}", quoted(input), quoted(output))
}

const TO_OURS: &str = "-ar 16000 -ac 1";

/// The formats of sound and video that begin with these bytes at this place.
const FORMATS: [(usize, &[u8], &str); 35] = [
    (0, b"fLaC", "a FLAC file"),
    (0, b"OggS", "an OGG file (Vorbis or Opus)"),
    (0, b"ID3", "an MP3 file"),
    (0, b"\xff\xfb", "an MP3 file"),
    (0, b"\xff\xf3", "an MP3 file"),
    (0, b"\xff\xf2", "an MP3 file"),
    (0, b"\xff\xfa", "an MP3 file"),
    (0, b"\xff\xf1", "an AAC file"),
    (0, b"\xff\xf9", "an AAC file"),
    (8, b"AIFF", "an AIFF file"),
    (8, b"AIFC", "an AIFF file"),
    (4, b"ftypM4A", "an M4A file"),
    (4, b"ftypM4B", "an M4A file"),
    (4, b"ftypqt", "a QuickTime video"),
    (4, b"ftyp3g", "a 3GP recording"),
    (4, b"ftyp", "an MP4 file (a video, or sound alone)"),
    (4, b"moov", "a QuickTime video"),
    (8, b"AVI ", "an AVI video"),
    (0, b"FLV", "a Flash video"),
    (0, b"\x00\x00\x01\xba", "an MPEG video"),
    (0, b"\x00\x00\x01\xb3", "an MPEG video"),
    (0, b"\x30\x26\xb2\x75", "a Windows Media file (WMA or WMV)"),
    (0, b".snd", "an AU file"),
    (0, b"caff", "a CAF file"),
    (0, b"#!AMR", "an AMR file"),
    (0, b"wvPK", "a WavPack file"),
    (0, b"MAC ", "a Monkey's Audio file"),
    (0, b"ajkg", "a Shorten file"),
    (0, b"RIFX", "a WAV file of the big-endian kind (RIFX)"),
    (0, b"riff", "a Wave64 file"),
    (0, b"TTA", "a True Audio file"),
    (0, b"\x47\x40", "an MPEG transport stream (a video)"),
    (0, b"MThd", "a MIDI file, notes without sound"),
    (0, b".RMF", "a RealMedia file"),
    (0, b"#EXTM3U", "a list of recordings (M3U)"),
];

const PATH_HINT: &str = "name the recording itself";
const FETCH_HINT: &str = "the download gave something else than the recording; fetch it again";

/// What is no sound at all.
const NO_SOUNDS: [(&[u8], &str, &str); 10] = [
    (b"File type = \"ooText", "a Praat file of text, such as a TextGrid", PATH_HINT),
    (b"version https://git-lfs", "a pointer of Git LFS", "fetch what it stands for with `git lfs pull`"),
    (b"<!DOCTYPE", "a web page", FETCH_HINT),
    (b"<!doctype", "a web page", FETCH_HINT),
    (b"<html", "a web page", FETCH_HINT),
    (b"PK\x03\x04", "a ZIP archive", "unpack it first"),
    (b"\x1f\x8b", "a gzip archive", "unpack it first"),
    (b"\x89PNG", "a picture", PATH_HINT),
    (b"\xff\xd8\xff", "a picture", PATH_HINT),
    (b"%PDF", "a PDF document", PATH_HINT),
];

impl Source<'_> {
    /// The error of a format that is not read.
    pub(super) fn foreign(&self, format: &'static str) -> Error {
        self.unreadable(Unreadable::Format { format, command: command(self.name(), TO_OURS) })
    }

    /// The error of SPHERE files compressed by Shorten, which no other program but NIST's own reads well.
    pub(super) fn shortened(&self) -> Error {
        let name = if self.name().contains(' ') { "in.sph" } else { self.name() };
        let command = format!("sph2pipe -f wav {name} out.wav");
        self.unreadable(Unreadable::Format { format: "a compressed SPHERE file", command })
    }
}

/// The error of a file that begins with these bytes, none of which this crate reads.
pub(super) fn unknown(name: &str, begin: &[u8]) -> Error {
    let format = FORMATS.iter().find(|(at, magic, _)| begin.get(*at..).is_some_and(|rest| rest.starts_with(magic)));
    let no_sound = NO_SOUNDS.iter().find(|(magic, ..)| begin.starts_with(magic));
    let webm = || if contains(begin, b"webm") { "a WebM file (a video, or sound alone)" } else { "a Matroska video" };
    let why = match (format, no_sound) {
        (Some((_, _, format)), _) => Unreadable::Format { format, command: command(name, TO_OURS) },
        (_, Some((_, format, hint))) => Unreadable::NoSound { format, hint },
        _ if begin.starts_with(b"\x1a\x45\xdf\xa3") => {
            Unreadable::Format { format: webm(), command: command(name, TO_OURS) }
        }
        _ => Unreadable::Unknown { begins: begins(begin), command: command(name, TO_OURS) },
    };
    AudioError::Unreadable { name: name.into(), why }.into()
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// The first bytes, as letters where they are some.
fn begins(begin: &[u8]) -> String {
    match begin.get(..8).unwrap_or(begin) {
        text if text.iter().all(|byte| (b' '..=b'~').contains(byte)) => {
            format!("the letters `{}`", printable(&String::from_utf8_lossy(text)))
        }
        bytes => {
            let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("the bytes {}", hex.join(" "))
        }
    }
}
