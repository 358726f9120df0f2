//! [`pairs`]: two prompts that differ in one thing and have different answers.
//!
//! To add a contrast, add a variant to [`Contrast`] and a function that draws one pair.

use super::{
    Fact, GrammaticalNumber, Partition, Relation, Tense, Wording,
    draft::capital,
    facts,
    lexicon::{GENDERED, GIFTS, GIVE, MEETINGS, NAMES, NEAR, NOUNS, PEOPLE, PLACES, TRANSITIVE, article},
    pronouns::reflexive,
};
use crate::{
    Result,
    error::{PatchError, at_most},
    patching::PromptPair,
};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};

/// More attractors than any sentence of the grammar has.
const MORE: usize = 3;

/// What two prompts differ in.
///
/// # Examples
/// ```
/// use glassbox::corpus::{Contrast, Partition, pairs};
/// let pair = &pairs(Contrast::RelativeClause, Partition::All, 1, 0)?[0];
/// println!("{} / {}", pair.clean, pair.corrupt); // The boys that the girl likes / The boy that the girl likes
/// assert_ne!(pair.clean, pair.corrupt);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Contrast {
    /// The number of the subject, with nouns of the other number between it and its verb:
    /// `The keys to the cabinet` / `The key to the cabinet`: `are` / `is`.
    Agreement {
        /// The number of nouns between subject and verb: 0 to 2.
        attractors: usize,
    },
    /// The number of the subject, followed by a clause whose noun has the other number:
    /// `The boys that the girl likes` / `The boy that the girl likes`: `are` / `is`.
    RelativeClause,
    /// The gender of the subject, followed by a plural noun:
    /// `The king near the aunts saw` / `The queen near the aunts saw`: `himself` / `herself`.
    Reflexive,
    /// The name that is repeated:
    /// `When Mary and John went to the shop, John gave a drink to` / `... Mary gave a drink to`: `Mary` / `John`.
    IndirectObject,
    /// The truth of a statement, decided by its last word:
    /// `The capital of France is Paris:` / `The capital of France is Rome:`: `true` / `false`.
    Truth(Relation, Wording),
}

/// Draws `count` pairs of prompts that differ in one thing.
///
/// All prompts of one contrast have the same number of words.
///
/// # Errors
/// Fails when more nouns are asked for between subject and verb than the grammar has, or more than 100,000 pairs.
///
/// # Examples
/// ```
/// use glassbox::{corpus::{Contrast, Partition, pairs}, prelude::*};
/// let model = Model::open("grammar-4l")?;
/// let pairs = PromptPairs::new(&model, pairs(Contrast::Agreement { attractors: 1 }, Partition::HeldOut, 8, 0)?)?;
/// println!("{}", pairs.pairs()[0].clean); // The keys near the cabinet
/// assert!(pairs.accuracy(&model)? > 0.9);
/// let patching = pairs.patching(&model)?; // what carries the number?
/// assert_eq!(patching.resid_pre()?.mean().shape(), [4, 6]); // [layer, pos]
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn pairs(contrast: Contrast, material: Partition, count: usize, seed: u64) -> Result<Vec<PromptPair>> {
    if let Contrast::Agreement { attractors: asked @ MORE.. } = contrast {
        return Err(PatchError::Attractors { asked, most: MORE - 1 }.into());
    }
    at_most("pairs of prompts", count, 100_000)?;
    let mut source = Source { material, rng: StdRng::seed_from_u64(seed) };
    let pair = |_| match contrast {
        Contrast::Agreement { attractors } => source.agreement(attractors),
        Contrast::RelativeClause => source.relative_clause(),
        Contrast::Reflexive => source.reflexive(),
        Contrast::IndirectObject => source.indirect_object(),
        Contrast::Truth(relation, wording) => source.truth(relation, wording),
    };
    Ok((0..count).map(pair).collect())
}

/// The random source of pairs.
struct Source {
    material: Partition,
    rng: StdRng,
}

impl Source {
    fn below(&mut self, n: usize) -> usize {
        self.rng.random_range(0..n)
    }

    fn one<T: Copy>(&mut self, options: &[T]) -> T {
        options[self.below(options.len())]
    }

    /// Returns one of the first `n` entries of a list that satisfies `fits` and whose pair with `first` belongs to the
    /// material.
    fn partner(&mut self, first: usize, n: usize, fits: impl Fn(usize) -> bool) -> Option<usize> {
        let allowed = |second: &usize| *second != first && self.material.has_pair(first, *second) && fits(*second);
        let allowed: Vec<usize> = (0..n).filter(allowed).collect();
        allowed.choose(&mut self.rng).copied()
    }

