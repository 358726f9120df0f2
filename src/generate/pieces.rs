//! Token by token to text.

use crate::{Result, model::Model};

/// Turns the tokens of one text into pieces that are whole characters, each as it reads after what came before.
#[derive(Clone, Debug)]
pub(super) struct Pieces {
    model: Model,
    ids: Vec<u32>,
    /// Where the tokens begin that are decoded once more, because a token's text may hang on its neighbours.
    from: usize,
    /// How many tokens have been handed out as text.
    done: usize,
}

/// More than enough neighbours for any tokenizer to know how a token reads.
const NEIGHBOURS: usize = 8;

impl Pieces {
    /// For what comes after these tokens.
    pub(super) fn after(model: &Model, ids: &[u32]) -> Self {
        let known = |id: &&u32| model.tokenizer().is_some_and(|tokenizer| tokenizer.has_id(**id));
        let known = ids[ids.len().saturating_sub(NEIGHBOURS)..].iter().filter(known).copied().collect::<Vec<_>>();
        Self { model: model.clone(), from: 0, done: known.len(), ids: known }
    }

    /// The text of one more token, with what was held back; empty while a character is incomplete.
    pub(super) fn push(&mut self, id: u32) -> Result<String> {
        let Some(tokenizer) = self.model.tokenizer() else { return Ok(format!(" {}", self.model.token_text(id))) };
        if !tokenizer.has_id(id) {
            return Ok(String::new()); // A row of the unembedding that stands for nothing.
        }
        self.ids.push(id);
        let text = self.new_text()?;
        if text.ends_with(char::REPLACEMENT_CHARACTER) {
            return Ok(String::new());
        }
        (self.from, self.done) = (self.done, self.ids.len());
        Ok(text)
    }

    /// What is held back, when nothing comes after it.
    pub(super) fn rest(&mut self) -> Result<String> {
        if self.done == self.ids.len() {
            return Ok(String::new());
        }
        let text = self.new_text()?;
        (self.from, self.done) = (self.done, self.ids.len());
        Ok(text)
    }

    fn new_text(&self) -> Result<String> {
        let decode = |ids: &[u32]| self.model.tokenizer().map_or(Ok(String::new()), |tokenizer| tokenizer.decode(ids));
        let (before, after) = (decode(&self.ids[self.from..self.done])?, decode(&self.ids[self.from..])?);
        // A character that the prompt left incomplete is written as what it becomes.
        let before = before.trim_end_matches(char::REPLACEMENT_CHARACTER);
        let same = before.chars().zip(after.chars()).take_while(|(before, after)| before == after);
        Ok(after[same.map(|(char, _)| char.len_utf8()).sum()..].to_owned())
    }
}
