use super::*;
use rand::{Rng, SeedableRng, rngs::StdRng};

/// A file of each format, with all that the format has.
fn files() -> Vec<(Format, Vec<u8>)> {
    let words = ["she", "\"had\"", "ʃ", "a&b", "x<i>y"];
    let sure = tier("p", ["0.5", "1.0", "0.25", "0.125", "1e-3"]);
    let tiers = Tiers::new([tier("words", words), sure, tier("phones", words), tier("segments", ["so\nit", "goes"])]);
    let with_points = tiers.with(Tier::points("tones", [(0.5, "H*"), (1.5, "")]).unwrap());
    let mut files: Vec<_> = ALL
        .into_iter()
        .map(|format| match format {
            Format::Tsv => (format, Tiers::new([tier("words", words)]).to_text(format)),
            format => (format, with_points.to_text(format)),
        })
        .map(|(format, text)| (format, text.unwrap().into_bytes()))
        .collect();
    let wide = String::from_utf8(files[1].1.clone()).unwrap();
    let wide = wide.encode_utf16().flat_map(u16::to_be_bytes);
    files.push((Format::TextGrid, [0xfe, 0xff].into_iter().chain(wide).collect()));
    files
}

/// Pieces that mean something somewhere.
const PIECES: [&[u8]; 22] = [
    b"\"",
    b"\"\"",
    b"\n",
    b"\r",
    b"!",
    b"<",
    b">",
    b"-->",
    b"1e308",
    b"-1e-308",
    b"nan",
    b"99999999999999999999",
    b"0",
    b"-",
    b"/",
    b"%",
    b"\\u",
    b"[[[[",
    b"{\"",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\0",
];

fn changed(bytes: &[u8], random: &mut StdRng) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..random.random_range(1..4) {
        let at = random.random_range(0..=bytes.len());
        let to = (at + random.random_range(0..12)).min(bytes.len());
        match random.random_range(0..6) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..to)),
            2 => drop(bytes.splice(at..at, PIECES[random.random_range(0..PIECES.len())].iter().copied())),
            3 => drop(bytes.splice(at..to, PIECES[random.random_range(0..PIECES.len())].iter().copied())),
            4 => bytes.get_mut(at).into_iter().for_each(|byte| *byte = random.random()),
            _ => {
                let piece = bytes[at..to].to_vec();
                let there = random.random_range(0..=bytes.len());
                drop(bytes.splice(there..there, piece));
            }
        }
    }
    bytes
}

/// Everything that tiers hold, in bytes.
fn size(tiers: &Tiers) -> usize {
    let of = |tier: &Tier| tier.intervals().iter().map(|mark| size_of::<Interval>() + mark.label.len()).sum::<usize>();
    tiers.tiers().iter().map(|tier| size_of::<Tier>() + tier.name().len() + of(tier)).sum()
}

#[test]
fn damaged_files_are_read_or_refused_in_a_sentence_and_never_take_more_memory_than_they_are_long() {
    let mut random = StdRng::seed_from_u64(15);
    let (mut read, mut refused) = (0, 0);
    for (format, bytes) in files() {
        assert!(
            super::super::decode::decoded(&bytes).is_ok_and(|text| Tiers::from_text(text, format).is_ok()),
            "{format:?}"
        );
        for _ in 0..1000 {
            let bytes = changed(&bytes, &mut random);
            let text = super::super::decode::decoded(&bytes).map_err(crate::Error::from);
            match text.and_then(|text| Tiers::from_text(text, format)) {
                Ok(tiers) => {
                    read += 1;
                    // Every number and label takes bytes in the file, and pauses no more than labels.
                    assert!(
                        size(&tiers) <= 200 * (bytes.len() + 100),
                        "{format:?}: {}",
                        String::from_utf8_lossy(&bytes)
                    );
                    if tiers.to_text(Format::TextGrid).is_ok() {
                        assert_eq!(again(&tiers, Format::TextGrid), tiers);
                    }
                    // What can be written in its own format is read again as it was.
                    if let Ok(text) = tiers.to_text(format) {
                        let once = Tiers::from_text(&text, format).unwrap_or_else(|error| panic!("{error}: {text}"));
                        let twice = once.to_text(format).and_then(|text| Tiers::from_text(text, format));
                        assert_eq!(twice.unwrap_or_else(|error| panic!("{error}: {text}")), once, "{text}");
                    }
                }
                Err(error) => {
                    refused += 1;
                    let error = error.to_string();
                    assert!(error.len() < 5000 && error.lines().count() == 1 && !error.contains('\0'), "{error}");
                }
            }
        }
    }
    assert!(read > 1000 && refused > 1000, "{read} read, {refused} refused");
}
