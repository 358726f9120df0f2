//! [`Word`]: one word of a sentence and its labels.

/// PartOfSpeech of speech, with the tags of [Universal Dependencies](https://universaldependencies.org/u/pos/).
///
/// # Examples
/// ```
/// use glassbox::corpus::{PartOfSpeech, grammar};
/// let sentence = grammar(0).next().unwrap();
/// assert_eq!(sentence.words.last().unwrap().part, PartOfSpeech::Punctuation);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PartOfSpeech {
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
///
/// # Examples
/// ```
/// use glassbox::corpus::{GrammaticalNumber, grammar};
/// let are = grammar(0).flat_map(|sentence| sentence.words).find(|word| word.text == "are").unwrap();
/// assert_eq!(are.number, Some(GrammaticalNumber::Plural));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum GrammaticalNumber {
    /// Singular, `key`.
    Singular,
    /// Plural, `keys`.
    Plural,
}

impl GrammaticalNumber {
    /// Both numbers, in the order of the forms in the lexicon.
    pub(super) const BOTH: [Self; 2] = [Self::Singular, Self::Plural];

    /// The other number.
    ///
    /// # Examples
    /// ```
    /// use glassbox::corpus::GrammaticalNumber;
    /// assert_eq!(GrammaticalNumber::Plural.other(), GrammaticalNumber::Singular);
    /// ```
    pub fn other(self) -> Self {
        match self {
            Self::Singular => Self::Plural,
            Self::Plural => Self::Singular,
        }
    }
}

/// Grammatical tense.
///
/// # Examples
/// ```
/// use glassbox::corpus::{Tense, grammar};
/// let was = grammar(0).flat_map(|sentence| sentence.words).find(|word| word.text == "was").unwrap();
/// assert_eq!(was.tense, Some(Tense::Past));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tense {
    /// `is`, `sings`.
    Present,
    /// `was`, `sang`.
    Past,
}

/// Grammatical gender, which English marks only on pronouns.
///
/// # Examples
/// ```
/// use glassbox::corpus::{Gender, grammar};
/// let herself = grammar(0).flat_map(|sentence| sentence.words).find(|word| word.text == "herself").unwrap();
/// assert_eq!(herself.gender, Some(Gender::Feminine));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Gender {
    /// `he`, `himself`.
    Masculine,
    /// `she`, `herself`.
    Feminine,
}

/// What a word refers to.
///
/// # Examples
/// ```
/// use glassbox::corpus::{Entity, grammar};
/// let france = grammar(0).flat_map(|sentence| sentence.words).find(|word| word.text == "France").unwrap();
/// assert_eq!(france.entity, Some(Entity::Country));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Entity {
    /// `Mary`, `farmers`, and the pronouns that refer to them.
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

/// One word or punctuation mark, which is one token, with its labels.
///
/// # Examples
/// ```
/// use glassbox::corpus::{PartOfSpeech, grammar};
/// let is = grammar(0).flat_map(|sentence| sentence.words).find(|word| word.text == "is").unwrap();
/// assert_eq!(is.part, PartOfSpeech::Auxiliary);
/// assert!(is.subject.is_some());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Word {
    /// The word as it is written.
    pub text: String,
    /// Its part of speech.
    pub part: PartOfSpeech,
    /// The number of nouns, names, pronouns and present verbs. Past verbs other than `was` and `were` have none.
    pub number: Option<GrammaticalNumber>,
    /// The tense of finite verbs.
    pub tense: Option<Tense>,
    /// The gender of names, pronouns and nouns for a man or a woman.
    pub gender: Option<Gender>,
    /// What it refers to.
    pub entity: Option<Entity>,
    /// The index of the word that it depends on; `None` for the root.
    pub head: Option<usize>,
    /// The number of steps from head to head up to the root.
    pub depth: usize,
    /// The index of the subject of a finite verb.
    pub subject: Option<usize>,
}

impl Word {
    /// Makes a word without a head.
    pub(super) fn new(text: &str, part: PartOfSpeech) -> Self {
        let text = text.to_owned();
        let none = (None, None, None, None);
        let (number, tense, gender, entity) = none;
        Self { text, part, number, tense, gender, entity, head: None, depth: 0, subject: None }
    }

    pub(super) fn number(self, number: GrammaticalNumber) -> Self {
        Self { number: Some(number), ..self }
    }

    pub(super) fn entity(self, entity: Entity) -> Self {
        Self { entity: Some(entity), ..self }
    }

    pub(super) fn gender(self, gender: Option<Gender>) -> Self {
        Self { gender, ..self }
    }
}
