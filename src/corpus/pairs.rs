//! [`pairs`]: two prompts that differ in one thing and have different answers.

use super::{
    Fact, Material, Number, Relation, Tense, Wording,
    draft::capital,
    facts,
    lexicon::{GENDERED, GIFTS, GIVE, MEETINGS, NAMES, NEAR, NOUNS, PEOPLE, PLACES, TRANSITIVE, article},
    pronouns::reflexive,
};
use crate::{
    Model, Result,
    patching::{Metric, Patching},
};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};

/// What two prompts differ in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Contrast {
    /// The number of the subject, with nouns of the wrong number between it and its verb:
    /// `The keys to the cabinet` / `The key to the cabinet`: `are` / `is`.
    Agreement {
        /// How many nouns stand between.
        attractors: usize,
    },
    /// The number of the subject, with a clause after it whose noun has the wrong number:
    /// `The boys that the girl likes` / `The boy that the girl likes`: `are` / `is`.
    RelativeClause,
    /// The gender of the subject, with a noun in the plural after it:
    /// `The king near the aunts saw` / `The queen near the aunts saw`: `himself` / `herself`.
    Reflexive,
    /// The name that comes again:
    /// `When Mary and John went to the shop, John gave a drink to` / `... Mary gave a drink to`: `Mary` / `John`.
    IndirectObject,
    /// The last word of a statement, whether it is so:
    /// `The capital of France is Paris:` / `The capital of France is Rome:`: `true` / `false`.
    Truth(Relation, Wording),
}

/// Two prompts and what each is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pair {
    /// A prompt.
    pub clean: String,
    /// The same with one thing changed, as many tokens long.
    pub corrupt: String,
    /// How the clean prompt goes on.
    pub answer: String,
    /// How the corrupt prompt goes on.
    pub wrong: String,
}

/// Pairs of prompts, all of one length, ready for [`Patching`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pairs {
    pairs: Vec<Pair>,
}

/// `count` pairs of prompts, drawn by a seed, that differ in one thing.
///
/// # Examples
/// ```
/// use glassbox::{corpus::{Contrast, Material, pairs}, prelude::*};
/// let model = Model::open("grammar-4l")?;
/// let pairs = pairs(Contrast::Agreement { attractors: 1 }, Material::HeldOut, 8, 0);
/// println!("{}", pairs.get()[0].clean); // The keys near the cabinet
/// assert!(pairs.accuracy(&model)? > 0.9);
/// let patching = pairs.patching(&model)?; // what carries the number?
/// assert_eq!(patching.resid_pre()?.mean().shape(), [4, 6]); // [layer, pos]
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn pairs(contrast: Contrast, material: Material, count: usize, seed: u64) -> Pairs {
    let mut source = Source { material, rng: StdRng::seed_from_u64(seed) };
    let pair = |_| match contrast {
        Contrast::Agreement { attractors } => source.agreement(attractors),
        Contrast::RelativeClause => source.relative_clause(),
        Contrast::Reflexive => source.reflexive(),
        Contrast::IndirectObject => source.indirect_object(),
        Contrast::Truth(relation, wording) => source.truth(relation, wording),
    };
    Pairs { pairs: (0..count).map(pair).collect() }
}

impl Pairs {
    /// The pairs.
    pub fn get(&self) -> &[Pair] {
        &self.pairs
    }

    fn each(&self, part: impl Fn(&Pair) -> &String) -> Vec<String> {
        self.pairs.iter().map(|pair| part(pair).clone()).collect()
    }

    /// The clean prompts.
    pub fn clean(&self) -> Vec<String> {
        self.each(|pair| &pair.clean)
    }

    /// The corrupt prompts.
    pub fn corrupt(&self) -> Vec<String> {
        self.each(|pair| &pair.corrupt)
    }

    /// How the clean prompts go on.
    pub fn answers(&self) -> Vec<String> {
        self.each(|pair| &pair.answer)
    }

    /// How the corrupt prompts go on.
    pub fn wrong(&self) -> Vec<String> {
        self.each(|pair| &pair.wrong)
    }

    /// The logit of the clean prompt's answer less that of the corrupt prompt's.
    ///
    /// # Errors
    /// When an answer is no single token of the model.
    pub fn metric(&self, model: &Model) -> Result<Metric> {
        Metric::logit_diff(model, self.answers(), self.wrong(), self.pairs.len())
    }

    /// Patching from the clean prompts into the corrupt ones.
    ///
    /// # Errors
    /// As [`Patching::new`].
    pub fn patching(&self, model: &Model) -> Result<Patching> {
        Patching::new(model, self.clean(), self.corrupt(), self.metric(model)?)
    }

    /// The part of all prompts, clean and corrupt, whose own answer has the higher logit of the two, 0 to 1.
    ///
    /// # Errors
    /// When the model cannot read the prompts or an answer is no single token of it.
    pub fn accuracy(&self, model: &Model) -> Result<f64> {
        let metric = self.metric(model)?;
        let of = |prompts: Vec<String>| metric.of(&model.pass(prompts)?.logits_at([-1]).run()?);
        let clean = of(self.clean())?.into_iter().filter(|&difference| difference > 0.0).count();
        let corrupt = of(self.corrupt())?.into_iter().filter(|&difference| difference < 0.0).count();
        Ok((clean + corrupt) as f64 / (2 * self.pairs.len()).max(1) as f64)
    }
}

