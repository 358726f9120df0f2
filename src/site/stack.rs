//! [`Stack`]: the stacks of blocks that a model may have.

/// The stack of blocks that a site is in.
///
/// # Examples
/// ```
/// use glassbox::hook::{Site, Stack};
/// assert_eq!(Site::z(0).stack(), Stack::Blocks);
/// assert_eq!(Site::z(0).in_encoder().stack(), Stack::Encoder);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stack {
    /// The only stack of a decoder-only or encoder-only model: `blocks.3.…`.
    #[default]
    Blocks,
    /// The encoder of an encoder-decoder model: `encoder.3.…`.
    Encoder,
    /// The decoder of an encoder-decoder model: `decoder.3.…`.
    Decoder,
}

impl Stack {
    pub(crate) const ALL: [Self; 3] = [Self::Blocks, Self::Encoder, Self::Decoder];

    pub(crate) const fn prefix(self) -> &'static str {
        match self {
            Self::Blocks => "blocks",
            Self::Encoder => "encoder",
            Self::Decoder => "decoder",
        }
    }
}
