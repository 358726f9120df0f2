use super::*;

const HEAD: &str =
    "File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n\n0\n2\n<exists>\n1\n\"IntervalTier\"\n\"w\"\n0\n2\n";

#[track_caller]
fn grid(rest: &str, words: &[&str]) {
    refused(Tiers::from_text(format!("{HEAD}{rest}"), Format::TextGrid), words);
}

#[test]
fn a_wrong_textgrid_is_refused_with_its_line_and_what_should_be_there() {
    grid("1\n0\n1.5\n", &["breaks off at line 14", "the label of interval 1 of 1"]);
    grid("2\n0\n1.5\n\"a\"\n", &["breaks off at line 15", "the start of interval 2 of 2"]);
    grid("1\n0\n1.5\n\"a\n\n", &["breaks off", "the text that begins at line 15"]);
    grid("1\n0\n1.5\n\"a\"b\n", &["line 15 has `b` right after the closing quotation mark of \"a\""]);
    grid("1\n0\n\"a\"\n", &["line 14 has the text `a`", "the end of interval 1 of 1"]);
    grid("1\n0\n1.5x\n\"a\"\n", &["line 14 has `1.5x`", "number"]);
    grid("1\n0\nnan\n\"a\"\n", &["line 14 has `nan`", "finite"]);
    grid("1\n0\n1e400\n\"a\"\n", &["line 14 has `1e400`"]);
    grid("1\n0\n1/0\n\"a\"\n", &["line 14 has `1/0`"]);
    grid("1\n0\n--undefined--\n\"a\"\n", &["line 14 has `--undefined--`"]);
    grid("1\n1\n0.5\n\"a\"\n", &["line 15: `a` ends at 0.5 s, before it starts at 1 s"]);
    grid("2\n0\n1\n\"a\"\n0.5\n2\n\"b\"\n", &["`a` (0 to 1 s) and `b` (0.5 to 2 s) overlap", "tier `w`"]);
    grid("-1\n", &["line 12 has `-1`", "the number of its intervals"]);
    grid("1.5\n", &["line 12 has `1.5`"]);
    grid("99999999999\n0\n1\n\"a\"\n", &["interval 2 of 99999999999"]);
    grid(
        "1\n0\n1\n\"a\"\n\"IntervalTier\"",
        &["line 16 has the text `IntervalTier`", "the end of the file, after the last tier"],
    );
    grid("1\n0\n1e30\n\"a\"\n", &["the end of `a`", "1000000000000000000000000000000", "-100000000 to 100000000"]);
    let text = |text: &str, words: &[&str]| refused(Tiers::from_text(text, Format::TextGrid), words);
    text("", &["line 1", "the file type `ooTextFile`"]);
    text("\"ooTextFile\" \"PitchTier\" 0 1", &["`PitchTier`", "`TextGrid`"]);
    text("\"ooTextFile\" \"TextGrid\" 2 1 <exists> 0", &["ends at 1 s, before it starts at 2 s"]);
    text("\"ooTextFile\" \"TextGrid\" 0 1 2", &["the number `2`", "<exists>"]);
    text("\"ooTextFile\" \"TextGrid\" 0 1 <exi sts> 0", &["the flag `<exi sts>`", "`<absent>`"]);
    text("\"ooTextFile\" \"TextGrid\" 0 1 <exi\n", &["an open `<`"]);
    text(
        "\"ooTextFile\" \"TextGrid\" 0 1 <exists> 1 \"SpeechTier\"",
        &["`SpeechTier`", "`IntervalTier` or `TextTier`"],
    );
}

