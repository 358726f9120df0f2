//! Decodes a text token by token into pieces that can be printed.

use crate::{Result, text::Tokenizer};

/// Turns the tokens of one text into pieces of whole characters, each decoded in the context of the tokens before it.
#[derive(Clone, Debug)]
pub(super) struct Pieces {
    tokenizer: Option<Tokenizer>,
    ids: Vec<u32>,
    /// The first token that is decoded again, because the text of a token may depend on its neighbours.
    from: usize,
    /// The number of tokens that have been returned as text.
    done: usize,
}

/// The number of neighbours decoded again: more than any tokenizer needs.
const NEIGHBOURS: usize = 8;

impl Pieces {
    /// Makes pieces for the text after these tokens.
    pub(super) fn after(tokenizer: Option<&Tokenizer>, ids: &[u32]) -> Self {
        let known = |id: &&u32| tokenizer.is_some_and(|tokenizer| tokenizer.has_id(**id));
        let ids = ids[ids.len().saturating_sub(NEIGHBOURS)..].iter().filter(known).copied().collect::<Vec<_>>();
        let whole = |end: &usize| {
            !tokenizer.is_some_and(|tokenizer| tokenizer.decode(&ids[..*end]).is_ok_and(|text| is_cut(&text)))
        };
        // A character that the prompt leaves incomplete is written once it is complete.
        let done = (0..=ids.len()).rev().find(whole).unwrap_or(0);
        Self { tokenizer: tokenizer.cloned(), ids, from: 0, done }
    }

    /// Returns the text of one more token and of anything held back; empty while a character is incomplete.
    pub(super) fn push(&mut self, id: u32) -> Result<String> {
        let Some(tokenizer) = &self.tokenizer else { return Ok(format!(" #{id}")) };
        if !tokenizer.has_id(id) {
            return Ok(String::new()); // A row of the unembedding without a token.
        }
        self.ids.push(id);
        let text = self.new_text()?;
        if is_cut(&text) {
            return Ok(String::new());
        }
        (self.from, self.done) = (self.done, self.ids.len());
        Ok(text)
    }

    /// Returns what was held back, once no token follows.
    pub(super) fn rest(&mut self) -> Result<String> {
        if self.done == self.ids.len() {
            return Ok(String::new());
        }
        let text = self.new_text()?;
        (self.from, self.done) = (self.done, self.ids.len());
        Ok(text)
    }

    fn new_text(&self) -> Result<String> {
        let decode = |ids: &[u32]| self.tokenizer.as_ref().map_or(Ok(String::new()), |tokenizer| tokenizer.decode(ids));
        let (before, after) = (decode(&self.ids[self.from..self.done])?, decode(&self.ids[self.from..])?);
        let same = before.chars().zip(after.chars()).take_while(|(before, after)| before == after);
        Ok(after[same.map(|(char, _)| char.len_utf8()).sum()..].to_owned())
    }
}

/// Whether a text ends inside a character.
fn is_cut(text: &str) -> bool {
    text.ends_with(char::REPLACEMENT_CHARACTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tokenizer with these pieces and this decoder.
    fn tokenizer(decoder: &str, pieces: &[&str]) -> Tokenizer {
        let vocab =
            pieces.iter().enumerate().map(|(id, piece)| format!("{piece:?}: {id}")).collect::<Vec<_>>().join(",");
        let json = format!(
            r#"{{"model": {{"type": "WordLevel", "vocab": {{{vocab}}}, "unk_token": "?"}}, "decoder": {decoder},
            "pre_tokenizer": null, "added_tokens": [], "normalizer": null, "post_processor": null, "version": "1.0",
            "truncation": null, "padding": null}}"#
        );
        Tokenizer::from_bytes(json.as_bytes()).unwrap()
    }

    /// The text of each token after a prompt, and the rest at the end.
    fn pieces(tokenizer: &Tokenizer, prompt: &[u32], new: &[u32]) -> Vec<String> {
        let mut pieces = Pieces::after(Some(tokenizer), prompt);
        let mut out: Vec<_> = new.iter().map(|&id| pieces.push(id).unwrap()).collect();
        out.push(pieces.rest().unwrap());
        out
    }

    const BYTES: &str = r#"{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}"#;
    /// Like Llama's decoder, which removes the leading space of a text.
    const MARKS: &str = r#"{"type": "Sequence", "decoders": [
        {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
        {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}"#;

    #[test]
    fn half_a_character_waits_for_the_other() {
        // The bytes of é and of 😀, and a word.
        let bytes = tokenizer(BYTES, &["Ġhi", "Ã", "©", "ðŁ", "ĺĢ"]);
        assert_eq!(pieces(&bytes, &[0], &[0, 1, 2, 3, 4, 0]), [" hi", "", "é", "", "😀", " hi", ""]);
        assert_eq!(pieces(&bytes, &[0, 1], &[2, 0]), ["é", " hi", ""], "begun in the prompt");
        assert_eq!(pieces(&bytes, &[0], &[0, 3]), [" hi", "", "\u{FFFD}"], "never completed");
    }

    #[test]
    fn the_space_before_a_word_stays_within_a_text() {
        let marks = tokenizer(MARKS, &["▁once", "▁upon", "<0xC3>", "<0xA9>", "s"]);
        assert_eq!(pieces(&marks, &[0], &[1, 4, 0, 2, 3, 1]), [" upon", "s", " once", "", "é", " upon", ""]);
    }

    #[test]
    fn long_texts_are_their_pieces() {
        let marks = tokenizer(MARKS, &["▁once", "▁upon", "<0xC3>", "<0xA9>", "s"]);
        let ids: Vec<u32> = (0..60).map(|i| [0, 4, 2, 3, 1][i % 5]).collect();
        let whole = marks.decode(&ids).unwrap();
        assert_eq!(marks.decode(&ids[..10]).unwrap() + &pieces(&marks, &ids[..10], &ids[10..]).concat(), whole);
    }

    #[test]
    fn ids_without_text_are_written_as_numbers_or_not_at_all() {
        assert_eq!(Pieces::after(None, &[1]).push(7).unwrap(), " #7");
        assert_eq!(pieces(&tokenizer(BYTES, &["Ġhi"]), &[0, 9], &[5, 0]), ["", " hi", ""]);
    }
}
