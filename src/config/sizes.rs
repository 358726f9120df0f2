//! [`Sizes`]: the numbers of texts and tokens of a forward pass.

use crate::input::Input;

/// How many texts and tokens a forward pass is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sizes {
    pub(crate) batch: usize,
    /// The tokens that the encoder reads; equal to `target` in a model with one stack.
    pub(crate) source: usize,
    /// The new tokens that the decoder (or the only stack) reads.
    pub(crate) target: usize,
    /// The tokens read earlier, whose keys and values are cached.
    pub(crate) past: usize,
}

impl Input {
    /// What decides the shapes of activations, where the decoder has read all but these last tokens before.
    pub(crate) fn sizes_from(&self, past: usize) -> Sizes {
        let all = self.tokens().len();
        let target = all.saturating_sub(past);
        Sizes { batch: self.batch(), source: self.source().map_or(target, |source| source.len()), target, past }
    }

    /// What decides the shapes of activations.
    pub(crate) fn sizes(&self) -> Sizes {
        self.sizes_from(0)
    }
}
