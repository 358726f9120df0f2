//! [`Sentence`]: labelled words and the labels of the whole sentence.

use super::{Kind, PartOfSpeech, Word};

/// A sentence of the grammar, with labels.
///
/// # Examples
/// ```
/// use glassbox::corpus::grammar;
/// let sentence = grammar(0).next().unwrap(); // a table of words and labels, in a notebook
/// assert!(sentence.text().ends_with('.') && sentence.nats > 0.0);
/// ```
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
    ///
    /// # Examples
    /// ```
    /// use glassbox::corpus::grammar;
    /// let sentence = grammar(0).next().unwrap();
    /// assert!(sentence.text().starts_with(&sentence.words[0].text));
    /// ```
    pub fn text(&self) -> String {
        self.text_before(self.words.len())
    }

    /// Returns the text before the word `at`, as a prompt that this word continues.
    ///
    /// # Examples
    /// ```
    /// use glassbox::corpus::grammar;
    /// let sentence = grammar(0).next().unwrap();
    /// assert_eq!(sentence.text_before(1), sentence.words[0].text);
    /// ```
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
    ///
    /// # Examples
    /// ```
    /// use glassbox::corpus::grammar;
    /// let sentence = grammar(0).next().unwrap();
    /// let verb = &sentence.words[sentence.root()];
    /// assert!(verb.head.is_none() && verb.depth == 0);
    /// ```
    pub fn root(&self) -> usize {
        self.words.iter().position(|word| word.head.is_none()).unwrap_or(0)
    }

    /// The indices of the nouns between a verb and its subject.
    ///
    /// # Examples
    /// ```
    /// use glassbox::corpus::{Kind, grammar};
    /// let sentence = grammar(0).find(|sentence| sentence.kind == Kind::Agreement { attractors: 2 }).unwrap();
    /// assert_eq!(sentence.attractors(sentence.root()).len(), 2);
    /// ```
    pub fn attractors(&self, verb: usize) -> Vec<usize> {
        let Some(subject) = self.words.get(verb).and_then(|verb| verb.subject) else { return Vec::new() };
        let between = self.words.iter().enumerate().take(verb).skip(subject + 1);
        between
            .filter(|(_, word)| matches!(word.part, PartOfSpeech::Noun | PartOfSpeech::ProperNoun))
            .map(|(at, _)| at)
            .collect()
    }
}
