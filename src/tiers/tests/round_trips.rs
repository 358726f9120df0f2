use super::*;

/// What is read of the tiers in a format, once it has been written; then it stays as it is.
#[track_caller]
fn stays(tiers: &Tiers, format: Format) -> Tiers {
    let read = again(tiers, format);
    assert_eq!(again(&read, format), read, "{format:?}");
    read
}

#[test]
fn what_is_read_is_written_and_read_the_same_in_every_format() {
    for format in ALL {
        let labels: Vec<String> = ODD
            .iter()
            .map(|label| match holds_one_word(format) {
                true => label.replace([' ', '\t'], "_"),
                false => (*label).to_owned(),
            })
            .collect();
        for name in ["words", "phones", "segments"] {
            let tiers = Tiers::new([tier(name, labels.clone())]);
            let read = stays(&tiers, format);
            let found = read.tiers().pop().unwrap();
            assert_eq!(found.labels(), labels, "{format:?}");
            let times = |tier: &Tier| tier.spoken().iter().map(|mark| (mark.start, mark.end)).collect::<Vec<_>>();
            assert_eq!(times(&found), times(&tiers.tiers()[0]), "{format:?}");
        }
    }
}

#[test]
fn ten_thousand_intervals_and_very_long_labels_stay() {
    let many = tier("words", (0..10_000).map(|n| format!("w{n}")));
    let long = tier("words", ["ə".repeat(200_000), "\"".repeat(1000), "x".into()]);
    for (tier, format) in ALL.into_iter().flat_map(|format| [(&many, format), (&long, format)]) {
        let read = stays(&Tiers::new([tier.clone()]), format);
        let found = read.tiers().pop().unwrap();
        assert_eq!((found.labels(), found.durations()), (tier.labels(), tier.durations()), "{format:?}");
    }
}

#[test]
fn a_textgrid_keeps_all_there_is() {
    let words =
        Tier::new("words", [(0.1 + 0.2, 0.7, " a "), (0.7, 1.0 / 3.0 + 0.5, "b\n\r\nc"), (1.0, 1.25, "")]).unwrap();
    let points = Tier::points("tone \"H*\"", [(0.5, "H*"), (0.75, ""), (-0.25, "\"")]).unwrap();
    let same = Tier::new("words", [(1e-7, 1e-5, "x"), (1e-5, 1.5e-5, "short"), (1e7, 1.5e7, "y")]).unwrap();
    let nothing = Tier::points("", Vec::<(f64, &str)>::new()).unwrap();
    let tiers = Tiers::new([words, points, same, nothing]);
    assert_eq!((tiers.start(), tiers.end()), (-0.25, 1.5e7));
    for format in [Format::TextGrid, Format::ShortTextGrid] {
        assert_eq!(again(&tiers, format), tiers);
    }
    let none = Tiers::new([]);
    assert_eq!(again(&none, Format::TextGrid), none);
}

#[test]
fn both_forms_of_a_textgrid_are_written_as_praat_does() {
    let tiers =
        Tiers::new([Tier::new("w", [(0.0, 0.5, "a \"b\"")]).unwrap(), Tier::points("t", [(0.25, "H")]).unwrap()]);
    let long = "File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n\nxmin = 0 \nxmax = 0.5 \ntiers? <exists> \n\
        size = 2 \nitem []: \n    item [1]:\n        class = \"IntervalTier\" \n        name = \"w\" \n        xmin = 0 \n        \
        xmax = 0.5 \n        intervals: size = 1 \n        intervals [1]:\n            xmin = 0 \n            xmax = 0.5 \n            \
        text = \"a \"\"b\"\"\" \n    item [2]:\n        class = \"TextTier\" \n        name = \"t\" \n        xmin = 0 \n        \
        xmax = 0.5 \n        points: size = 1 \n        points [1]:\n            number = 0.25 \n            mark = \"H\" \n";
    let short = "File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n\n0\n0.5\n<exists>\n2\n\"IntervalTier\"\n\"w\"\n0\n0.5\n\
        1\n0\n0.5\n\"a \"\"b\"\"\"\n\"TextTier\"\n\"t\"\n0\n0.5\n1\n0.25\n\"H\"\n";
    assert_eq!(tiers.to_text(Format::TextGrid).unwrap(), long);
    assert_eq!(tiers.to_text(Format::ShortTextGrid).unwrap(), short);
}

