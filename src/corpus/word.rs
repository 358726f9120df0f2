//! [`Word`]: one word of a sentence, and everything that is known about it.

/// Part of speech, by the tags of Universal Dependencies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// `key`, `keys`.
    Noun,
    /// `Mary`, `Paris`.
    ProperNoun,
    /// `she`, `himself`, the `that` of a relative clause, `who`.
    Pronoun,
    /// `sings`, `gave`.
    Verb,
    /// `is`, `were`, `does`.
    Auxiliary,
    /// `rusty`, `true`.
    Adjective,
    /// `the`, `an`, `all`.
    Determiner,
    /// `near`, `of`.
    Adposition,
    /// `and`.
    Coordinator,
    /// `when`, the `that` after `said`.
    Subordinator,
    /// `again`, `then`.
    Adverb,
    /// `.`, `,`, `:`, `;`, `?`.
    Punctuation,
}

/// Grammatical number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Number {
    /// One.
    Singular,
    /// Several.
    Plural,
}

impl Number {
    /// Both, in the order in which forms are written in the lexicon.
    pub(super) const BOTH: [Self; 2] = [Self::Singular, Self::Plural];

    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Self::Singular => Self::Plural,
            Self::Plural => Self::Singular,
        }
    }
}

/// Grammatical tense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tense {
    /// `is`, `sings`.
    Present,
    /// `was`, `sang`.
    Past,
}

/// Grammatical gender, which English shows in its pronouns alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Gender {
    /// `he`, `himself`.
    Masculine,
    /// `she`, `herself`.
    Feminine,
}

/// What a word stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Entity {
    /// `Mary`, `farmers`, and the pronouns that stand for them.
    Person,
    /// `France`.
    Country,
    /// `Paris`.
    City,
    /// `shop`.
    Place,
    /// `key`.
    Thing,
    /// `crows`, `insects`.
    Animal,
    /// `lemons`, `fruits`.
    Plant,
    /// `yellow`.
    Colour,
}

/// One word or punctuation mark, one token of the tokenizer, and what is true of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Word {
    /// As it is written.
    pub text: String,
    /// Its part of speech.
    pub part: Part,
    /// Of nouns, names, pronouns and present verbs. A past verb other than `was` shows none and has none.
    pub number: Option<Number>,
    /// Of finite verbs.
    pub tense: Option<Tense>,
    /// Of names, pronouns and nouns for a man or a woman.
    pub gender: Option<Gender>,
    /// What it stands for.
    pub entity: Option<Entity>,
    /// The word that it depends on, counted from 0 in the sentence; `None` for the root.
    pub head: Option<usize>,
    /// How many steps up from head to head the root is away.
    pub depth: usize,
    /// Of a finite verb: its subject.
    pub subject: Option<usize>,
}

impl Word {
    /// A word that depends on nothing yet.
    pub(super) fn new(text: &str, part: Part) -> Self {
        let text = text.to_owned();
        let none = (None, None, None, None);
        let (number, tense, gender, entity) = none;
        Self { text, part, number, tense, gender, entity, head: None, depth: 0, subject: None }
    }

    pub(super) fn number(self, number: Number) -> Self {
        Self { number: Some(number), ..self }
    }

    pub(super) fn entity(self, entity: Entity) -> Self {
        Self { entity: Some(entity), ..self }
    }

    pub(super) fn gender(self, gender: Option<Gender>) -> Self {
        Self { gender, ..self }
    }
}
