//! Tokenizers as nobody should write them: what the tokenizers library leaves to chance, takes as it is, or panics on.

use super::support::*;
use glassbox::{load::Checkpoint, text::Tokenizer};
use serde_json::{Value, json};

/// The tokenizer of the support module with one part changed.
fn with(key: &str, value: Value) -> glassbox::Result<Tokenizer> {
    let mut file: Value = serde_json::from_str(TOKENIZER).unwrap();
    file[key] = value;
    Tokenizer::from_bytes(file.to_string().as_bytes())
}

fn pairs(dropout: Value, rest: (&str, Value)) -> Tokenizer {
    let mut model = json!({"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"], "dropout": dropout});
    model[rest.0] = rest.1;
    let file = json!({"version": "1.0", "added_tokens": [], "model": model});
    Tokenizer::from_bytes(file.to_string().as_bytes()).unwrap()
}

#[test]
fn a_text_has_the_same_tokens_each_time_whatever_dropout_the_file_asks_for() {
    for dropout in [json!(0.5), json!(1.0), json!(null)] {
        let tokenizer = pairs(dropout, ("unk_token", json!(null)));
        for _ in 0..20 {
            assert_eq!(tokenizer.encode("abababab").unwrap().ids, [2, 2, 2, 2]);
        }
    }
}

#[test]
fn a_word_of_which_letters_are_dropped_is_no_token() {
    let tokenizer = pairs(json!(null), ("unk_token", json!(null)));
    assert_eq!(tokenizer.id_of("ab").unwrap(), 2);
    assert!(tokenizer.id_of("").unwrap_err().to_string().contains("an empty text is not a token"));
    for word in ["abz", "zzz"] {
        let error = tokenizer.id_of(word).unwrap_err().to_string();
        assert!(error.contains(&format!("`{word}` is not in this model's vocabulary of 3 words")), "{error}");
    }
}

#[test]
fn special_tokens_around_a_text_have_the_ids_of_the_vocabulary() {
    let template = |explained: Value, single: Value| {
        json!({"type": "TemplateProcessing", "special_tokens": explained, "single": single,
               "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}]})
    };
    let start = |ids: Value| json!({"<s>": {"id": "<s>", "ids": ids, "tokens": ["<s>"]}});
    let text = |id: &str| json!({"Sequence": {"id": id, "type_id": 0}});
    let framed = |id: &str| json!([{"SpecialToken": {"id": "<s>", "type_id": 0}}, text(id)]);
    let bert = |id: u32| json!({"type": "BertProcessing", "sep": ["the", id], "cls": ["<s>", 0]});

    let sound = with("post_processor", template(start(json!([0])), framed("A"))).unwrap();
    assert_eq!(sound.encode_with_special("the keys").unwrap().ids, [0, 1, 2]);
    with("post_processor", bert(1)).unwrap();
    for (processor, said) in [
        (template(start(json!([3])), framed("A")), "gives `<s>` the id 3, but its vocabulary 0"),
        (template(start(json!([0, 1])), framed("A")), "2 ids for the 1 tokens of `<s>`"),
        (template(json!({}), framed("A")), "`<s>`, which `special_tokens` does not explain"),
        (template(start(json!([0])), framed("B")), "must have A once"),
        (template(start(json!([0])), json!([text("A"), text("A")])), "must have A once"),
        (bert(77), "gives `the` the id 77, but its vocabulary 1"),
        (json!({"type": "Sequence", "processors": [bert(77)]}), "`the` the id 77"),
        (json!({"type": "BertProcessing", "sep": ["[SEP]", 7], "cls": ["<s>", 0]}), "`[SEP]`"),
    ] {
        refused(with("post_processor", processor), &["tokenizer.json", said]);
    }
}

#[test]
fn a_splitter_into_pieces_of_nothing_is_refused() {
    let nothing = json!({"type": "FixedLength", "length": 0});
    refused(with("pre_tokenizer", nothing.clone()), &["`length` 0", "at least 1"]);
    refused(with("pre_tokenizer", json!({"type": "Sequence", "pretokenizers": [nothing]})), &["`length` 0"]);
}

#[test]
fn what_is_no_json_is_said_with_its_place_and_in_our_words() {
    for (bytes, said) in
        [(&b""[..], "ends early at line 1"), (b"[1", "ends early"), (b"\xff\xfe", "not valid JSON at line 1")]
    {
        refused(Tokenizer::from_bytes(bytes), &["tokenizer.json", said]);
        for file in ["config.json", "generation_config.json"] {
            let folder = Folder::new();
            folder.write("config.json", "{}");
            folder.write("model.safetensors", two_tensors());
            folder.write("tokenizer.json", TOKENIZER);
            folder.write(file, bytes);
            refused(Checkpoint::from_folder(folder.path()), &[file, said]);
        }
    }
}

#[test]
fn low_rank_changes_beside_a_model_are_not_left_out_silently() {
    let folder = whole_folder();
    folder.write("adapter_model.safetensors", two_tensors());
    refused(Checkpoint::from_folder(folder.path()), &["adapter_model.safetensors", "merge_and_unload()"]);
}

#[test]
fn a_pair_of_which_the_second_text_would_be_dropped_is_refused() {
    let json = TOKENIZER.replace(
        r#""post_processor": null"#,
        r#""post_processor": {"type": "TemplateProcessing", "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}},
            "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]}"#,
    );
    let tokenizer = Tokenizer::from_bytes(json.as_bytes()).unwrap();
    let error = tokenizer.encode_pair("the", "keys").unwrap_err().to_string();
    assert!(error.contains("cannot be read as a pair"), "{error}");
}
