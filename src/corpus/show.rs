//! How sentences are shown in a notebook: a table of words and labels.

use super::{PartOfSpeech, Sentence, Word};
use crate::notebook::Card;

impl Sentence {
    /// The table of all words and their labels.
    fn card(&self) -> Card {
        let spoken = |word: &Word| word.part != PartOfSpeech::Punctuation;
        let named = |at: Option<usize>| at.map_or(String::new(), |at| format!("{}@{at}", self.words[at].text));
        let row = |(at, word): (usize, &Word)| {
            [
                format!("{}@{at}", word.text),
                said(Some(word.part)),
                said(word.number),
                said(word.tense),
                said(word.gender),
                said(word.entity),
                named(word.head),
                word.depth.to_string(),
                named(word.subject),
            ]
        };
        Card::new(&self.text()).table(
            &["word", "part of speech", "number", "tense", "gender", "stands for", "head", "depth", "subject"],
            self.words.iter().enumerate().filter(|(_, word)| spoken(word)).map(row),
        )
    }
}

/// Writes `ProperNoun` as `proper noun`.
fn said(label: Option<impl std::fmt::Debug>) -> String {
    let mut words = String::new();
    for letter in label.map_or(String::new(), |label| format!("{label:?}")).chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

shown! {
    /// Shows the sentence and its labels in a notebook.
    Sentence: card
}
