//! Looks up tokens in a vocabulary.

use super::Tokenizer;

impl Tokenizer {
    /// Whether the vocabulary has words that begin with a space.
    pub(crate) fn begins_words_with_a_space(&self) -> bool {
        self.0.spaced
    }

    /// Whether this is the vocabulary's spelling of a piece that prints differently, such as `ĠMary`.
    pub(crate) fn spells(&self, piece: &str) -> bool {
        !piece.starts_with(' ') && self.find_id(piece).is_some_and(|id| self.token_text(id).starts_with(' '))
    }

    /// Returns the token that prints as this text.
    pub(crate) fn find_text(&self, text: &str) -> Option<u32> {
        self.0.pieces.spellings(text).iter().find_map(|piece| self.find_id(piece))
    }

    /// Returns the printed form of a token.
    pub(crate) fn find_id_text(&self, id: u32) -> Option<String> {
        self.has_id(id).then(|| self.token_text(id))
    }

    pub(crate) fn has_id(&self, id: u32) -> bool {
        self.0.tokenizer.id_to_token(id).is_some()
    }

    /// Returns the id of a piece, spelled exactly as in the vocabulary.
    pub(crate) fn find_id(&self, piece: &str) -> Option<u32> {
        self.0.tokenizer.token_to_id(piece)
    }
}
