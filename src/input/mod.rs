//! [`Input`]: what a model reads in one pass. An encoder-decoder reads two things, every other model one.
//!
//! Below [`Model`](crate::Model) everything is given an [`Input`].
//!
//! To add another kind of source, touch `Source` here and `net::parts::Front`.

mod frames;

use crate::{Result, site::Stack, text::Tokens};
use candle_core::Tensor;
pub use frames::Frames;
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
    source: Option<Source>,
}

/// What the encoder of an encoder-decoder reads.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    Tokens(Tokens),
    Frames(Frames),
}

impl Source {
    /// The positions of the encoder: its tokens, or its frames of sound, each named by its time.
    fn positions(&self) -> &Tokens {
        match self {
            Self::Tokens(tokens) => tokens,
            Self::Frames(frames) => frames.places(),
        }
    }

    fn texts(&self, texts: Range<usize>) -> Self {
        match self {
            Self::Tokens(tokens) => Self::Tokens(tokens.texts(texts)),
            Self::Frames(frames) => Self::Frames(frames.texts(texts)),
        }
    }
}

impl Input {
    /// What one stack reads.
    pub(crate) fn new(tokens: Tokens) -> Self {
        Self { tokens, source: None }
    }

    /// The same beside an encoder that reads this.
    pub(crate) fn beside_source(self, source: Source) -> Self {
        Self { source: Some(source), ..self }
    }

    /// What the only stack reads, or the decoder of an encoder-decoder.
    pub fn tokens(&self) -> Tokens {
        self.tokens.clone()
    }

    /// The positions that the encoder of an encoder-decoder reads: tokens, or frames of sound, each named by its time.
    /// `None` in a model of one stack.
    pub fn source(&self) -> Option<Tokens> {
        self.source.as_ref().map(|source| source.positions().clone())
    }

    /// The sound that the encoder of a speech model reads.
    pub fn frames(&self) -> Option<Frames> {
        match &self.source {
            Some(Source::Frames(frames)) => Some(frames.clone()),
            _ => None,
        }
    }

    /// How many texts there are.
    pub(crate) fn batch(&self) -> usize {
        self.tokens.batch()
    }

    /// The positions that one stack reads.
    pub(crate) fn of(&self, stack: Stack) -> &Tokens {
        match &self.source {
            Some(source) if stack == Stack::Encoder => source.positions(),
            _ => &self.tokens,
        }
    }

    /// What the front of one stack is given.
    ///
    /// # Shapes
    /// Ids: `[batch, pos]`; sound: `[batch, mel, mel_frame]`.
    pub(crate) fn read_by(&self, stack: Stack) -> Result<Tensor> {
        match &self.source {
            Some(Source::Frames(frames)) if stack == Stack::Encoder => Ok(frames.mel()),
            _ => self.of(stack).to_tensor(),
        }
    }

    /// With other tokens for the only stack or the decoder.
    pub(crate) fn with_tokens(self, tokens: Tokens) -> Self {
        Self { tokens, ..self }
    }

    /// The positions of both, side by side: those of the source if there is one, then the tokens.
    pub(crate) fn beside<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = (&'a Tokens, &'a Tokens)> {
        let sources = self.source.as_ref().zip(other.source.as_ref());
        let sources = sources.map(|(own, other)| (own.positions(), other.positions()));
        sources.into_iter().chain([(&self.tokens, &other.tokens)])
    }

    /// Some of the texts.
    pub(crate) fn texts(&self, texts: &Range<usize>) -> Self {
        let source = self.source.as_ref().map(|source| source.texts(texts.clone()));
        Self { tokens: self.tokens.texts(texts.clone()), source }
    }

    /// All texts repeated, one round after the other.
    pub(crate) fn repeated(&self, rounds: usize) -> Result<Self> {
        let source = match &self.source {
            Some(Source::Tokens(tokens)) => Some(Source::Tokens(tokens.repeated(rounds))),
            Some(Source::Frames(frames)) => Some(Source::Frames(frames.repeated(rounds)?)),
            None => None,
        };
        Ok(Self { tokens: self.tokens.repeated(rounds), source })
    }

    /// The source as it was given.
    pub(crate) fn given_source(&self) -> Option<&Source> {
        self.source.as_ref()
    }
}
