//! The facts of a small world: capitals, colours, categories and owners.
//!
//! To add a relation, add a variant to [`Relation`], its wordings here, and its words to `lexicon.rs`.

use super::{
    Entity,
    lexicon::{CAPITALS, CATEGORIES, COLOURS, NAMES, NATURE, OWNED},
};

/// What a fact is about.
///
/// # Examples
/// ```
/// use glassbox::corpus::{Relation, facts};
/// let colours: Vec<_> = facts().into_iter().filter(|fact| fact.relation == Relation::Colour).collect();
/// assert!(colours.iter().any(|fact| fact.subject == "lemons" && fact.value == "yellow"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Relation {
    /// `The capital of France is Paris.`
    Capital,
    /// `The colour of lemons is yellow.`
    Colour,
    /// `All lemons are fruits.`
    Category,
    /// `The boat belongs to Mary.`
    Owner,
}

/// The wording in which a fact is stated.
///
/// # Examples
/// ```
/// use glassbox::corpus::{Wording, facts};
/// let france = facts().into_iter().find(|fact| fact.subject == "France").unwrap();
/// assert_eq!(france.statement(Wording::Other), "France has the capital");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Wording {
    /// `The capital of France is`, `The colour of lemons is`, `All lemons are`, `The boat belongs to`.
    Plain,
    /// `France has the capital`, `All lemons have the colour`, `All lemons count as`, `The owner of the boat is`.
    Other,
}

impl Wording {
    /// Both wordings.
    pub const ALL: [Self; 2] = [Self::Plain, Self::Other];
}

/// A fact of the small world.
///
/// # Examples
/// ```
/// use glassbox::corpus::facts;
/// let france = facts().into_iter().find(|fact| fact.subject == "France").unwrap();
/// assert_eq!(france.value, "Paris");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fact {
    /// What the fact is about.
    pub relation: Relation,
    /// `France`, `lemons`, `boat`.
    pub subject: &'static str,
    /// `Paris`, `yellow`, `fruits`, `Mary`.
    pub value: &'static str,
}

/// Returns all facts, in a fixed order.
///
/// # Examples
/// ```
/// use glassbox::corpus::{Relation, facts};
/// let capital = facts().into_iter().find(|fact| fact.relation == Relation::Capital && fact.subject == "France");
/// assert_eq!(capital.map(|fact| fact.value), Some("Paris"));
/// ```
pub fn facts() -> Vec<Fact> {
    let fact = |relation, subject, value| Fact { relation, subject, value };
    let capitals = CAPITALS.iter().map(|&(country, city)| fact(Relation::Capital, country, city));
    let colours = NATURE.iter().map(|&(plural, _, colour)| fact(Relation::Colour, plural, colour));
    let categories = NATURE.iter().map(|&(plural, category, _)| fact(Relation::Category, plural, category));
    let owners = OWNED.iter().zip(NAMES).map(|(owned, name)| fact(Relation::Owner, owned, name));
    capitals.chain(colours).chain(categories).chain(owners).collect()
}

impl Fact {
    /// Returns the statement up to its value: `The capital of France is` or, in the other wording, `France has the
    /// capital`.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{corpus::{Wording, facts}, prelude::*};
    /// let france = facts().into_iter().find(|fact| fact.subject == "France").unwrap();
    /// let run = Model::open("grammar-4l")?.run(france.statement(Wording::Plain))?;
    /// assert_eq!(run.predictions(-1, 1)?[0].text, france.value);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn statement(&self, wording: Wording) -> String {
        let Self { relation, subject, .. } = self;
        match (relation, wording) {
            (Relation::Capital, Wording::Plain) => format!("The capital of {subject} is"),
            (Relation::Capital, Wording::Other) => format!("{subject} has the capital"),
            (Relation::Colour, Wording::Plain) => format!("The colour of {subject} is"),
            (Relation::Colour, Wording::Other) => format!("All {subject} have the colour"),
            (Relation::Category, Wording::Plain) => format!("All {subject} are"),
            (Relation::Category, Wording::Other) => format!("All {subject} count as"),
            (Relation::Owner, Wording::Plain) => format!("The {subject} belongs to"),
            (Relation::Owner, Wording::Other) => format!("The owner of the {subject} is"),
        }
    }

    /// Returns the question and its answer up to the value: `What is the capital of France? It is`.
    ///
    /// # Examples
    /// ```
    /// use glassbox::corpus::facts;
    /// let france = facts().into_iter().find(|fact| fact.subject == "France").unwrap();
    /// assert_eq!(france.question(), "What is the capital of France? It is");
    /// ```
    pub fn question(&self) -> String {
        match self.relation {
            Relation::Capital => format!("What is the capital of {}? It is", self.subject),
            Relation::Colour => format!("What is the colour of {}? It is", self.subject),
            Relation::Category => format!("What are {}? They are", self.subject),
            Relation::Owner => format!("Who owns the {}?", self.subject),
        }
    }
}

impl Relation {
    /// All relations.
    pub const ALL: [Self; 4] = [Self::Capital, Self::Colour, Self::Category, Self::Owner];

    /// Returns all possible values, true or not.
    pub(super) fn values(self) -> Vec<&'static str> {
        match self {
            Self::Capital => CAPITALS.iter().map(|(_, city)| *city).collect(),
            Self::Colour => COLOURS.to_vec(),
            Self::Category => CATEGORIES.iter().map(|(category, _)| *category).collect(),
            Self::Owner => NAMES.to_vec(),
        }
    }
}

/// Returns the entity that lemons, or fruits, are.
pub(super) fn living(plural: &str) -> Entity {
    let category = NATURE.iter().find(|(living, ..)| *living == plural).map_or(plural, |(_, category, _)| category);
    let found = CATEGORIES.iter().find(|(name, _)| *name == category);
    found.map_or(Entity::Thing, |(_, entity)| *entity)
}
