//! How much a forward pass reads.

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