#[test]
fn bytes_that_are_no_text_are_refused_with_their_place() {
    let bytes = |bytes: &[u8], words: &[&str]| {
        refused(super::super::decode::decoded(bytes).map_err(crate::Error::from), words);
    };
    bytes(b"RIFF\x24\0\0\0WAVE", &["a WAV sound", "TextGrid"]);
    bytes(b"ooBinaryFile\x08TextGrid", &["a binary file of Praat", "text file"]);
    bytes(b"abc\0def", &["a binary file", "byte 3"]);
    bytes(b"\xef\xbb\xbfab\0", &["a binary file", "byte 5"]);
    bytes(b"\xfe\xff\0a\0\0", &["a binary file", "byte 4"]);
    bytes(b"caf\xe9\0", &["a binary file", "byte 4"]);
    bytes(b"caf\xe9 \x93so\x94", &["byte 5 is 0x93", "no UTF-8 or Latin-1 text"]);
    bytes(b"\xef\xbb\xbfab\xff", &["byte 5 is 0xff", "UTF-8"]);
    bytes(b"\xff\xfea\0\x00\xd8b\0", &["byte 4 is 0x00", "UTF-16"]);
    bytes(b"\xff\xfea\0b", &["byte 4 is 0x62", "UTF-16"]);
}

#[test]
fn a_wrong_list_is_refused_with_its_line_and_what_should_be_there() {
    let text = |format, text: &str, words: &[&str]| refused(Tiers::from_text(text, format), words);
    let phn = Format::Phn { rate: 16_000 };
    text(phn, "0 100 h#\n100 x sh\n", &["line 2 has `x`", "the sample after a label"]);
    text(phn, "0 100\n", &["line 1 has nothing", "a label"]);
    text(phn, "100 50 h#\n", &["line 1: `h#` ends at 0.003125 s, before"]);
    text(phn, "nan 50 h#\n", &["line 1 has `nan`"]);
    text(Format::Phn { rate: 0 }, "0 50 h#\n", &["rate of 0"]);
    text(Format::Ctm, "a 1 0.1 0.2\n", &["line 1 has `a 1 0.1 0.2`", "a word"]);
    text(Format::Ctm, "a 1 0.1 -0.2 x\n", &["line 1: `x` ends"]);
    text(Format::Ctm, "a 1 * 0.2 x\n", &["line 1 has `*`", "a start in seconds"]);
    text(Format::Ctm, "a 1 0 1 x\nb 1 0 1 y\n", &["2 recordings (a, b)", "recordings(path)"]);
    text(Format::Tsv, "start,end\n", &["line 1 has `start,end`"]);
    text(Format::Tsv, "start\tend\ttext\n1 2\t3\ta\n", &["line 2 has `1 2`", "milliseconds"]);
    text(Format::Srt, "1\nso\n", &["line 2 has `so`", "start --> end"]);
    text(Format::Srt, "1\n00:00:00,000 --> 00:00:1\nso\n", &["line 2 has `00:00:1`", "00:01:02,500"]);
    text(Format::Srt, "1\n00:00:02,000 --> 00:00:01,000\nso\n", &["line 2: `so` ends at 1 s"]);
    text(
        Format::Srt,
        "00:00:00,000 --> 00:00:01,000\nso\n00:00:01,000 --> 00:00:02,000\n",
        &["line 3", "an empty line"],
    );
    text(Format::Vtt, "1\n00:00.000 --> 00:01.000\nso\n", &["line 1 has `1`", "WEBVTT"]);
    text(Format::Json, "{\"segments\": [{\"start\": 0,\n\"end\": 1}]}", &["`segments[0].text` is nothing", "a text"]);
    text(
        Format::Json,
        "{\"segments\": [\n{\"start\": \"x\", \"text\": \"\"}]}",
        &["`segments[0].start` is the text `x`", "a number"],
    );
    text(Format::Json, "{\"segments\": [{\"start\": NaN, \"end\": 1, \"text\": \"a\"}]}", &["the start of `a` is NaN"]);
    text(Format::Json, "{\"segments\": [\n", &["breaks off at line 2"]);
    text(Format::Json, "{\"segments\": [\n1 2]}", &["line 2 has `2]}`", "`,` or `]`"]);
    text(Format::Json, &format!("{{\"segments\": {}", "[".repeat(1_000_000)), &["not as deep"]);
    text(Format::Json, "{\"chunks\": []}", &["`segments` is nothing"]);
    let crowd: String = (0..50).map(|n| format!("0 1600 s{n}\n")).collect();
    text(phn, &crowd, &["overlap in the tier `phones 20`"]);
}

