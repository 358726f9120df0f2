//! The word lists of the grammar.
//!
//! To add a word, add it here; the vocabulary follows, so `grammar-4l` must be trained again.

use super::{Entity, Gender, GrammaticalNumber, Tense};

/// A noun that can be the subject of a sentence.
pub(super) struct Noun {
    /// Singular and plural.
    forms: [&'static str; 2],
    /// `None` for a thing.
    pub person: Option<Option<Gender>>,
}

impl Noun {
    pub(super) fn form(&self, number: GrammaticalNumber) -> &'static str {
        let [singular, plural] = self.forms;
        if number == GrammaticalNumber::Singular { singular } else { plural }
    }

    pub(super) fn entity(&self) -> Entity {
        if self.person.is_some() { Entity::Person } else { Entity::Thing }
    }

    pub(super) fn gender(&self) -> Option<Gender> {
        self.person.flatten()
    }
}

/// A verb: present singular, present plural, past.
pub(super) struct Verb([&'static str; 3]);

impl Verb {
    pub(super) fn form(&self, tense: Tense, number: GrammaticalNumber) -> &'static str {
        let [singular, plural, past] = self.0;
        match (tense, number) {
            (Tense::Past, _) => past,
            (_, GrammaticalNumber::Singular) => singular,
            (_, GrammaticalNumber::Plural) => plural,
        }
    }

    pub(super) fn forms(&self) -> [&'static str; 3] {
        self.0
    }
}

const fn man(singular: &'static str, plural: &'static str) -> Noun {
    Noun { forms: [singular, plural], person: Some(Some(Gender::Masculine)) }
}

const fn woman(singular: &'static str, plural: &'static str) -> Noun {
    Noun { forms: [singular, plural], person: Some(Some(Gender::Feminine)) }
}

const fn person(singular: &'static str, plural: &'static str) -> Noun {
    Noun { forms: [singular, plural], person: Some(None) }
}

const fn thing(singular: &'static str, plural: &'static str) -> Noun {
    Noun { forms: [singular, plural], person: None }
}

/// People come first, those with a known gender before the others.
pub(super) static NOUNS: [Noun; 32] = [
    man("boy", "boys"),
    woman("girl", "girls"),
    man("man", "men"),
    woman("woman", "women"),
    man("king", "kings"),
    woman("queen", "queens"),
    man("brother", "brothers"),
    woman("sister", "sisters"),
    man("prince", "princes"),
    woman("princess", "princesses"),
    man("uncle", "uncles"),
    woman("aunt", "aunts"),
    person("teacher", "teachers"),
    person("doctor", "doctors"),
    person("farmer", "farmers"),
    person("friend", "friends"),
    thing("key", "keys"),
    thing("cabinet", "cabinets"),
    thing("table", "tables"),
    thing("door", "doors"),
    thing("book", "books"),
    thing("box", "boxes"),
    thing("lamp", "lamps"),
    thing("chair", "chairs"),
    thing("picture", "pictures"),
    thing("window", "windows"),
    thing("clock", "clocks"),
    thing("car", "cars"),
    thing("bottle", "bottles"),
    thing("coat", "coats"),
    thing("ladder", "ladders"),
    thing("fence", "fences"),
];

/// The number of people in [`NOUNS`], and the number of these with a known gender.
pub(super) const PEOPLE: usize = 16;
pub(super) const GENDERED: usize = 12;

/// Feminine and masculine names alternate.
pub(super) const NAMES: [&str; 24] = [
    "Mary", "John", "Anna", "Paul", "Alice", "Peter", "Emma", "David", "Clara", "Henry", "Lucy", "James", "Sarah",
    "Mark", "Kate", "Daniel", "Julia", "Robert", "Helen", "Simon", "Laura", "Thomas", "Susan", "George",
];

pub(super) const NAME_GENDERS: [Gender; 2] = [Gender::Feminine, Gender::Masculine];

pub(super) const OF_PEOPLE: [&str; 10] =
    ["happy", "tired", "sad", "hungry", "angry", "kind", "young", "late", "sick", "tall"];

pub(super) const OF_THINGS: [&str; 10] =
    ["old", "new", "rusty", "heavy", "small", "big", "clean", "dirty", "wet", "broken"];

/// Prepositions between two nouns. `to` occurs only after `key`.
pub(super) const NEAR: [&str; 4] = ["near", "behind", "beside", "under"];
pub(super) const NEAR_A_KEY: [&str; 5] = ["near", "behind", "beside", "under", "to"];

pub(super) static INTRANSITIVE: [Verb; 8] = [
    Verb(["runs", "run", "ran"]),
    Verb(["sings", "sing", "sang"]),
    Verb(["sleeps", "sleep", "slept"]),
    Verb(["smiles", "smile", "smiled"]),
    Verb(["laughs", "laugh", "laughed"]),
    Verb(["waits", "wait", "waited"]),
    Verb(["swims", "swim", "swam"]),
    Verb(["dances", "dance", "danced"]),
];

pub(super) static TRANSITIVE: [Verb; 8] = [
    Verb(["likes", "like", "liked"]),
    Verb(["sees", "see", "saw"]),
    Verb(["knows", "know", "knew"]),
    Verb(["helps", "help", "helped"]),
    Verb(["loves", "love", "loved"]),
    Verb(["hears", "hear", "heard"]),
    Verb(["admires", "admire", "admired"]),
    Verb(["trusts", "trust", "trusted"]),
];

pub(super) static SAY: [Verb; 3] =
    [Verb(["says", "say", "said"]), Verb(["thinks", "think", "thought"]), Verb(["feels", "feel", "felt"])];

/// Places to go to.
pub(super) const PLACES: [&str; 12] =
    ["shop", "park", "school", "market", "library", "garden", "station", "house", "office", "museum", "beach", "farm"];

/// Things to give.
pub(super) const GIFTS: [&str; 14] = [
    "drink", "ball", "ring", "letter", "card", "hat", "map", "apple", "orange", "egg", "umbrella", "ticket", "flower",
    "bag",
];

/// How people meet at a place: the opening word, the verb, and the preposition before the place.
pub(super) const MEETINGS: [[&str; 3]; 6] = [
    ["when", "went", "to"],
    ["when", "came", "to"],
    ["after", "walked", "to"],
    ["after", "got", "to"],
    ["while", "sat", "in"],
    ["while", "worked", "at"],
];

pub(super) const GIVE: [&str; 6] = ["gave", "passed", "handed", "showed", "offered", "brought"];

/// Capital cities.
pub(super) const CAPITALS: [(&str, &str); 24] = [
    ("France", "Paris"),
    ("Italy", "Rome"),
    ("Spain", "Madrid"),
    ("Germany", "Berlin"),
    ("England", "London"),
    ("Greece", "Athens"),
    ("Egypt", "Cairo"),
    ("Japan", "Tokyo"),
    ("China", "Beijing"),
    ("Russia", "Moscow"),
    ("Poland", "Warsaw"),
    ("Austria", "Vienna"),
    ("Norway", "Oslo"),
    ("Portugal", "Lisbon"),
    ("Ireland", "Dublin"),
    ("Cuba", "Havana"),
    ("Peru", "Lima"),
    ("Kenya", "Nairobi"),
    ("Turkey", "Ankara"),
    ("Hungary", "Budapest"),
    ("Sweden", "Stockholm"),
    ("Finland", "Helsinki"),
    ("Denmark", "Copenhagen"),
    ("Canada", "Ottawa"),
];

/// The categories of [`NATURE`], in the plural, and their entities.
pub(super) const CATEGORIES: [(&str, Entity); 6] = [
    ("animals", Entity::Animal),
    ("birds", Entity::Animal),
    ("insects", Entity::Animal),
    ("fruits", Entity::Plant),
    ("vegetables", Entity::Plant),
    ("flowers", Entity::Plant),
];

pub(super) const COLOURS: [&str; 9] = ["yellow", "red", "orange", "green", "white", "black", "brown", "grey", "pink"];

/// Living things with their category and colour.
pub(super) const NATURE: [(&str, &str, &str); 30] = [
    ("bananas", "fruits", "yellow"),
    ("lemons", "fruits", "yellow"),
    ("cherries", "fruits", "red"),
    ("strawberries", "fruits", "red"),
    ("limes", "fruits", "green"),
    ("raspberries", "fruits", "pink"),
    ("dates", "fruits", "brown"),
    ("carrots", "vegetables", "orange"),
    ("pumpkins", "vegetables", "orange"),
    ("cucumbers", "vegetables", "green"),
    ("potatoes", "vegetables", "brown"),
    ("peas", "vegetables", "green"),
    ("radishes", "vegetables", "red"),
    ("daisies", "flowers", "white"),
    ("poppies", "flowers", "red"),
    ("sunflowers", "flowers", "yellow"),
    ("lilies", "flowers", "white"),
    ("swans", "birds", "white"),
    ("crows", "birds", "black"),
    ("canaries", "birds", "yellow"),
    ("flamingos", "birds", "pink"),
    ("sparrows", "birds", "brown"),
    ("ants", "insects", "black"),
    ("ladybirds", "insects", "red"),
    ("foxes", "animals", "orange"),
    ("frogs", "animals", "green"),
    ("bears", "animals", "brown"),
    ("elephants", "animals", "grey"),
    ("mice", "animals", "grey"),
    ("pigs", "animals", "pink"),
];

/// Things with owners. The owner is the name at the same index of [`NAMES`].
pub(super) const OWNED: [&str; 24] = [
    "boat",
    "bicycle",
    "piano",
    "guitar",
    "violin",
    "horse",
    "tent",
    "kite",
    "sledge",
    "canoe",
    "tractor",
    "camera",
    "drum",
    "mirror",
    "telescope",
    "carpet",
    "basket",
    "kettle",
    "candle",
    "hammer",
    "ship",
    "castle",
    "mill",
    "trumpet",
];

/// Returns the article for the word.
pub(super) fn article(word: &str) -> &'static str {
    if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}
