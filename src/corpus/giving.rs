//! Sentences in which one person gives another something: indirect object identification ([Wang et al.
//! 2023](https://arxiv.org/abs/2211.00593)).

use super::{
    Draft, Entity, GrammaticalNumber, Kind, PartOfSpeech, Sentence, Tense, Word,
    lexicon::{GIFTS, GIVE, MEETINGS, NAMES, PLACES, article},
    phrases::Subject,
};

impl Draft<'_> {
    /// `When Mary and John went to the shop, John gave a drink to Mary.`
    pub(super) fn giving(mut self) -> Sentence {
        let [opening, came, to] = self.one(&MEETINGS);
        let opening = self.say(opening, PartOfSpeech::Subordinator);
        let first = self.below(NAMES.len());
        let second = self.partner(first, &[first], NAMES.len());
        let pair = self.name(first);
        let and = self.say("and", PartOfSpeech::Coordinator);
        let other = self.name(second);
        self.attach(other.at, pair.at);
        self.attach(and, other.at);
        let met =
            self.verb(came, PartOfSpeech::Verb, Tense::Past, Subject { number: GrammaticalNumber::Plural, ..pair });
        self.attach(met, opening);
        let to = self.say_under(met, to, PartOfSpeech::Adposition);
        let place = self.one(&PLACES);
        self.object("the", place, Entity::Place, to);
        self.say(",", PartOfSpeech::Punctuation);

        let (giver, receiver) = self.one(&[(first, second), (second, first)]);
        let giver = self.name(giver);
        let give = self.one(&GIVE);
        let gave = self.verb(give, PartOfSpeech::Verb, Tense::Past, giver);
        self.attach(opening, gave);
        let (gift, definite) = (self.one(&GIFTS), self.one(&[true, false]));
        self.object(if definite { "the" } else { article(gift) }, gift, Entity::Thing, gave);
        let to = self.say_under(gave, "to", PartOfSpeech::Adposition);
        let receiver = self.name(receiver);
        self.attach(receiver.at, to);
        self.say(".", PartOfSpeech::Punctuation);
        self.finish(Kind::Giving, gave)
    }

    /// Adds an article and a singular noun under a verb or preposition, and returns the noun's index.
    pub(super) fn object(&mut self, article: &str, noun: &str, entity: Entity, head: usize) -> usize {
        let article = self.say(article, PartOfSpeech::Determiner);
        let at = self.push(Word::new(noun, PartOfSpeech::Noun).number(GrammaticalNumber::Singular).entity(entity));
        self.attach(article, at);
        self.attach(at, head);
        at
    }
}
