//! How much a forward pass reads.

use crate::text::Input;

/// How many texts and tokens a forward pass is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sizes {
    pub(crate) batch: usize,
    /// Tokens the encoder reads; as `target` in a model of one stack.
    pub(crate) source: usize,
    /// New tokens the decoder (or the only stack) reads.
    pub(crate) target: usize,
    /// Tokens read before, whose keys and values are kept.
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
