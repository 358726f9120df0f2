//! [`Kind`]: what a sentence of the grammar is an example of.

use super::Relation;

/// What a sentence is an example of.
///
/// # Examples
/// ```
/// use glassbox::corpus::{Kind, grammar};
/// let list = grammar(0).find(|sentence| sentence.kind == Kind::List).unwrap();
/// assert!(list.text().starts_with("List: "));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// `The keys to the cabinet are rusty.`, with this many nouns between subject and verb.
    Agreement {
        /// The number of nouns between subject and verb.
        attractors: usize,
    },
    /// `The boy that likes the girls sings.`
    SubjectRelative,
    /// `The boy that the girls like sings.`
    ObjectRelative,
    /// `The queen near the boys sees herself.`
    Reflexive,
    /// `Mary said that she was tired.`
    Pronoun,
    /// `When Mary and John went to the shop, John gave a drink to Mary.`
    Giving,
    /// `The capital of France is Paris.`
    Statement(Relation),
    /// `What is the capital of France? It is Paris.`
    Question(Relation),
    /// `The capital of France is Rome: false.`
    Judgement(Relation),
    /// `List: kite drum map; again: kite drum map.`
    List,
}
