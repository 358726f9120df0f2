//! A small English with gold labels: every word is labelled, and minimal pairs are ready for patching.
//!
//! [`grammar`] yields sentences: subjects and verbs that agree across attractors and relative clauses, reflexives and
//! pronouns, people who give each other things, a small world of [`facts`] that are stated, asked for and judged, and
//! repeated lists. Every [`Word`] is one token of the shipped model `grammar-4l`, which was trained on these sentences.
//! It is labelled with its part of speech, number, tense, gender, entity, head, depth and subject. So you can compare
//! what a probe or a head finds with the truth.
//!
//! [`pairs`] makes minimal pairs: two prompts of the same length that differ in one thing, with the right and the wrong
//! answer, ready for patching. [`examples`] collects activations and labels for a probe.
//!
//! **Convention.** A sentence begins with a capital letter and ends with a full stop. So `The` and `the` are two
//! tokens. Names are always capitalized. The next word decides between `a` and `an`.
//!
//! **Ambiguity.** Every sentence has one derivation, so [`Sentence::nats`] is exact: the sum of the surprisals of the
//! choices that made it.
//!
//! To add a kind of sentence, see `grammar.rs`; to add a contrast for patching, add a variant to [`Contrast`] in
//! `pairs.rs`.

mod agreement;
mod draft;
mod examples;
mod facts;
mod giving;
mod grammar;
mod kind;
mod lexicon;
mod lists;
mod pairs;
mod partition;
mod phrases;
mod pronouns;
mod sentence;
mod show;
mod vocabulary;
mod word;
mod world;

pub use examples::examples;
pub use facts::{Fact, Relation, Wording, facts};
pub use grammar::{Grammar, grammar};
pub use kind::Kind;
pub use pairs::{Contrast, pairs};
pub use partition::Partition;
pub use sentence::Sentence;
pub use word::{Entity, Gender, GrammaticalNumber, PartOfSpeech, Tense, Word};

use draft::Draft;
pub(crate) use vocabulary::{tokenizer_json, vocabulary};

#[cfg(test)]
mod tests;