#[test]
fn a_textgrid_is_read_in_every_encoding_and_form_of_numbers() {
    let text = "File type = \"ooTextFile\" ! comment \"12\"\r\nObject class = \"TextGrid\"\r\n\r\n-0\r\n200%\r\n<exists> 1 tier:\r\n\
        \"IntervalTier\" named \"é\"\r\nfrom +0.0 to 2e0 (seconds) in 3 parts ... - [1]:\r\n0 1/2 \"ü\"\r\n.5 1.5E+00 \"\"\r\n15e-1 2. \"a\"\"b\r\nc\"";
    let expected = |tier: &Tier| {
        assert_eq!(tier.name(), "é");
        let marks: Vec<_> = tier.intervals().into_iter().map(|mark| (mark.start, mark.end, mark.label)).collect();
        let words = [(0.0, 0.5, "ü"), (0.5, 1.5, ""), (1.5, 2.0, "a\"b\r\nc")];
        assert_eq!(marks, words.map(|(start, end, label)| (start, end, label.to_owned())));
        assert!(tier.start().is_sign_positive());
    };
    let wide = |unit: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(unit).collect::<Vec<u8>>();
    let files = [
        text.as_bytes().to_vec(),
        [b"\xef\xbb\xbf", text.as_bytes()].concat(),
        [vec![0xff, 0xfe], wide(u16::to_le_bytes)].concat(),
        [vec![0xfe, 0xff], wide(u16::to_be_bytes)].concat(),
        text.chars().map(|letter| letter as u8).collect(),
    ];
    for bytes in files {
        let decoded = super::super::decode::decoded(&bytes).unwrap();
        expected(&Tiers::from_text(decoded, Format::TextGrid).unwrap().tier("é").unwrap());
    }
    let old = text.replace("\r\n", "\r").replace("\rc\"", "c\"");
    assert_eq!(Tiers::from_text(old, Format::TextGrid).unwrap().tier("é").unwrap().labels(), ["ü", "a\"bc"]);
}

#[test]
fn what_overlaps_is_on_a_tier_of_its_own_and_is_written_back() {
    let timit = "3050 5723 she\n5723 10337 had\n9190 11517 your\n11517 16334 dark\n";
    let format = Format::Wrd { rate: 16_000 };
    let tiers = Tiers::from_text(timit, format).unwrap();
    assert_eq!(tiers.names(), ["words", "words 2"]);
    assert_eq!(tiers.tier("words 2").unwrap().labels(), ["your"]);
    assert_eq!(tiers.to_text(format).unwrap(), timit);
    assert_eq!(again(&tiers, Format::TextGrid), tiers);
}

#[test]
fn a_ctm_keeps_confidences_and_channels() {
    let ctm =
        ";; made by hand\nmeet A 0.1 0.2 so 0.98\nmeet A 0.3 0.1 we\nmeet B 0.25 0.5 yes 1.00\nmeet B 0.75 0 uh 0.5\n";
    let tiers = Tiers::from_text(ctm, Format::Ctm).unwrap();
    assert_eq!(tiers.names(), ["words (channel A)", "p (channel A)", "words (channel B)", "p (channel B)"]);
    assert_eq!(tiers.tier("p (channel B)").unwrap().labels(), ["1.00", "0.5"]);
    assert_eq!(again(&tiers, Format::Ctm), tiers);
    let written = tiers.to_text(Format::Ctm).unwrap();
    assert_eq!(written.lines().next(), Some("recording A 0.1 0.2 so 0.98"));
    let one = Tiers::from_text("r 1 0.1 0.2 so 0.98\nr 1 0.3000001 0.1 we 0.5\n", Format::Ctm).unwrap();
    assert_eq!((one.names(), again(&one, Format::Ctm)), (vec!["words".into(), "p".into()], one));
}

