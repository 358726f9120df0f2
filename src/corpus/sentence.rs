//! [`Sentence`]: words, and what is true of them together.

use super::{Kind, Part, Word};

/// A sentence of the grammar, with labels.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Sentence {
    /// What it is about.
    pub kind: Kind,
    /// Its words and punctuation marks, one per token.
    pub words: Vec<Word>,
    /// Of a sentence that says something of the world: whether that is so.
    pub truth: Option<bool>,
    /// How surprising it is to who knows the whole grammar: minus the logarithm of its probability, in nats. The mean
    /// over many sentences is the grammar's entropy.
    pub nats: f64,
}

impl Sentence {
    /// As it is written: words with spaces between them, punctuation marks without one before them.
    pub fn text(&self) -> String {
        self.text_before(self.words.len())
    }

    /// What stands before the word `at`: a prompt that this word goes on from.
    pub fn text_before(&self, at: usize) -> String {
        let mut text = String::new();
        for word in self.words.iter().take(at) {
            if !text.is_empty() && word.part != Part::Punctuation {
                text.push(' ');
            }
            text.push_str(&word.text);
        }
        text
    }

    /// The finite verb of the main clause, counted from 0: the word that depends on none.
    pub fn root(&self) -> usize {
        self.words.iter().position(|word| word.head.is_none()).unwrap_or(0)
    }

    /// The nouns that stand between a verb and its subject, counted from 0.
    pub fn attractors(&self, verb: usize) -> Vec<usize> {
        let Some(subject) = self.words.get(verb).and_then(|verb| verb.subject) else { return Vec::new() };
        let between = self.words.iter().enumerate().take(verb).skip(subject + 1);
        between.filter(|(_, word)| matches!(word.part, Part::Noun | Part::ProperNoun)).map(|(at, _)| at).collect()
    }
}
