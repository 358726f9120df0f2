//! A tokenizer of whole words.

use serde_json::{Map, Value, json};

/// The `tokenizer.json` of a vocabulary of whole words between spaces, with `<bos>` as id 0.
pub(super) fn tokenizer_json(words: &[&str]) -> String {
    let all = std::iter::once("<bos>").chain(words.iter().copied());
    let vocab: Map<String, Value> = all.enumerate().map(|(id, word)| (word.to_owned(), id.into())).collect();
    let bos = json!({
        "id": 0, "content": "<bos>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
        "special": true,
    });
    let tokenizer = json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": [bos],
        "normalizer": null,
        "pre_tokenizer": { "type": "WhitespaceSplit" },
        "post_processor": null,
        "decoder": null,
        "model": { "type": "WordLevel", "vocab": vocab, "unk_token": "<unk>" },
    });
    format!("{tokenizer:#}\n")
}
