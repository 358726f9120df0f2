//! The vocabulary of the grammar, and its tokenizer.

use super::{
    draft::capital,
    lexicon::{
        CAPITALS, CATEGORIES, COLOURS, GIFTS, GIVE, INTRANSITIVE, MEETINGS, NAMES, NATURE, NEAR_A_KEY, NOUNS,
        OF_PEOPLE, OF_THINGS, OWNED, PLACES, SAY, TRANSITIVE,
    },
    word::GrammaticalNumber,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The token with id 0, which begins every text.
const BOS: &str = "<bos>";

/// Punctuation, and words that are not in the lexicon.
const OTHERS: [&str; 39] = [
    ".",
    ",",
    ":",
    ";",
    "?",
    "the",
    "a",
    "an",
    "that",
    "and",
    "of",
    "to",
    "in",
    "at",
    "is",
    "are",
    "was",
    "were",
    "he",
    "she",
    "they",
    "himself",
    "herself",
    "themselves",
    "capital",
    "colour",
    "belongs",
    "owns",
    "It",
    "They",
    "does",
    "true",
    "false",
    "again",
    "has",
    "have",
    "count",
    "as",
    "owner",
];

/// Words other than names that can begin a sentence.
const FIRST: [&str; 8] = ["the", "when", "after", "while", "what", "who", "all", "list"];

/// Returns every word of the grammar once, starting with function words and punctuation.
pub(crate) fn vocabulary() -> Vec<String> {
    let nouns = NOUNS.iter().flat_map(|noun| GrammaticalNumber::BOTH.map(|number| noun.form(number)));
    let verbs = INTRANSITIVE.iter().chain(&TRANSITIVE).flat_map(|verb| verb.forms());
    let said = SAY.iter().map(|verb| verb.forms()[2]);
    let meetings = MEETINGS.iter().flat_map(|[_, came, _]| [*came]);
    let living = NATURE.iter().map(|(plural, ..)| *plural).chain(CATEGORIES.iter().map(|(category, _)| *category));
    let capitals = CAPITALS.iter().flat_map(|(country, city)| [*country, *city]);
    let words = OTHERS.into_iter().map(String::from).chain(FIRST.map(capital));
    let lexicon = NAMES.into_iter().chain(nouns).chain(verbs).chain(said).chain(meetings).chain(NEAR_A_KEY);
    let lexicon = lexicon.chain(OF_PEOPLE).chain(OF_THINGS).chain(PLACES).chain(GIFTS).chain(GIVE);
    let lexicon = lexicon.chain(capitals).chain(living).chain(COLOURS).chain(OWNED);
    let mut seen = BTreeSet::new();
    words.chain(lexicon.map(String::from)).filter(|word| seen.insert(word.clone())).collect()
}

/// Returns the `tokenizer.json`. Words and punctuation marks are tokens, an unknown word is an error, and decoding
/// writes no space before punctuation.
pub(crate) fn tokenizer_json() -> String {
    let all = std::iter::once(BOS.to_owned()).chain(vocabulary());
    let vocab: Map<String, Value> = all.enumerate().map(|(id, word)| (word, id.into())).collect();
    let bos = json!({
        "id": 0, "content": BOS, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
        "special": true,
    });
    let closed = [".", ",", ":", ";", "?"]
        .map(|mark| json!({ "type": "Replace", "pattern": { "String": format!(" {mark}") }, "content": mark }));
    let spaced = json!({ "type": "WordPiece", "prefix": "##", "cleanup": false });
    let decoders: Vec<Value> = std::iter::once(spaced).chain(closed).collect();
    let tokenizer = json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": [bos],
        "normalizer": null,
        "pre_tokenizer": { "type": "Whitespace" },
        "post_processor": null,
        "decoder": { "type": "Sequence", "decoders": decoders },
        "model": { "type": "WordLevel", "vocab": vocab, "unk_token": "<unk>" },
    });
    format!("{tokenizer:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{corpus::grammar, text::Tokenizer};

    #[test]
    fn the_grammar_uses_every_word_of_the_vocabulary_and_no_other() {
        let words: BTreeSet<String> = grammar(1).take(20_000).flat_map(|it| it.words).map(|word| word.text).collect();
        assert_eq!(words, vocabulary().into_iter().collect());
    }

    #[test]
    fn every_word_is_one_token_and_the_text_comes_back() {
        let tokenizer = Tokenizer::from_bytes(tokenizer_json().as_bytes()).unwrap();
        for sentence in grammar(2).take(2000) {
            let ids = tokenizer.encode(&sentence.text()).unwrap().ids;
            let words: Vec<&str> = sentence.words.iter().map(|word| word.text.as_str()).collect();
            assert_eq!(ids.iter().map(|&id| tokenizer.token_text(id)).collect::<Vec<_>>(), words);
            assert_eq!(tokenizer.decode(&ids).unwrap(), sentence.text());
        }
    }
}
