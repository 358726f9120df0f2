//! A small English whose every word is known: sentences with gold labels, and minimal pairs.
//!
//! [`grammar`] yields sentences: subjects and verbs that agree across attractors and relative clauses, reflexives and
//! pronouns, people who give each other things, a small world of [`facts`] that is stated, asked for and judged, and
//! lists said twice. Every [`Word`] is one token of the shipped model `grammar-4l`, which was trained on them, and says
//! its part of speech, number, tense, gender, entity, head, depth and subject. So what a probe reads out of the model,
//! or what a head looks at, can be held against what is so.
//!
//! [`pairs`] makes minimal pairs: two prompts of one length that differ in one thing, with the right and the wrong
//! answer, ready for patching. [`examples`] takes activations and labels to a probe.
//!
//! **Convention.** A sentence begins with a capital letter and ends with a full stop. So `The` and `the` are two
//! tokens; names keep their capital letter everywhere. `a` and `an` are chosen by the next word.
//!
//! **Ambiguity.** Every sentence has one derivation, so [`Sentence::nats`] is exact: the sum of the surprises of the
//! choices that made it.

mod agreement;
mod draft;
mod examples;
mod facts;
mod giving;
mod grammar;
mod kind;
mod lexicon;
mod lists;
mod material;
mod pairs;
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
pub use material::Material;
pub use pairs::{Contrast, pairs};
pub use sentence::Sentence;
pub use word::{Entity, Gender, Number, Part, Tense, Word};

use draft::Draft;
pub(crate) use vocabulary::{tokenizer_json, vocabulary};

#[cfg(test)]
mod tests;
