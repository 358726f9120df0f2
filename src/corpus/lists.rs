//! Sentences with a list that is repeated.

use super::{
    Draft, Entity, GrammaticalNumber, Kind, PartOfSpeech, Sentence, Word,
    lexicon::{GIFTS, OWNED},
};

impl Draft<'_> {
    /// `List: kite drum map; again: kite drum map.`
    pub(super) fn list(mut self) -> Sentence {
        let root =
            self.push(Word::new("list", PartOfSpeech::Noun).number(GrammaticalNumber::Singular).entity(Entity::Thing));
        self.say(":", PartOfSpeech::Punctuation);
        let mut left: Vec<&str> = OWNED.into_iter().chain(GIFTS).collect();
        let count = self.one(&[4, 5, 6]);
        let items: Vec<&str> = (0..count).map(|_| left.remove(self.below(left.len()))).collect();
        self.items(&items, root);
        self.say(";", PartOfSpeech::Punctuation);
        self.say_under(root, "again", PartOfSpeech::Adverb);
        self.say(":", PartOfSpeech::Punctuation);
        self.items(&items, root);
        self.say(".", PartOfSpeech::Punctuation);
        self.finish(Kind::List, root)
    }

    /// Adds the items. The first depends on the word that opens the list, and every other on the item before it.
    fn items(&mut self, items: &[&str], mut head: usize) {
        for item in items {
            let word = self
                .push(Word::new(item, PartOfSpeech::Noun).number(GrammaticalNumber::Singular).entity(Entity::Thing));
            self.attach(word, head);
            head = word;
        }
    }
}