#[test]
fn what_a_format_cannot_hold_is_refused_and_not_changed() {
    let held = |name: &str, label: &str, format, words: &[&str]| {
        refused(Tiers::new([tier(name, [label])]).to_text(format), words);
    };
    held("words", "New York", Format::Ctm, &["a CTM file", "`New York`", "without spaces"]);
    held("words", "a\nb", Format::Wrd { rate: 8000 }, &["a WRD file", "several lines"]);
    held("phones", " a", Format::Phn { rate: 8000 }, &["a PHN file", "a space"]);
    held("words", "a\nb", Format::Tsv, &["a TSV file", "several lines"]);
    held("words", "a\n\nb", Format::Srt, &["an SRT file", "an empty line"]);
    held("words", "a\n00:00.000 --> 00:01.000", Format::Srt, &["looks like the times"]);
    let two = Tiers::new([tier("a", ["x"]), tier("b", ["y"])]);
    refused(two.to_text(Format::Srt), &["an SRT file holds one tier", "`a`, `b`", "tiers.tier(\"a\")?.save(path)"]);
    let points = Tiers::new([Tier::points("tones", [(0.5, "H*")]).unwrap()]);
    refused(points.to_text(Format::Ctm), &["holds intervals", "`tones`"]);
    let before = Tiers::new([Tier::new("words", [(-1.0, 0.5, "x")]).unwrap()]);
    refused(before.to_text(Format::Vtt), &["before 0 s"]);
}

#[test]
fn a_file_is_known_by_its_beginning_or_its_name_and_named_where_it_is_wrong() {
    let folder = std::env::temp_dir().join(format!("glassbox-tiers-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let tiers = Tiers::new([tier("words", ["she", "had"])]);
    for name in ["a.TextGrid", "a.textgrid", "a.PHN", "a.wrd", "a.ctm", "a.srt", "a.vtt", "a.tsv", "a.json", "my a.ctm"]
    {
        let path = folder.join(name);
        tiers.save(&path).unwrap();
        let read = Tiers::open(&path).unwrap();
        assert!(read.tiers().iter().any(|tier| tier.labels() == ["she", "had"] || tier.text() == "she had"), "{name}");
        // A name that says nothing, where the beginning does.
        let other = folder.join("b.txt");
        std::fs::copy(&path, &other).unwrap();
        let told = !["PHN", "wrd", "ctm"].iter().any(|end| name.ends_with(end));
        assert_eq!(Tiers::open(&other).is_ok(), told, "{name}");
    }
    refused(tiers.save(folder.join("a.wav")), &["a.wav", ".TextGrid, .PHN"]);
    refused(Tiers::open(&folder), &["it is no file"]);
    refused(Tiers::open(folder.join("none.ctm")), &["none.ctm cannot be read"]);
    let wrong = folder.join("wrong.TextGrid");
    std::fs::write(&wrong, format!("{HEAD}1\n0\n")).unwrap();
    refused(Tiers::open(&wrong), &["wrong.TextGrid: it breaks off at line 13"]);
    std::fs::write(folder.join("two.ctm"), "a 1 0 1 x\nb 1 0 1 y\n").unwrap();
    let two = recordings(folder.join("two.ctm")).unwrap();
    assert_eq!(
        two.iter().map(|(name, tiers)| (name.as_str(), tiers.tiers()[0].text())).collect::<Vec<_>>(),
        [("a", "x".into()), ("b", "y".into())]
    );
    let heard = Transcript::open(folder.join("a.json")).unwrap();
    heard.save(folder.join("b.json")).unwrap();
    assert_eq!(Transcript::open(folder.join("b.json")).unwrap(), heard);
    std::fs::remove_dir_all(folder).ok();
}
