//! Sentences in which subject and verb agree across the words between them.

use super::{
    Draft, Kind, PartOfSpeech, Sentence,
    lexicon::{NOUNS, PEOPLE},
};

impl Draft<'_> {
    /// `The keys to the cabinet are rusty.`
    pub(super) fn agreement(mut self, attractors: usize) -> Sentence {
        let (noun, number) = (self.below(NOUNS.len()), self.number());
        let subject = self.the(noun, number);
        self.beside(subject, attractors);
        let root = self.predicate(subject);
        self.say(".", PartOfSpeech::Punctuation);
        self.finish(Kind::Agreement { attractors }, root)
    }

    /// `The boy that likes the girls sings.`
    pub(super) fn subject_relative(mut self) -> Sentence {
        let (noun, number) = (self.below(PEOPLE), self.number());
        let subject = self.the(noun, number);
        self.that_sees(subject);
        let root = self.predicate(subject);
        self.say(".", PartOfSpeech::Punctuation);
        self.finish(Kind::SubjectRelative, root)
    }

    /// `The boy that the girls like sings.`
    pub(super) fn object_relative(mut self) -> Sentence {
        let (noun, number) = (self.below(PEOPLE), self.number());
        let subject = self.the(noun, number);
        self.that_is_seen(subject);
        let root = self.predicate(subject);
        self.say(".", PartOfSpeech::Punctuation);
        self.finish(Kind::ObjectRelative, root)
    }
}