/// What pairs are drawn with.
struct Source {
    material: Material,
    rng: StdRng,
}

impl Source {
    fn below(&mut self, n: usize) -> usize {
        self.rng.random_range(0..n)
    }

    fn one<T: Copy>(&mut self, options: &[T]) -> T {
        options[self.below(options.len())]
    }

    /// One of the first `n` of a list whose pair with `first` belongs to the material and that `fits`.
    fn partner(&mut self, first: usize, n: usize, fits: impl Fn(usize) -> bool) -> Option<usize> {
        let allowed = |second: &usize| *second != first && self.material.has_pair(first, *second) && fits(*second);
        let allowed: Vec<usize> = (0..n).filter(allowed).collect();
        allowed.choose(&mut self.rng).copied()
    }

    /// Two in the first `n` of a list whose pair belongs to the material.
    fn two(&mut self, n: usize) -> (usize, usize) {
        loop {
            let first = self.below(n);
            if let Some(second) = self.partner(first, n, |_| true) {
                return (first, second);
            }
        }
    }

    fn agreement(&mut self, attractors: usize) -> Pair {
        let (subject, mut beside) = (self.below(NOUNS.len()), Vec::new());
        while beside.len() < attractors {
            let free = |noun| !beside.contains(&noun);
            let noun = self.partner(subject, NOUNS.len(), free);
            beside.extend(noun);
        }
        let number = self.one(&Number::BOTH);
        let beside = beside.into_iter().map(|noun| {
            let noun = NOUNS[noun].form(number.other());
            format!(" {} the {noun}", self.one(&NEAR))
        });
        let beside: String = beside.collect();
        let prompt = |number| format!("The {}{beside}", NOUNS[subject].form(number));
        Pair { clean: prompt(number), corrupt: prompt(number.other()), answer: be(number), wrong: be(number.other()) }
    }

    fn relative_clause(&mut self) -> Pair {
        let (subject, other) = self.two(PEOPLE);
        let (number, verb) = (self.one(&Number::BOTH), self.below(TRANSITIVE.len()));
        let (noun, sees) = (NOUNS[other].form(number.other()), TRANSITIVE[verb].form(Tense::Present, number.other()));
        let prompt = |number| format!("The {} that the {noun} {sees}", NOUNS[subject].form(number));
        Pair { clean: prompt(number), corrupt: prompt(number.other()), answer: be(number), wrong: be(number.other()) }
    }

    /// Nouns for men and women stand in turn in the lexicon, so that a man's neighbour is a woman.
    fn reflexive(&mut self) -> Pair {
        let (subject, other) = self.two(GENDERED);
        let (near, verb) = (self.one(&NEAR), self.below(TRANSITIVE.len()));
        let number = Number::Singular;
        let (noun, sees) = (NOUNS[other].form(Number::Plural), TRANSITIVE[verb].form(Tense::Past, number));
        let prompt = |subject: usize| format!("The {} {near} the {noun} {sees}", NOUNS[subject].form(number));
        let answer = |subject: usize| reflexive(number, NOUNS[subject].gender()).to_owned();
        let counterpart = subject ^ 1;
        Pair {
            clean: prompt(subject),
            corrupt: prompt(counterpart),
            answer: answer(subject),
            wrong: answer(counterpart),
        }
    }

    fn indirect_object(&mut self) -> Pair {
        let (first, second) = self.two(NAMES.len());
        let (answer, wrong) = self.one(&[(first, second), (second, first)]);
        let ([opening, came, to], place) = (self.one(&MEETINGS), self.one(&PLACES));
        let (gave, gift) = (self.one(&GIVE), self.one(&GIFTS));
        let article = self.one(&["the", article(gift)]);
        let pair = format!("{} {} and {} {came} {to} the {place}", capital(opening), NAMES[first], NAMES[second]);
        let prompt = |giver: usize| format!("{pair}, {} {gave} {article} {gift} to", NAMES[giver]);
        Pair { clean: prompt(wrong), corrupt: prompt(answer), answer: NAMES[answer].into(), wrong: NAMES[wrong].into() }
    }

    fn truth(&mut self, relation: Relation, wording: Wording) -> Pair {
        let judged =
            |(at, fact): &(usize, Fact)| fact.relation == relation && self.material.has_judgement(*at, wording);
        let facts: Vec<Fact> = facts().into_iter().enumerate().filter(judged).map(|(_, fact)| fact).collect();
        let fact = self.one(&facts);
        let others: Vec<&str> = relation.values().into_iter().filter(|value| *value != fact.value).collect();
        let other = self.one(&others);
        let prompt = |value: &str| format!("{} {value}:", fact.statement(wording));
        Pair { clean: prompt(fact.value), corrupt: prompt(other), answer: "true".into(), wrong: "false".into() }
    }
}

fn be(number: Number) -> String {
    if number == Number::Singular { "is".into() } else { "are".into() }
}
