//! [`Input`]: what a model reads in one pass. An encoder-decoder reads two things, every other model one.
//!
//! Below [`Model`] everything is given an [`Input`], so that another kind of source has one place to be added: here.

use super::{ToTokens, Tokens};
use crate::{
    Result,
    error::RunError,
    hook::Stack,
    model::{Model, Sizes},
};
use std::ops::Range;

/// What a model reads in one pass: its tokens; in an encoder-decoder the encoder's source and the decoder's tokens.
///
/// # Examples
/// ```
/// use glassbox::{prelude::*, text::ToInput};
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

    /// With something else for the decoder to read.
    ///
    /// # Errors
    /// When the model has no encoder, the target cannot be read, or there are not as many texts as the encoder reads.
    pub(crate) fn with_target(self, model: &Model, target: impl ToTokens) -> Result<Self> {
        let tokens = model.target_tokens(target)?;
        let both = self.need_source(model)?;
        match both.batch() == tokens.batch() {
            true => Ok(both.with_tokens(tokens)),
            false => Err(RunError::Batches { source: both.batch(), target: tokens.batch() }.into()),
        }
    }

    fn need_source(self, model: &Model) -> Result<Self> {
        match self.source {
            Some(_) => Ok(self),
            None => Err(RunError::NoEncoder { family: model.config().family.clone() }.into()),
        }
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

    /// What decides the shapes of activations, where the decoder has read all but these last tokens before.
    pub(crate) fn sizes_from(&self, past: usize) -> Sizes {
        let all = self.tokens.len();
        let target = all.saturating_sub(past);
        Sizes { batch: self.batch(), source: self.source.as_ref().map_or(target, Tokens::len), target, past }
    }

    /// What decides the shapes of activations.
    pub(crate) fn sizes(&self) -> Sizes {
        self.sizes_from(0)
    }
}

/// Anything that a model can read: what [`ToTokens`] is for, and for an encoder-decoder also a pair, the encoder's source
/// and what the decoder reads, as [`Pass::target`](crate::model::Pass::target) takes it. Without a pair the decoder reads
/// its starting token alone.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is nothing that a model reads: give a text, several texts, token ids (whole numbers), or a pair \
               (source, decoder input)"
)]
pub trait ToInput {
    /// What is read, checked against the model's vocabulary and context length.
    ///
    /// # Errors
    /// When a text is empty or too long, an id is out of range, text is given to a model without tokenizer, or a pair is
    /// given to a model of one stack.
    fn to_input(&self, model: &Model) -> Result<Input>;
}

impl<T: ToTokens + ?Sized> ToInput for T {
    fn to_input(&self, model: &Model) -> Result<Input> {
        model.input_of(self.to_tokens(model)?)
    }
}

impl<S: ToTokens, T: ToTokens> ToInput for (S, T) {
    fn to_input(&self, model: &Model) -> Result<Input> {
        let (source, target) = self;
        model.input_of(source.to_tokens(model)?)?.with_target(model, target)
    }
}

impl ToInput for Input {
    fn to_input(&self, model: &Model) -> Result<Input> {
        let tokens = self.tokens.to_tokens(model)?;
        match &self.source {
            Some(source) => Ok(Self { tokens, ..model.input_of(source.to_tokens(model)?)?.need_source(model)? }),
            None => model.input_of(tokens),
        }
    }
}

impl ToInput for &Input {
    fn to_input(&self, model: &Model) -> Result<Input> {
        (*self).to_input(model)
    }
}