    /// Returns two of the first `n` entries of a list whose pair belongs to the material.
    fn two(&mut self, n: usize) -> (usize, usize) {
        loop {
            let first = self.below(n);
            if let Some(second) = self.partner(first, n, |_| true) {
                return (first, second);
            }
        }
    }

    fn agreement(&mut self, attractors: usize) -> PromptPair {
        let (subject, mut beside) = (self.below(NOUNS.len()), Vec::new());
        while beside.len() < attractors {
            let free = |noun| !beside.contains(&noun);
            let noun = self.partner(subject, NOUNS.len(), free);
            beside.extend(noun);
        }
        let number = self.one(&GrammaticalNumber::BOTH);
        let beside = beside.into_iter().map(|noun| {
            let noun = NOUNS[noun].form(number.other());
            format!(" {} the {noun}", self.one(&NEAR))
        });
        let beside: String = beside.collect();
        let prompt = |number| format!("The {}{beside}", NOUNS[subject].form(number));
        PromptPair {
            clean: prompt(number),
            corrupt: prompt(number.other()),
            answer: be(number),
            wrong: be(number.other()),
        }
    }

    fn relative_clause(&mut self) -> PromptPair {
        let (subject, other) = self.two(PEOPLE);
        let (number, verb) = (self.one(&GrammaticalNumber::BOTH), self.below(TRANSITIVE.len()));
        let (noun, sees) = (NOUNS[other].form(number.other()), TRANSITIVE[verb].form(Tense::Present, number.other()));
        let prompt = |number| format!("The {} that the {noun} {sees}", NOUNS[subject].form(number));
        PromptPair {
            clean: prompt(number),
            corrupt: prompt(number.other()),
            answer: be(number),
            wrong: be(number.other()),
        }
    }

    /// Nouns for women and men alternate in the lexicon, so a man's neighbour is a woman.
    fn reflexive(&mut self) -> PromptPair {
        let (subject, other) = self.two(GENDERED);
        let (near, verb) = (self.one(&NEAR), self.below(TRANSITIVE.len()));
        let number = GrammaticalNumber::Singular;
        let (noun, sees) = (NOUNS[other].form(GrammaticalNumber::Plural), TRANSITIVE[verb].form(Tense::Past, number));
        let prompt = |subject: usize| format!("The {} {near} the {noun} {sees}", NOUNS[subject].form(number));
        let answer = |subject: usize| reflexive(number, NOUNS[subject].gender()).to_owned();
        let counterpart = subject ^ 1;
        PromptPair {
            clean: prompt(subject),
            corrupt: prompt(counterpart),
            answer: answer(subject),
            wrong: answer(counterpart),
        }
    }

    fn indirect_object(&mut self) -> PromptPair {
        let (first, second) = self.two(NAMES.len());
        let (answer, wrong) = self.one(&[(first, second), (second, first)]);
        let ([opening, came, to], place) = (self.one(&MEETINGS), self.one(&PLACES));
        let (gave, gift) = (self.one(&GIVE), self.one(&GIFTS));
        let article = self.one(&["the", article(gift)]);
        let pair = format!("{} {} and {} {came} {to} the {place}", capital(opening), NAMES[first], NAMES[second]);
        let prompt = |giver: usize| format!("{pair}, {} {gave} {article} {gift} to", NAMES[giver]);
        PromptPair {
            clean: prompt(wrong),
            corrupt: prompt(answer),
            answer: NAMES[answer].into(),
            wrong: NAMES[wrong].into(),
        }
    }

    fn truth(&mut self, relation: Relation, wording: Wording) -> PromptPair {
        let judged =
            |(at, fact): &(usize, Fact)| fact.relation == relation && self.material.has_judgement(*at, wording);
        let facts: Vec<Fact> = facts().into_iter().enumerate().filter(judged).map(|(_, fact)| fact).collect();
        let fact = self.one(&facts);
        let others: Vec<&str> = relation.values().into_iter().filter(|value| *value != fact.value).collect();
        let other = self.one(&others);
        let prompt = |value: &str| format!("{} {value}:", fact.statement(wording));
        PromptPair { clean: prompt(fact.value), corrupt: prompt(other), answer: "true".into(), wrong: "false".into() }
    }
}

fn be(number: GrammaticalNumber) -> String {
    if number == GrammaticalNumber::Singular { "is".into() } else { "are".into() }
}
