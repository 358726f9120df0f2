//! Sentences about the [facts](super::facts): stated, asked for, judged.

use super::{
    Draft, Entity, Fact, GrammaticalNumber, Kind, PartOfSpeech, Relation, Sentence, Tense, Word, Wording, facts,
    facts::living,
    lexicon::{COLOURS, NAMES},
    phrases::Subject,
};

impl Draft<'_> {
    /// `The capital of France is Paris.`
    pub(super) fn statement(mut self) -> Sentence {
        let facts = facts();
        let fact = facts[self.below(facts.len())];
        let wording = self.one(&Wording::ALL);
        let root = self.state(fact, wording, fact.value);
        self.say(".", PartOfSpeech::Punctuation);
        self.truth = Some(true);
        self.finish(Kind::Statement(fact.relation), root)
    }

    /// `The capital of France is Rome: false.` Half of the judged statements are true.
    pub(super) fn judgement(mut self) -> Sentence {
        let facts = facts();
        let wording = self.one(&Wording::ALL);
        let fact = facts[self.judged(facts.len(), wording)];
        let truth = self.one(&[true, false]);
        let others: Vec<&str> = fact.relation.values().into_iter().filter(|value| *value != fact.value).collect();
        let value = if truth { fact.value } else { self.one(&others) };
        let root = self.state(fact, wording, value);
        self.say(":", PartOfSpeech::Punctuation);
        self.say_under(root, if truth { "true" } else { "false" }, PartOfSpeech::Adjective);
        self.say(".", PartOfSpeech::Punctuation);
        self.truth = Some(truth);
        self.finish(Kind::Judgement(fact.relation), root)
    }

    /// `What is the capital of France? It is Paris.`
    pub(super) fn question(mut self) -> Sentence {
        let facts = facts();
        let fact = facts[self.below(facts.len())];
        let (asked, answer) = match fact.relation {
            Relation::Capital | Relation::Colour => {
                let asked = self.is("what", GrammaticalNumber::Singular);
                let measure = self.measure(fact);
                self.attach(measure.at, asked);
                self.say("?", PartOfSpeech::Punctuation);
                (asked, self.is("It", GrammaticalNumber::Singular))
            }
            Relation::Category => {
                let asked = self.is("what", GrammaticalNumber::Plural);
                let plural = self.plural(fact.subject);
                self.attach(plural.at, asked);
                self.say("?", PartOfSpeech::Punctuation);
                (asked, self.is("They", GrammaticalNumber::Plural))
            }
            Relation::Owner => {
                let who =
                    Word::new("who", PartOfSpeech::Pronoun).number(GrammaticalNumber::Singular).entity(Entity::Person);
                let who = self.subject(who);
                let asked = self.verb("owns", PartOfSpeech::Verb, Tense::Present, who);
                self.object("the", fact.subject, Entity::Thing, asked);
                self.say("?", PartOfSpeech::Punctuation);
                let owner = self.value(fact, fact.value);
                (asked, self.verb("does", PartOfSpeech::Auxiliary, Tense::Present, owner))
            }
        };
        if fact.relation != Relation::Owner {
            let value = self.value(fact, fact.value);
            self.attach(value.at, answer);
        }
        self.attach(answer, asked);
        self.say(".", PartOfSpeech::Punctuation);
        self.truth = Some(true);
        self.finish(Kind::Question(fact.relation), asked)
    }

    /// Adds a statement without its full stop, and returns the index of its verb.
    fn state(&mut self, fact: Fact, wording: Wording, value: &str) -> usize {
        let (verb, holder) = match (fact.relation, wording) {
            (Relation::Capital | Relation::Colour, Wording::Plain) => {
                let subject = self.measure(fact);
                let verb = self.be(Tense::Present, subject);
                (verb, verb)
            }
            (Relation::Capital, Wording::Other) => {
                let subject = self.country(fact.subject);
                let verb = self.verb("has", PartOfSpeech::Verb, Tense::Present, subject);
                (verb, self.object("the", "capital", Entity::City, verb))
            }
            (Relation::Colour, Wording::Other) => {
                let subject = self.all(fact.subject);
                let verb = self.verb("have", PartOfSpeech::Verb, Tense::Present, subject);
                (verb, self.object("the", "colour", Entity::Colour, verb))
            }
            (Relation::Category, Wording::Plain) => {
                let subject = self.all(fact.subject);
                let verb = self.be(Tense::Present, subject);
                (verb, verb)
            }
            (Relation::Category, Wording::Other) => {
                let subject = self.all(fact.subject);
                let verb = self.verb("count", PartOfSpeech::Verb, Tense::Present, subject);
                (verb, self.say_under(verb, "as", PartOfSpeech::Adposition))
            }
            (Relation::Owner, Wording::Plain) => {
                let subject = self.the_thing(fact.subject, Entity::Thing);
                let verb = self.verb("belongs", PartOfSpeech::Verb, Tense::Present, subject);
                (verb, self.say_under(verb, "to", PartOfSpeech::Adposition))
            }
            (Relation::Owner, Wording::Other) => {
                let subject = self.the_thing("owner", Entity::Person);
                let of = self.say_under(subject.at, "of", PartOfSpeech::Adposition);
                self.object("the", fact.subject, Entity::Thing, of);
                let verb = self.be(Tense::Present, subject);
                (verb, verb)
            }
        };
        let value = self.value(fact, value);
        self.attach(value.at, holder);
        verb
    }

    /// Adds `the boat` as a subject.
    fn the_thing(&mut self, noun: &str, entity: Entity) -> Subject {
        let the = self.say("the", PartOfSpeech::Determiner);
        let noun = self.subject(Word::new(noun, PartOfSpeech::Noun).number(GrammaticalNumber::Singular).entity(entity));
        self.attach(the, noun.at);
        noun
    }

    /// Adds `all lemons`.
    fn all(&mut self, plural: &str) -> Subject {
        let all = self.say("all", PartOfSpeech::Determiner);
        let subject = self.plural(plural);
        self.attach(all, subject.at);
        subject
    }

    /// Adds `France`.
    fn country(&mut self, name: &str) -> Subject {
        self.subject(
            Word::new(name, PartOfSpeech::ProperNoun).number(GrammaticalNumber::Singular).entity(Entity::Country),
        )
    }

    /// Adds `the capital of France` or `the colour of lemons`.
    fn measure(&mut self, fact: Fact) -> Subject {
        let (noun, entity) = match fact.relation {
            Relation::Capital => ("capital", Entity::City),
            _ => ("colour", Entity::Colour),
        };
        let measure = self.the_thing(noun, entity);
        let of = self.say_under(measure.at, "of", PartOfSpeech::Adposition);
        let of_what = match fact.relation {
            Relation::Capital => self.country(fact.subject),
            _ => self.plural(fact.subject),
        };
        self.attach(of_what.at, of);
        measure
    }

    /// Adds `lemons` or `fruits`.
    fn plural(&mut self, text: &str) -> Subject {
        self.subject(Word::new(text, PartOfSpeech::Noun).number(GrammaticalNumber::Plural).entity(living(text)))
    }

    /// Adds the value of a fact.
    fn value(&mut self, fact: Fact, value: &str) -> Subject {
        match fact.relation {
            Relation::Capital => {
                let city = Word::new(value, PartOfSpeech::ProperNoun).number(GrammaticalNumber::Singular);
                self.subject(city.entity(Entity::City))
            }
            Relation::Colour => {
                debug_assert!(COLOURS.contains(&value));
                self.subject(Word::new(value, PartOfSpeech::Adjective).entity(Entity::Colour))
            }
            Relation::Category => self.plural(value),
            Relation::Owner => {
                let name = NAMES.iter().position(|name| *name == value).unwrap_or_default();
                self.name(name)
            }
        }
    }

    /// Adds a pronoun and its verb, as in `What is` and `They are`. Returns the index of the verb.
    fn is(&mut self, pronoun: &str, number: GrammaticalNumber) -> usize {
        let subject = self.subject(Word::new(pronoun, PartOfSpeech::Pronoun).number(number));
        self.be(Tense::Present, subject)
    }

    /// Adds a word that can be the subject of a verb.
    fn subject(&mut self, word: Word) -> Subject {
        let number = word.number.unwrap_or(GrammaticalNumber::Singular);
        Subject { at: self.push(word), noun: 0, number, gender: None, person: false }
    }
}
