//! What the files of the field hold, and what is wrong with those that are not.

mod bad_input;
mod hostile;
mod round_trips;
mod use_of_tiers;

use super::*;

/// Every format, at the rate of TIMIT.
const ALL: [Format; 9] = [
    Format::TextGrid,
    Format::ShortTextGrid,
    Format::Phn { rate: 16_000 },
    Format::Wrd { rate: 16_000 },
    Format::Ctm,
    Format::Srt,
    Format::Vtt,
    Format::Tsv,
    Format::Json,
];

/// Labels with all that a label can have in one line, but for spaces at its ends.
const ODD: [&str; 12] = [
    "sh",
    "\"",
    "say \"\"hi\"\" \"",
    "a\tb",
    "ʃəˈɹiː",
    "日本語 🎈",
    "<exists> 12 ! no comment",
    "&amp; <i>x</i> <00:01.000>",
    "x --> y",
    "\\u0041 \\n {}",
    "שלום",
    "e\u{301}\u{200d}",
];

/// A tier of labels, half a second each, with pauses after every third.
fn tier(name: &str, labels: impl IntoIterator<Item = impl Into<String>>) -> Tier {
    let mut at = 0.125;
    let mark = |(i, label): (usize, _)| {
        let start = at + if i % 3 == 0 { 0.25 } else { 0.0 };
        at = start + 0.5;
        (start, at, label)
    };
    let marks: Vec<(f64, f64, String)> = labels.into_iter().map(Into::into).enumerate().map(mark).collect();
    Tier::new(name, marks).unwrap()
}

fn holds_one_word(format: Format) -> bool {
    format == Format::Ctm
}

/// Writes and reads.
#[track_caller]
fn again(tiers: &Tiers, format: Format) -> Tiers {
    let text = tiers.to_text(format).unwrap();
    Tiers::from_text(&text, format).unwrap_or_else(|error| panic!("{format:?}: {error}\n{text}"))
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: crate::Result<T>, words: &[&str]) {
    let error = result.unwrap_err().to_string();
    for word in words {
        assert!(error.contains(word), "{error:?} does not say {word:?}");
    }
    assert!(error.lines().count() == 1 && error.len() < 1000, "{error}");
}
