//! [`Part`]: the stack and attention that the named sweeps are over, in a model with two stacks.

use super::Patching;
use crate::{
    Result,
    error::PatchError,
    hook::{Point, Site, Stack},
    model::Config,
};

/// The layers that the named sweeps are over, and which of their attentions is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) stack: Stack,
    /// Whether attention is the decoder's look at the encoder.
    pub(super) across: bool,
}

impl Part {
    /// The only stack, or the decoder.
    pub(super) fn of(config: &Config) -> Self {
        Self { stack: config.last_stack(), across: false }
    }

    pub(super) fn site(self, layer: usize, point: Point) -> Site {
        Site::in_block(self.stack, layer, if self.across { point.across() } else { point })
    }

    /// The stack whose tokens are the keys of its attention.
    pub(super) fn keys(self) -> Stack {
        if self.across { Stack::Encoder } else { self.stack }
    }

    /// For titles: nothing in a model of one stack.
    pub(super) fn words(self) -> &'static str {
        match (self.stack, self.across) {
            (Stack::Blocks, _) => "",
            (Stack::Encoder, _) => ", encoder",
            (Stack::Decoder, false) => ", decoder",
            (Stack::Decoder, true) => ", cross attention",
        }
    }
}

/// Selects the stack of an encoder-decoder that maps are over. By default maps are over the decoder and its
/// self-attention. [`Patching::sweep`] accepts sites of either stack, whatever was selected.
impl Patching {
    /// Returns the same experiment with maps over the encoder: its layers, its heads, and the positions of the source.
    ///
    /// # Errors
    /// When the model has only one stack.
    ///
    /// # Examples
    /// ```no_run
    /// # use glassbox::prelude::*;
    /// let t5 = Model::open("google-t5/t5-small")?;
    /// let (clean, corrupt) = ("translate English to German: The cat", "translate English to German: The dog");
    /// let metric = Metric::logit_diff(&t5, "Katze", "Hund", 1)?;
    /// // A pair is the source and what the decoder reads; of a text alone, the decoder reads its starting token.
    /// let patching = Patching::new(&t5, (clean, "Die"), (corrupt, "Die"), metric)?;
    /// patching.encoder()?.resid_pre()?; // [layer, position of the source]
    /// patching.decoder()?.resid_pre()?; // [layer, position of what the decoder reads]
    /// patching.cross_attention()?.heads(HeadPart::Pattern)?; // where the decoder's heads look in the source
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "in_encoder")]
    pub fn encoder(&self) -> Result<Self> {
        self.over(Part { stack: Stack::Encoder, across: false }, "encoder")
    }

    /// Returns the same experiment with maps over the decoder and its self-attention: its layers, its heads, and the
    /// positions of its text. This is the default.
    ///
    /// # Errors
    /// When the model has only one stack.
    #[doc(alias = "in_decoder")]
    pub fn decoder(&self) -> Result<Self> {
        self.over(Part { stack: Stack::Decoder, across: false }, "decoder")
    }

    /// Returns the same experiment with maps over the decoder and its cross attention. Queries, patterns and outputs
    /// are at positions of the decoder's text, keys and values at positions of the source. Streams and MLPs are the
    /// decoder's; [`Patching::resid_mid`] is the stream after cross attention.
    ///
    /// # Errors
    /// When the model has only one stack, and so no cross attention.
    pub fn cross_attention(&self) -> Result<Self> {
        self.over(Part { stack: Stack::Decoder, across: true }, "cross attention")
    }

    fn over(&self, part: Part, asked: &'static str) -> Result<Self> {
        let config = self.experiment.model.config();
        match config.stacks().contains(&part.stack) {
            true => Ok(Self { part, ..self.clone() }),
            false => Err(PatchError::OneStack { family: config.family.clone(), asked }.into()),
        }
    }
}
