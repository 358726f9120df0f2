//! [`Format`]: the files that tiers come from and go to.

use super::{Tier, Tiers, ctm, decode, subtitles, textgrid, timit, transcript::Transcript, tsv, whisper_json};
use crate::{Error, Result, error::TiersError, files};
use std::path::Path;

/// A kind of file that holds labels in time.
///
/// | format | end of the name | times | tiers |
/// |---|---|---|---|
/// | Praat's, long or short | `.TextGrid` | seconds | all, intervals and points |
/// | TIMIT's | `.PHN`, `.WRD` | samples | `phones` or `words` |
/// | of speech recognisers | `.ctm` | seconds | `words`, and their confidences `p` |
/// | subtitles | `.srt`, `.vtt` | milliseconds | `segments` |
/// | openai's table | `.tsv` | milliseconds | `segments` |
/// | openai's and WhisperX's JSON | `.json` | seconds | `segments`, `words`, and their probabilities `p` |
///
/// A format that holds one tier is written from the tier of its usual name, or from the only one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Praat's long text form. Both forms are read, whichever is said.
    TextGrid,
    /// Praat's short text form.
    ShortTextGrid,
    /// TIMIT's phones, in samples.
    Phn {
        /// Samples a second; TIMIT has 16000.
        rate: u32,
    },
    /// TIMIT's words, in samples. Where they overlap, as TIMIT's do, the later one is in a tier `words 2`.
    Wrd {
        /// Samples a second; TIMIT has 16000.
        rate: u32,
    },
    /// `recording channel start duration word confidence`, a word a line. Further cells are left out.
    Ctm,
    /// SubRip's subtitles.
    Srt,
    /// The web's subtitles. Their styles and voices are left out.
    Vtt,
    /// openai's table.
    Tsv,
    /// openai's [`Transcript`], or WhisperX's.
    Json,
}

const KNOWN: &str = ".TextGrid, .PHN, .WRD, .ctm, .srt, .vtt, .tsv or .json";
/// The samples a second of TIMIT.
const RATE: u32 = 16_000;

impl Format {
    fn of_name(path: &Path) -> Option<Self> {
        let end = path.extension()?.to_str()?.to_ascii_lowercase();
        Some(match end.as_str() {
            "textgrid" => Self::TextGrid,
            "phn" => Self::Phn { rate: RATE },
            "wrd" => Self::Wrd { rate: RATE },
            "ctm" => Self::Ctm,
            "srt" => Self::Srt,
            "vtt" => Self::Vtt,
            "tsv" => Self::Tsv,
            "json" => Self::Json,
            _ => return None,
        })
    }

    fn of_content(text: &str) -> Option<Self> {
        let text = text.trim_start();
        let first = text.lines().next().unwrap_or_default();
        let second = text.lines().nth(1).unwrap_or_default();
        if first.starts_with("File type") || first.starts_with("\"ooTextFile") {
            Some(Self::TextGrid)
        } else if first.starts_with("WEBVTT") {
            Some(Self::Vtt)
        } else if first.trim_end() == tsv::HEADER {
            Some(Self::Tsv)
        } else if first.starts_with('{') {
            Some(Self::Json)
        } else {
            (first.trim().parse::<u64>().is_ok() && second.contains("-->")).then_some(Self::Srt)
        }
    }

    /// By what it begins with, or else by its name.
    fn of(path: &Path, text: &str) -> Result<Self, TiersError> {
        Self::of_content(text).or(Self::of_name(path)).ok_or(TiersError::UnknownFormat { known: KNOWN })
    }
}

