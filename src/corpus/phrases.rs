//! Noun phrases, verbs, and the clauses inside noun phrases.
//!
//! Heads follow [Surface-Syntactic Universal Dependencies](https://surfacesyntacticud.github.io): the finite verb is
//! the root of its clause, and its subject, objects and predicate adjective depend on it. A noun depends on its
//! preposition, the preposition on the noun or verb that it modifies, and an article on its noun.

use super::{
    Draft, Entity, Gender, GrammaticalNumber, PartOfSpeech, Tense, Word,
    lexicon::{
        INTRANSITIVE, NAME_GENDERS, NAMES, NEAR, NEAR_A_KEY, NOUNS, OF_PEOPLE, OF_THINGS, PEOPLE, TRANSITIVE, Verb,
    },
};

/// A subject: the index of its noun, and what a verb or pronoun must agree with.
#[derive(Clone, Copy)]
pub(super) struct Subject {
    pub at: usize,
    /// Its index in [`NOUNS`] or [`NAMES`].
    pub noun: usize,
    pub number: GrammaticalNumber,
    pub gender: Option<Gender>,
    pub person: bool,
}

impl Draft<'_> {
    /// Adds `the keys`, for a noun that is already chosen.
    pub(super) fn the(&mut self, noun: usize, number: GrammaticalNumber) -> Subject {
        let lexeme = &NOUNS[noun];
        let article = self.say("the", PartOfSpeech::Determiner);
        let word = Word::new(lexeme.form(number), PartOfSpeech::Noun).number(number);
        let at = self.push(word.entity(lexeme.entity()).gender(lexeme.gender()));
        self.attach(article, at);
        Subject { at, noun, number, gender: lexeme.gender(), person: lexeme.person.is_some() }
    }

    /// Adds a name.
    pub(super) fn name(&mut self, name: usize) -> Subject {
        let gender = Some(NAME_GENDERS[name % 2]);
        let word = Word::new(NAMES[name], PartOfSpeech::ProperNoun).number(GrammaticalNumber::Singular);
        let at = self.push(word.entity(Entity::Person).gender(gender));
        Subject { at, noun: name, number: GrammaticalNumber::Singular, gender, person: true }
    }

    pub(super) fn number(&mut self) -> GrammaticalNumber {
        self.one(&GrammaticalNumber::BOTH)
    }

    pub(super) fn tense(&mut self) -> Tense {
        self.one(&[Tense::Present, Tense::Past])
    }

    /// Adds `near the cabinets` once for each attractor. Each phrase modifies the noun before it.
    pub(super) fn beside(&mut self, subject: Subject, attractors: usize) {
        let (mut before, mut taken) = (subject, vec![subject.noun]);
        for _ in 0..attractors {
            let nearness: &[&str] =
                if NOUNS[before.noun].form(GrammaticalNumber::Singular) == "key" { &NEAR_A_KEY } else { &NEAR };
            let preposition = self.one(nearness);
            let preposition = self.say_under(before.at, preposition, PartOfSpeech::Adposition);
            let noun = self.partner(subject.noun, &taken, NOUNS.len());
            let number = self.number();
            before = self.the(noun, number);
            self.attach(before.at, preposition);
            taken.push(noun);
        }
    }

    /// Adds `that likes the girls`.
    pub(super) fn that_sees(&mut self, subject: Subject) {
        let that = self.relative(subject);
        let tense = self.tense();
        let verb = self.one_verb(&TRANSITIVE, tense, that);
        self.attach(verb, subject.at);
        let noun = self.partner(subject.noun, &[subject.noun], PEOPLE);
        let number = self.number();
        let seen = self.the(noun, number);
        self.attach(seen.at, verb);
    }

    /// Adds `that the girls like`.
    pub(super) fn that_is_seen(&mut self, subject: Subject) {
        let that = self.relative(subject);
        let noun = self.partner(subject.noun, &[subject.noun], PEOPLE);
        let number = self.number();
        let seeing = self.the(noun, number);
        let tense = self.tense();
        let verb = self.one_verb(&TRANSITIVE, tense, seeing);
        self.attach(that.at, verb);
        self.attach(verb, subject.at);
    }

    /// Adds the relative pronoun `that`.
    fn relative(&mut self, subject: Subject) -> Subject {
        let word = Word::new("that", PartOfSpeech::Pronoun).number(subject.number).gender(subject.gender);
        let entity = if subject.person { Entity::Person } else { Entity::Thing };
        Subject { at: self.push(word.entity(entity)), ..subject }
    }

    /// Adds one of some verbs, makes its subject depend on it, and returns its index.
    pub(super) fn one_verb(&mut self, verbs: &'static [Verb], tense: Tense, subject: Subject) -> usize {
        let at = self.below(verbs.len());
        self.verb(verbs[at].form(tense, subject.number), PartOfSpeech::Verb, tense, subject)
    }

    /// Adds a finite verb, makes its subject depend on it, and returns its index.
    pub(super) fn verb(&mut self, form: &str, part: PartOfSpeech, tense: Tense, subject: Subject) -> usize {
        let shown = tense == Tense::Present || part == PartOfSpeech::Auxiliary;
        let number = shown.then_some(subject.number);
        let at = self.push(Word { number, tense: Some(tense), subject: Some(subject.at), ..Word::new(form, part) });
        self.attach(subject.at, at);
        at
    }

    /// Adds `is`, `are`, `was` or `were`.
    pub(super) fn be(&mut self, tense: Tense, subject: Subject) -> usize {
        let form = match (tense, subject.number) {
            (Tense::Present, GrammaticalNumber::Singular) => "is",
            (Tense::Present, GrammaticalNumber::Plural) => "are",
            (Tense::Past, GrammaticalNumber::Singular) => "was",
            (Tense::Past, GrammaticalNumber::Plural) => "were",
        };
        self.verb(form, PartOfSpeech::Auxiliary, tense, subject)
    }

    /// Adds `is old`, with an adjective that fits people or things.
    pub(super) fn is_so(&mut self, tense: Tense, subject: Subject) -> usize {
        let verb = self.be(tense, subject);
        let adjective = self.one(if subject.person { &OF_PEOPLE } else { &OF_THINGS });
        self.say_under(verb, adjective, PartOfSpeech::Adjective);
        verb
    }

    /// Adds `is old` or, for people, equally often `sings`.
    pub(super) fn predicate(&mut self, subject: Subject) -> usize {
        let does = subject.person && self.one(&[false, true]);
        let tense = self.tense();
        if does { self.one_verb(&INTRANSITIVE, tense, subject) } else { self.is_so(tense, subject) }
    }
}
