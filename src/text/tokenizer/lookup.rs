//! What a vocabulary has.

use super::Tokenizer;

impl Tokenizer {
    /// Whether the vocabulary has words that begin with a space: as pieces of a space and a letter.
    pub(crate) fn begins_words_with_a_space(&self) -> bool {
        self.0.spaced
    }

    /// Whether this is how the vocabulary spells a piece that prints otherwise, such as `ĠMary`.
    pub(crate) fn spells(&self, piece: &str) -> bool {
        !piece.starts_with(' ') && self.find_id(piece).is_some_and(|id| self.token_text(id).starts_with(' '))
    }

    /// The token that prints as this text, if there is one.
    pub(crate) fn find_text(&self, text: &str) -> Option<u32> {
        self.0.pieces.spellings(text).iter().find_map(|piece| self.find_id(piece))
    }

    /// How a token prints, if there is one.
    pub(crate) fn find_id_text(&self, id: u32) -> Option<String> {
        self.has_id(id).then(|| self.token_text(id))
    }

    pub(crate) fn has_id(&self, id: u32) -> bool {
        self.0.tokenizer.id_to_token(id).is_some()
    }

    /// The id of a piece exactly as the vocabulary has it.
    pub(crate) fn find_id(&self, piece: &str) -> Option<u32> {
        self.0.tokenizer.token_to_id(piece)
    }
}
