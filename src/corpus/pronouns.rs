//! Sentences with pronouns that agree with a name or noun in gender and number.

use super::{
    Draft, Entity, Gender, GrammaticalNumber, Kind, PartOfSpeech, Sentence, Tense, Word,
    lexicon::{GENDERED, NAMES, SAY, TRANSITIVE},
    phrases::Subject,
};

/// `himself`, `herself`, `themselves`.
pub(super) fn reflexive(number: GrammaticalNumber, gender: Option<Gender>) -> &'static str {
    match (number, gender) {
        (GrammaticalNumber::Plural, _) | (_, None) => "themselves",
        (_, Some(Gender::Masculine)) => "himself",
        (_, Some(Gender::Feminine)) => "herself",
    }
}

/// `he`, `she`, `they`.
fn personal(number: GrammaticalNumber, gender: Option<Gender>) -> &'static str {
    match (number, gender) {
        (GrammaticalNumber::Plural, _) | (_, None) => "they",
        (_, Some(Gender::Masculine)) => "he",
        (_, Some(Gender::Feminine)) => "she",
    }
}

impl Draft<'_> {
    /// Adds a name, or a noun with a known gender. Half of the nouns are followed by another person.
    fn somebody(&mut self) -> Subject {
        match self.one(&[0, 1, 2]) {
            0 => {
                let name = self.below(NAMES.len());
                self.name(name)
            }
            attractors => {
                let (noun, number) = (self.below(GENDERED), self.number());
                let subject = self.the(noun, number);
                self.beside(subject, attractors - 1);
                subject
            }
        }
    }

    fn pronoun(&mut self, text: &str, of: Subject) -> Subject {
        let word = Word::new(text, PartOfSpeech::Pronoun).number(of.number).entity(Entity::Person);
        Subject { at: self.push(word.gender(of.gender)), ..of }
    }

    /// `The queen near the boys sees herself.`
    pub(super) fn reflexive(mut self) -> Sentence {
        let subject = self.somebody();
        let tense = self.tense();
        let root = self.one_verb(&TRANSITIVE, tense, subject);
        let object = self.pronoun(reflexive(subject.number, subject.gender), subject);
        self.attach(object.at, root);
        self.say(".", PartOfSpeech::Punctuation);
        self.finish(Kind::Reflexive, root)
    }

    /// `Mary said that she was tired.`
    pub(super) fn pronoun_sentence(mut self) -> Sentence {
        let subject = self.somebody();
        let root = self.one_verb(&SAY, Tense::Past, subject);
        let that = self.say_under(root, "that", PartOfSpeech::Subordinator);
        let pronoun = self.pronoun(personal(subject.number, subject.gender), subject);
        let verb = self.is_so(Tense::Past, pronoun);
        self.attach(verb, that);
        self.say(".", PartOfSpeech::Punctuation);
        self.finish(Kind::Pronoun, root)
    }
}
