//! [`Sizes`]: the numbers of texts and tokens of a forward pass.

/// The numbers of texts and tokens of a forward pass.
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
