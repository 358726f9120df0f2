//! Tokenizers that GGUF writes in a form of its own.

use candle_core::quantized::{GgmlDType, gguf_file::Value};
use glassbox::{load::Checkpoint, text::Tokenizer};

use super::support::*;

fn texts(texts: &[&str]) -> Value {
    Value::Array(texts.iter().map(|text| Value::String(text.to_string())).collect())
}

fn tokenizer(more: Vec<(&'static str, Value)>) -> glassbox::Result<Option<Tokenizer>> {
    let metadata: Vec<_> = llama_metadata().into_iter().chain(more).collect();
    let bytes = gguf(&metadata, &[("token_embd.weight", counting(&[6, 32]), GgmlDType::F32)]);
    let folder = Folder::new();
    Checkpoint::from_gguf(folder.write("tiny.gguf", bytes)).map(|checkpoint| checkpoint.tokenizer)
}

/// `▁` begins a word where BERT's own files have `##` in front of what continues one.
fn bert(word: &str) -> Vec<(&'static str, Value)> {
    let kinds = [3, 3, 3, 1, 1, 1, 1].map(Value::I32).to_vec();
    vec![
        ("tokenizer.ggml.model", Value::String("bert".into())),
        ("tokenizer.ggml.tokens", texts(&["[CLS]", "[SEP]", "[UNK]", word, "s", "▁[unused1]", "▁,"])),
        ("tokenizer.ggml.token_type", Value::Array(kinds)),
        ("tokenizer.ggml.bos_token_id", Value::U32(0)),
        ("tokenizer.ggml.seperator_token_id", Value::U32(1)),
        ("tokenizer.ggml.unknown_token_id", Value::U32(2)),
    ]
}

#[test]
fn a_word_piece_tokenizer_continues_words_with_what_has_no_mark() {
    let tokenizer = tokenizer(bert("▁key")).unwrap().unwrap();
    assert_eq!(tokenizer.encode("Keys, key dog").unwrap().ids, [3, 4, 6, 3, 2]);
    assert_eq!(tokenizer.encode_with_special("keys").unwrap().ids, [0, 3, 4, 1]);
    assert_eq!(tokenizer.decode([3, 4]).unwrap(), "keys");
    assert_eq!(tokenizer.id_of("[unused1]").unwrap(), 5);
}

#[test]
fn text_is_made_lower_case_where_the_file_says_so_or_its_words_have_no_capital() {
    let ids = |more: Vec<(&'static str, Value)>| tokenizer(more).unwrap().unwrap().encode("key Key").unwrap().ids;
    assert_eq!(ids(bert("▁key")), [3, 3]);
    assert_eq!(ids(bert("▁Key")), [2, 3]);
    let stated = ("tokenizer.ggml.normalizer.lowercase", Value::Bool(false));
    assert_eq!(ids(bert("▁key").into_iter().chain([stated]).collect()), [3, 2]);
}

fn unigram(more: &[(&'static str, Value)]) -> Vec<(&'static str, Value)> {
    let scores = [0., 0., 0., -3., -1., -2., -5.].map(Value::F32).to_vec();
    let pieces = ["<pad>", "</s>", "<unk>", "▁", "▁key", "s", "▁k"];
    [
        ("tokenizer.ggml.model", Value::String("t5".into())),
        ("tokenizer.ggml.tokens", texts(&pieces)),
        ("tokenizer.ggml.scores", Value::Array(scores)),
        ("tokenizer.ggml.eos_token_id", Value::U32(1)),
    ]
    .into_iter()
    .chain(more.iter().cloned())
    .collect()
}

#[test]
fn a_unigram_tokenizer_takes_the_likeliest_pieces_and_ends_the_text() {
    let plain = tokenizer(unigram(&[])).unwrap().unwrap();
    assert_eq!(plain.encode("keys  key").unwrap().ids, [4, 5, 4]);
    assert_eq!(plain.encode_with_special("keys").unwrap().ids, [4, 5, 1]);
    let kept = tokenizer(unigram(&[("tokenizer.ggml.remove_extra_whitespaces", Value::Bool(false))])).unwrap().unwrap();
    assert_eq!(kept.encode("keys  key").unwrap().ids, [4, 5, 3, 4]);
}

#[test]
fn a_damaged_rewriting_table_and_an_unknown_model_are_refused() {
    let table = Value::Array([9u8, 0, 0, 0, 1].map(Value::U8).to_vec());
    refused(tokenizer(unigram(&[("tokenizer.ggml.precompiled_charsmap", table)])), &["tiny.gguf", "table"]);
    let mut metadata = bert("▁key");
    metadata[0].1 = Value::String("rwkv".into());
    refused(tokenizer(metadata), &["tokenizer.ggml.model", "rwkv", "WordPiece", "Unigram"]);
}

#[test]
fn a_text_that_is_two_tokens_at_once_is_refused() {
    let mut metadata = bert("▁key");
    metadata[1].1 = texts(&["[CLS]", "[SEP]", "[UNK]", "▁key", "s", "▁key", "▁,"]);
    refused(tokenizer(metadata), &["tiny.gguf", "its tokens 3 and 5 are both `▁key`"]);
}

#[test]
fn a_fault_of_a_tokenizer_is_said_once_with_the_gguf_file() {
    let metadata = vec![
        ("tokenizer.ggml.model", Value::String("gpt2".into())),
        ("tokenizer.ggml.pre", Value::String("gpt-2".into())),
        ("tokenizer.ggml.tokens", texts(&["a", "b", "ab", "c", "d", "e"])),
        ("tokenizer.ggml.merges", texts(&["a c"])),
    ];
    let error = tokenizer(metadata).map(drop).unwrap_err().to_string();
    assert!(error.contains("tiny.gguf") && !error.contains("tokenizer.json"), "{error}");
    assert_eq!(error.matches("cannot be read").count(), 1, "{error}");
}
