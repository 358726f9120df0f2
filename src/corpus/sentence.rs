//! [`Sentence`]: labelled words and the labels of the whole sentence.

use super::{Kind, PartOfSpeech, Word};

/// A sentence of the grammar, with labels.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Sentence {
    /// What it is an example of.
    pub kind: Kind,
    /// Its words and punctuation marks, one per token.
    pub words: Vec<Word>,
    /// Whether the sentence is true, if it states a fact.
    pub truth: Option<bool>,
    /// The surprisal under the whole grammar: minus the logarithm of the sentence's probability, in nats.
    /// The mean over many sentences is the grammar's entropy.
    pub nats: f64,
}

impl Sentence {
    /// Returns the sentence as it is written, without spaces before punctuation marks.
    pub fn text(&self) -> String {
        self.text_before(self.words.len())
    }

    /// Returns the text before the word `at`, as a prompt that this word continues.
    pub fn text_before(&self, at: usize) -> String {
        let mut text = String::new();
        for word in self.words.iter().take(at) {
            if !text.is_empty() && word.part != PartOfSpeech::Punctuation {
                text.push(' ');
            }
            text.push_str(&word.text);
        }
        text
    }

    /// The index of the finite verb of the main clause, which does not depend on any word.
    pub fn root(&self) -> usize {
        self.words.iter().position(|word| word.head.is_none()).unwrap_or(0)
    }

    /// The indices of the nouns between a verb and its subject.
    pub fn attractors(&self, verb: usize) -> Vec<usize> {
        let Some(subject) = self.words.get(verb).and_then(|verb| verb.subject) else { return Vec::new() };
        let between = self.words.iter().enumerate().take(verb).skip(subject + 1);
        between
            .filter(|(_, word)| matches!(word.part, PartOfSpeech::Noun | PartOfSpeech::ProperNoun))
            .map(|(at, _)| at)
            .collect()
    }
}
