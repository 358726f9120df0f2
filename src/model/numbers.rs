//! What is done when the numbers of a pass stop being numbers.

use super::Model;
use crate::{Result, order::not_a_logit, text::Tokens};

impl Model {
    /// As [`ActivationCache::check_numbers`](crate::cache::ActivationCache::check_numbers), after a pass over these tokens
    /// that recorded nothing: where it fails, they are read again with everything recorded.
    pub(crate) fn check_numbers(&self, tokens: &Tokens, what: impl FnOnce() -> String, logits: &[f32]) -> Result<()> {
        match not_a_logit(logits) {
            None => Ok(()),
            Some(_) => self.run(tokens)?.cache().check_numbers(what, logits),
        }
    }
}
