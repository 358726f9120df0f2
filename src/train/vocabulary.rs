//! Makes a tokenizer of whole words, for the recipes.

use serde_json::{Map, Value, json};

/// Returns the `tokenizer.json` of a vocabulary of whole words separated by spaces, with `<bos>` as id 0.
pub(super) fn tokenizer_json(words: &[&str]) -> String {
    let bos = json!({
        "id": 0, "content": "<bos>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
        "special": true,
    });
    written(std::iter::once("<bos>").chain(words.iter().copied()), json!([bos]))
}

/// Returns the same without `<bos>`, so that the first word has id 0.
pub(super) fn plain(words: &[&str]) -> String {
    written(words.iter().copied(), json!([]))
}

fn written<'a>(words: impl Iterator<Item = &'a str>, special: Value) -> String {
    let vocab: Map<String, Value> = words.enumerate().map(|(id, word)| (word.to_owned(), id.into())).collect();
    let tokenizer = json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": special,
        "normalizer": null,
        "pre_tokenizer": { "type": "WhitespaceSplit" },
        "post_processor": null,
        "decoder": null,
        "model": { "type": "WordLevel", "vocab": vocab, "unk_token": "<unk>" },
    });
    format!("{tokenizer:#}\n")
}
