//! [`Input`]: what a model reads in one pass. An encoder-decoder reads two things, every other model one.
//!
//! Below [`Model`](crate::Model) everything is given an [`Input`], so that another kind of source has one place to be added: here.

use super::Tokens;
use crate::site::Stack;
use std::ops::Range;

/// What a model reads in one pass: its tokens; in an encoder-decoder the encoder's source and the decoder's tokens.
///
/// # Examples
/// ```
/// use glassbox::{prelude::*, model::ToInput};
/// let model = Model::open("induction-2l")?;
/// let input = "red fox blue".to_input(&model)?;
/// assert_eq!(input.tokens().strings(0).len(), 4); // the words, and a <bos>
/// assert!(input.source().is_none());
/// # Ok::<(), glassbox::Error>(())
/// ```
#[doc(alias("encoder_input", "decoder_input"))]
#[derive(Clone, Debug)]
pub struct Input {
    /// What the only stack or the decoder reads.
    tokens: Tokens,
    /// What the encoder beside a decoder reads.
    source: Option<Tokens>,
}

impl Input {
    pub(crate) fn new(tokens: Tokens, source: Option<Tokens>) -> Self {
        Self { tokens, source }
    }

    /// What the only stack reads, or the decoder of an encoder-decoder.
    pub fn tokens(&self) -> Tokens {
        self.tokens.clone()
    }

    /// What the encoder of an encoder-decoder reads; `None` in a model of one stack.
    pub fn source(&self) -> Option<Tokens> {
        self.source.clone()
    }

    /// How many texts there are.
    pub(crate) fn batch(&self) -> usize {
        self.tokens.batch()
    }

    /// What one stack reads.
    pub(crate) fn of(&self, stack: Stack) -> &Tokens {
        self.source.as_ref().filter(|_| stack == Stack::Encoder).unwrap_or(&self.tokens)
    }

    /// With other tokens for the only stack or the decoder.
    pub(crate) fn with_tokens(self, tokens: Tokens) -> Self {
        Self { tokens, ..self }
    }

    /// What is read in both, side by side: the source where there is one, then the tokens.
    pub(crate) fn beside<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = (&'a Tokens, &'a Tokens)> {
        let sources = self.source.as_ref().zip(other.source.as_ref());
        sources.into_iter().chain([(&self.tokens, &other.tokens)])
    }

    /// Both, each changed in the same way.
    pub(crate) fn map(&self, change: impl Fn(&Tokens) -> Tokens) -> Self {
        Self { tokens: change(&self.tokens), source: self.source.as_ref().map(change) }
    }

    /// Of some of the texts.
    pub(crate) fn texts(&self, texts: &Range<usize>) -> Self {
        self.map(|tokens| tokens.texts(texts.clone()))
    }
}
