//! Tests of the special tokens that encoders add to text, with a tokenizer built here and with real ones.

use super::{Encoded, Tokenizer};
use std::path::PathBuf;

const SPECIAL: &str = r#"{"id": 0, "content": "[PAD]", "special": true, "normalized": false, "single_word": false,
    "lstrip": false, "rstrip": false}, {"id": 1, "content": "[CLS]", "special": true, "normalized": false,
    "single_word": false, "lstrip": false, "rstrip": false}, {"id": 2, "content": "[SEP]", "special": true,
    "normalized": false, "single_word": false, "lstrip": false, "rstrip": false}"#;

/// A byte-level tokenizer with a post-processor of this kind.
fn tokenizer(post: &str) -> Tokenizer {
    let json = format!(
        r#"{{"model": {{"type": "WordLevel", "unk_token": "?",
                "vocab": {{"[PAD]": 0, "[CLS]": 1, "[SEP]": 2, "the": 3, "Ġcat": 4, "Ġsat": 5, "?": 6}}}},
            "pre_tokenizer": {{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}},
            "added_tokens": [{SPECIAL}], "normalizer": null, "post_processor": {post}, "decoder": null,
            "version": "1.0", "truncation": null, "padding": null}}"#
    );
    Tokenizer::from_bytes(json.as_bytes()).unwrap()
}

const BERT: &str = r#"{"type": "BertProcessing", "sep": ["[SEP]", 2], "cls": ["[CLS]", 1]}"#;
const ROBERTA: &str = r#"{"type": "RobertaProcessing", "sep": ["[SEP]", 2], "cls": ["[CLS]", 1], "trim_offsets": true,
    "add_prefix_space": false}"#;

#[test]
fn a_pair_is_framed_and_typed_as_bert_wants_it() {
    let encoded = tokenizer(BERT).encode_pair("the cat", "the sat").unwrap();
    assert_eq!(encoded.ids, [1, 3, 4, 2, 3, 5, 2]);
    assert_eq!(encoded.types, [0, 0, 0, 0, 1, 1, 1]);
    assert_eq!(encoded.spans, [0..0, 0..3, 3..7, 0..0, 8..11, 11..15, 0..0]);
}

#[test]
fn roberta_puts_two_separators_between_and_tells_no_types() {
    let encoded = tokenizer(ROBERTA).encode_pair("the cat", "the sat").unwrap();
    assert_eq!(encoded.ids, [1, 3, 4, 2, 2, 3, 5, 2]);
    assert_eq!(encoded.types, [0; 8]);
    assert_eq!(encoded.spans[5..7], [8..11, 11..15], "a token keeps its space though the processor trims it");
}

#[test]
fn special_tokens_are_only_put_around_a_text() {
    for post in [BERT, ROBERTA] {
        let tokenizer = tokenizer(post);
        let Encoded { ids, spans, .. } = tokenizer.encode("the cat sat").unwrap();
        let framed = tokenizer.encode_with_special("the cat sat").unwrap();
        assert_eq!((&framed.ids[1..4], &framed.spans[1..4]), (&ids[..], &spans[..]));
        assert_eq!((framed.ids[0], framed.ids[4], framed.types), (1, 2, vec![0; 5]));
    }
}

#[test]
fn a_tokenizer_without_separators_reads_no_pairs() {
    let byte_level = r#"{"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true}"#;
    for post in ["null", byte_level] {
        let error = tokenizer(post).encode_pair("the cat", "the sat").unwrap_err();
        assert!(error.to_string().contains("between two texts"), "{error}");
    }
}

/// The tokenizer of a downloaded model.
fn real(name: &str) -> Option<Tokenizer> {
    let Some(models) = std::env::var_os("GLASSBOX_MODELS") else {
        println!("skipped: GLASSBOX_MODELS is not set");
        return None;
    };
    Some(Tokenizer::from_file(PathBuf::from(models).join(name).join("tokenizer.json")).unwrap())
}

#[test]
fn a_real_bert_reads_a_pair_and_every_token_is_where_its_span_says() {
    let Some(tokenizer) = real("all-minilm-l6-v2") else { return };
    let (first, second) = ("Where does Zoë live?", "She's in  Reykjavík.");
    let Encoded { ids, spans, types } = tokenizer.encode_pair(first, second).unwrap();
    let strings: Vec<_> = ids.iter().map(|&id| tokenizer.token_text(id)).collect();
    let separators: Vec<_> = (0..ids.len()).filter(|&i| strings[i] == "[SEP]").collect();
    assert_eq!((strings[0].as_str(), separators.len(), separators[1]), ("[CLS]", 2, ids.len() - 1));
    assert!((0..ids.len()).all(|i| types[i] == u32::from(i > separators[0])));
    let text: Vec<char> = format!("{first}\n{second}").chars().collect();
    let plain = |text: &str| text.to_lowercase().replace('ë', "e").replace('í', "i");
    for (string, span) in strings.iter().zip(spans).filter(|(string, _)| !string.starts_with('[')) {
        let written: String = text[span].iter().collect();
        assert_eq!(plain(&written), string.trim_start_matches("##"));
    }
}

#[test]
fn a_real_byte_level_vocabulary_keeps_the_spans_of_an_emojis_pieces() {
    let Some(tokenizer) = real("smollm2-135m-instruct") else { return };
    let Encoded { ids, spans, types } = tokenizer.encode_with_special("a 🦉 b").unwrap();
    assert_eq!(types, vec![0; ids.len()]);
    let pieces = spans.iter().filter(|span| span.contains(&2)).count();
    assert!(pieces > 1, "the owl is {pieces} token");
}