impl Tiers {
    /// Reads a file. Its beginning or its name says which [format](Format) it has. It may be in UTF-8 with or without a
    /// byte order mark, in UTF-16 with one, or in Latin-1. TIMIT's files are taken to have 16,000 samples a second;
    /// [`from_text`](Self::from_text) reads them at another rate.
    ///
    /// # Errors
    /// When it cannot be read, is no such file, or something in it is wrong: with the line or byte, what is there, and
    /// what should be.
    ///
    /// # Examples
    /// ```
    /// use glassbox::tiers::{Tier, Tiers};
    /// let path = std::env::temp_dir().join(format!("glassbox-{}.TextGrid", std::process::id()));
    /// let phones = Tier::new("phones", [(0.0, 0.12, "ʃ"), (0.12, 0.3, "iː")])?;
    /// let tones = Tier::points("tones", [(0.2, "H*")])?;
    /// let tiers = Tiers::new([phones, tones]);
    /// tiers.save(&path)?; // or .srt, .vtt, .ctm, .tsv, .json, .PHN, .WRD
    /// assert_eq!(Tiers::open(&path)?, tiers);
    /// # std::fs::remove_file(path).ok();
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let read = |text: &str| Format::of(path, text).and_then(|format| parsed(text, format));
        Ok(text_of(path)?.and_then(|text| read(&text)).map_err(|why| in_file(path, &why))?)
    }

    /// Reads text of a format.
    ///
    /// # Errors
    /// When something in it is wrong: with the line, what is there, and what should be.
    pub fn from_text(text: impl AsRef<str>, format: Format) -> Result<Self> {
        Ok(parsed(text.as_ref(), format)?)
    }

    /// The tiers as text of a format.
    ///
    /// # Errors
    /// When the format cannot hold a label, or holds one tier and it cannot be told which is meant.
    pub fn to_text(&self, format: Format) -> Result<String> {
        Ok(written(self, format, "recording")?)
    }

    /// Writes a file, [whole](files) or not at all, in UTF-8, in the format that the end of its name says.
    ///
    /// # Errors
    /// As [`to_text`](Self::to_text); when the name ends in nothing known, or the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let unknown = || in_file(path, &TiersError::UnknownFormat { known: KNOWN });
        self.save_as(path, Format::of_name(path).ok_or_else(unknown)?)
    }

    /// Writes a file of a format, whatever its name.
    ///
    /// # Errors
    /// As [`to_text`](Self::to_text); when the file cannot be written.
    pub fn save_as(&self, path: impl AsRef<Path>, format: Format) -> Result<()> {
        let path = path.as_ref();
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().replace(char::is_whitespace, "_"));
        let recording = stem.filter(|stem| !stem.is_empty()).unwrap_or_else(|| "recording".into());
        files::write(path, written(self, format, &recording)?)
    }
}

impl Tier {
    /// Writes a file of this tier alone, as [`Tiers::save`] does.
    ///
    /// # Errors
    /// As [`Tiers::save`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        Tiers::new([self.clone()]).save(path)
    }
}

impl Transcript {
    /// Writes openai's JSON to a file, [whole](files) or not at all. `heard.tiers()?.save(path)` writes the other formats.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        files::write(path, self.to_json())
    }

    /// Reads openai's JSON, or WhisperX's, from a file.
    ///
    /// # Errors
    /// When it cannot be read, is no JSON, or a field holds something else than it should.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Ok(text_of(path)?.and_then(|text| whisper_json::read(&text)).map_err(|why| in_file(path, &why))?)
    }
}

/// The recordings of a CTM file in their order, each its name and its tiers.
///
/// # Errors
/// As [`Tiers::open`].
pub fn recordings(path: impl AsRef<Path>) -> Result<Vec<(String, Tiers)>> {
    let path = path.as_ref();
    Ok(text_of(path)?.and_then(|text| ctm::read_all(&unix(&text))).map_err(|why| in_file(path, &why))?)
}

/// The text of a file, or what is wrong with it as one.
fn text_of(path: &Path) -> Result<Result<String, TiersError>> {
    let unread = |error| Error::io(format!("{} cannot be read", path.display()), error);
    let about = std::fs::metadata(path).map_err(unread)?;
    if !about.is_file() {
        return Ok(Err(TiersError::NoFile));
    }
    if about.len() > decode::MOST {
        return Ok(Err(TiersError::TooLarge { got: about.len(), most: decode::MOST }));
    }
    Ok(decode::decoded(&std::fs::read(path).map_err(unread)?))
}

fn in_file(path: &Path, why: &TiersError) -> TiersError {
    TiersError::InFile { path: path.into(), why: why.to_string() }
}

/// Lines that end in `\n`, whichever system wrote them.
fn unix(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

fn parsed(text: &str, format: Format) -> Result<Tiers, TiersError> {
    let text = text.trim_start_matches('\u{feff}');
    match format {
        Format::TextGrid | Format::ShortTextGrid => textgrid::read(text),
        Format::Phn { rate } => timit::read(&unix(text), "phones", rate),
        Format::Wrd { rate } => timit::read(&unix(text), "words", rate),
        Format::Ctm => ctm::read(&unix(text)),
        Format::Srt => subtitles::read_srt(&unix(text)),
        Format::Vtt => subtitles::read_vtt(&unix(text)),
        Format::Tsv => tsv::read(&unix(text)),
        Format::Json => whisper_json::read(text)?.spread(),
    }
}

fn written(tiers: &Tiers, format: Format, recording: &str) -> Result<String, TiersError> {
    Ok(match format {
        Format::TextGrid => textgrid::long(tiers)?,
        Format::ShortTextGrid => textgrid::short(tiers)?,
        Format::Phn { rate } => timit::write(tiers, "a PHN file", &["phones", "phone", "phonemes"], rate)?,
        Format::Wrd { rate } => timit::write(tiers, "a WRD file", &["words", "word"], rate)?,
        Format::Ctm => ctm::write(tiers, recording)?,
        Format::Srt => subtitles::write_srt(tiers)?,
        Format::Vtt => subtitles::write_vtt(tiers)?,
        Format::Tsv => tsv::write(tiers)?,
        Format::Json => whisper_json::write(&Transcript::of(tiers)?),
    })
}