#[test]
fn openais_json_is_written_field_by_field_as_it_was_read() {
    let json = r#"{"text": " Ask \"not\".", "segments": [{"id": 0, "seek": 0, "start": 0.0, "end": 7.36, "text": " Ask \"not\".", "tokens": [50363, 843], "temperature": 0.0, "avg_logprob": -0.13310909271240234, "compression_ratio": 1.3636363636363635, "no_speech_prob": 0.029345542192459106, "words": [{"word": " Ask", "start": 0.1, "end": 0.44000000000000006, "probability": 0.9348180890083313}, {"word": " \"not\".", "start": 0.5, "end": 0.5, "probability": 1.0}]}], "language": "en"}"#;
    let heard = Transcript::from_json(json).unwrap();
    assert_eq!(heard.to_json(), json);
    assert_eq!(
        Transcript::from_json(heard.to_json().replace("0.029345542192459106", "NaN")).unwrap().segments.len(),
        1
    );
    let tiers = heard.tiers().unwrap();
    assert_eq!(tiers.tier("words").unwrap().labels(), ["Ask", "\"not\"."]);
    assert_eq!(tiers.tier("p").unwrap().labels()[0], "0.9348180890083313");
    assert_eq!(again(&tiers, Format::Json), tiers);
    refused(tiers.to_text(Format::TextGrid), &["tier `words`", "both start at 0.5 s", "`tiers.at_least(0.01)?`"]);
    again(&tiers.at_least(0.01).unwrap(), Format::TextGrid);
    let escaped = r#"{"text": "\u00e9\ud83c\udf88\n\/", "segments": [], "language": null}"#;
    assert_eq!(Transcript::from_json(escaped).unwrap().text, "é🎈\n/");
}

#[test]
fn whisperx_has_scores_and_words_without_times() {
    let json = r#"{"segments": [{"start": 0.5, "end": 2.0, "text": " In 2014 we", "words": [
        {"word": "In", "start": 0.5, "end": 0.7, "score": 0.8}, {"word": "2014"}, {"word": "we", "start": 1.5, "end": 2.0}]}],
        "word_segments": [{"word": "In", "start": 0.5, "end": 0.7, "score": 0.8}], "language": "en"}"#;
    let heard = Transcript::from_json(json).unwrap();
    let words = heard.segments[0].words.clone().unwrap();
    assert_eq!((words.len(), words[0].probability, words[1].start), (3, Some(0.8), None));
    assert_eq!(heard.tiers().unwrap().tier("words").unwrap().labels(), ["In", "we"]);
    assert_eq!(Transcript::from_json(heard.to_json()).unwrap(), heard);
    let apart = r#"{"segments": [{"start": 0, "end": 1, "text": "a"}, {"start": 1, "end": 2, "text": "b"}],
        "word_segments": [{"word": "a"}, {"word": "b", "start": 1.2, "end": 1.4}, {"word": "c"}]}"#;
    let heard = Transcript::from_json(apart).unwrap();
    let counts: Vec<_> = heard.segments.iter().map(|part| part.words.as_ref().unwrap().len()).collect();
    assert_eq!((counts, heard.text.as_str()), (vec![1, 2], "ab"));
}

#[test]
fn subtitles_are_read_with_names_settings_and_marks() {
    let vtt = "\u{feff}WEBVTT - a title\r\n\r\nNOTE all of it\r\n00:00 is early\r\n\r\nintro\r\n00:01.500 --> 01:00:02.000 align:start position:0%\r\n\
        <v Mary>Good <i>morning</i> &amp; <00:00:01.700><c.red>bye</c> a < b</v>\r\n\r\n01:00:02.000 --> 01:00:03.250\r\ntwo\r\nlines\r\n";
    let tiers = Tiers::from_text(vtt, Format::Vtt).unwrap();
    let segments = tiers.tier("segments").unwrap();
    assert_eq!(segments.labels(), ["Good morning & bye a < b", "two\nlines"]);
    assert_eq!((segments.spoken()[0].start, segments.spoken()[0].end), (1.5, 3602.0));
    assert_eq!(again(&tiers, Format::Vtt), tiers);
    let srt = "1\n00:00:07,260 --> 00:00:08,000\nAsk not\n\n\n2\n00:00:08.000 --> 00:00:09,500\n<i>what</i>\n\n3\n00:00:10,000 --> 00:00:11,000\n";
    let tiers = Tiers::from_text(srt, Format::Srt).unwrap();
    assert_eq!(tiers.tier("segments").unwrap().labels(), ["Ask not", "<i>what</i>"]);
    assert!(tiers.to_text(Format::Srt).unwrap().starts_with("1\n00:00:07,260 --> 00:00:08,000\nAsk not\n\n2\n"));
    assert!(tiers.to_text(Format::Vtt).unwrap().starts_with("WEBVTT\n\n00:07.260 --> 00:08.000\nAsk not\n\n"));
    assert!(tiers.to_text(Format::Tsv).unwrap().starts_with("start\tend\ttext\n7260\t8000\tAsk not\n"));
}
