//! Labels in time: the words, phones and tones of a recording, and the files that hold them.
//!
//! A [`Tier`] has intervals or points, a [`Tiers`] several tiers over one span: Praat's TextGrid. What a recogniser
//! heard is a [`Transcript`], with all that openai's JSON says of it.
//!
//! | to do | line |
//! |---|---|
//! | open a file of any [format](Format) | `Tiers::open("mary.TextGrid")?` |
//! | a tier | `tiers.tier("words")?` |
//! | what is said at a time, in seconds | `tiers.at(1.3)?`, `words.at(1.3)?` |
//! | every *sh* | `phones.labelled("sh")` |
//! | the phones of a word | `phones.inside(&word)` |
//! | durations and pauses | `phones.durations()`, `words.pauses()` |
//! | cut and move | `tiers.crop(0.5..1.2)?.shift(-0.5)?` |
//! | errors of boundaries in ms | `aligned.compare(&gold)?.mean_start_error()` |
//! | write a file of any format | `tiers.save("mary.srt")?` |
//!
//! Times are in seconds, whatever the file has.
//!
//! # Examples
//! ```
//! use glassbox::tiers::{Format, Tiers};
//! let timit = "0 2260 h#\n2260 4070 sh\n4070 5265 iy\n5265 5960 hv\n5960 7500 ae\n";
//! let tiers = Tiers::from_text(timit, Format::Phn { rate: 16_000 })?;
//! let phones = tiers.tier("phones")?;
//! assert_eq!(phones.labels(), ["sh", "iy", "hv", "ae"]);
//! assert_eq!(phones.labelled("sh")[0].start, 0.14125);
//! assert!(tiers.to_text(Format::Srt)?.starts_with("1\n00:00:00,000 --> 00:00:00,141\nh#\n"));
//! # Ok::<(), glassbox::Error>(())
//! ```

mod compare;
mod ctm;
mod decode;
mod entries;
mod format;
mod grid;
mod interval;
mod json;
mod pairing;
mod part;
mod scanner;
mod show;
mod subtitles;
#[cfg(test)]
mod tests;
mod textgrid;
mod tier;
mod tiling;
mod timit;
mod transcript;
mod tsv;
mod whisper_json;

pub use compare::{Comparison, Pair};
pub use format::{Format, recordings};
pub use grid::Tiers;
pub use interval::Interval;
pub use tier::Tier;
pub use transcript::{Segment, Transcript, Word};
