//! [`grammar`]: an endless sequence of sentences.
//!
//! To add a kind of sentence, add a variant to [`Kind`](super::Kind), a function that drafts it, and its share to
//! `KINDS`.

use super::{Draft, Partition, Sentence};
use rand::{SeedableRng, rngs::StdRng};

/// The function that drafts a kind of sentence, and its share.
type Recipe = (fn(Draft<'_>) -> Sentence, f64);

/// In percent.
const KINDS: [Recipe; 12] = [
    (|draft| draft.agreement(0), 2.0),
    (|draft| draft.agreement(1), 6.0),
    (|draft| draft.agreement(2), 5.0),
    (|draft| draft.subject_relative(), 3.0),
    (|draft| draft.object_relative(), 3.0),
    (|draft| draft.reflexive(), 5.0),
    (|draft| draft.pronoun_sentence(), 3.0),
    (|draft| draft.giving(), 11.0),
    (|draft| draft.statement(), 9.0),
    (|draft| draft.question(), 9.0),
    (|draft| draft.judgement(), 34.0),
    (|draft| draft.list(), 10.0),
];

/// Returns sentences without end, drawn from the whole grammar by a seed.
///
/// # Examples
/// ```
/// use glassbox::corpus::{Kind, PartOfSpeech, grammar};
/// let sentence = grammar(0).find(|sentence| sentence.kind == Kind::Agreement { attractors: 1 }).unwrap();
/// let verb = &sentence.words[sentence.root()];
/// let subject = &sentence.words[verb.subject.unwrap()];
/// assert_eq!(subject.part, PartOfSpeech::Noun);
/// assert!(verb.number.is_none_or(|number| Some(number) == subject.number));
/// ```
pub fn grammar(seed: u64) -> Grammar {
    Grammar::new(Partition::All, seed)
}

/// An endless iterator over [`Sentence`]s.
///
/// # Examples
/// ```
/// use glassbox::corpus::{Grammar, grammar};
/// let sentences: Grammar = grammar(0);
/// assert_eq!(sentences.take(3).count(), 3);
/// ```
#[derive(Clone, Debug)]
pub struct Grammar {
    material: Partition,
    rng: StdRng,
}

impl Grammar {
    /// Returns the sentences of some material. The same seed returns the same sentences.
    ///
    /// # Examples
    /// ```
    /// use glassbox::corpus::{Grammar, Partition};
    /// let texts = |seed| Grammar::new(Partition::HeldOut, seed).take(3).map(|sentence| sentence.text());
    /// assert!(texts(0).eq(texts(0)) && !texts(0).eq(texts(1)));
    /// ```
    pub fn new(material: Partition, seed: u64) -> Self {
        Self { material, rng: StdRng::seed_from_u64(seed) }
    }
}

impl Iterator for Grammar {
    type Item = Sentence;

    fn next(&mut self) -> Option<Sentence> {
        let mut draft = Draft::new(self.material, &mut self.rng);
        let make = draft.weighted(&KINDS);
        Some(make(draft))
    }
}
