//! [`Front`]: what makes the first residual stream of a stack from what the stack reads.

use super::{Embed, SoundFront};
use crate::{
    Result,
    config::Config,
    net::{Frame, Here, Tap},
};
use candle_core::Tensor;

/// From what a stack reads to its residual stream.
#[derive(Clone, Debug)]
pub(crate) enum Front {
    Tokens(Embed),
    Sound(SoundFront),
}

impl Front {
    /// # Shapes
    /// `read`: `[batch, pos]`, or `[batch, mel, mel_frame]` of sound; result: `[batch, pos, d_model]`.
    pub(crate) fn forward(
        &self,
        config: &Config,
        read: &Tensor,
        here: Here,
        frame: &mut Frame,
        tap: &mut Tap,
    ) -> Result<Tensor> {
        match self {
            Self::Tokens(embed) => embed.forward(config, read, here, frame, tap),
            Self::Sound(front) => front.forward(read, tap),
        }
    }

    /// The embedding of tokens, if the stack reads tokens.
    pub(crate) fn tokens(&self) -> Option<&Embed> {
        match self {
            Self::Tokens(embed) => Some(embed),
            Self::Sound(_) => None,
        }
    }

    pub(crate) fn tokens_mut(&mut self) -> Option<&mut Embed> {
        match self {
            Self::Tokens(embed) => Some(embed),
            Self::Sound(_) => None,
        }
    }
}
