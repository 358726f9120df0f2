//! What depends on the stack that a site is in.

use super::{Layers, Point, Site, Stack, Stage};

impl Site {
    /// The same place in the encoder's stack of an encoder-decoder model. Of places outside the blocks, the encoder has its
    /// own tokens, embedding and final norm; the others stay what they are.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// assert_eq!(Site::z(0).in_encoder().to_string(), "encoder.0.attn.hook_z");
    /// ```
    pub const fn in_encoder(self) -> Self {
        self.in_stack(Stack::Encoder)
    }

    /// The same place in the decoder's stack of an encoder-decoder model. Of places outside the blocks, the decoder has its
    /// own tokens, embedding and final norm; the others stay what they are.
    ///
    /// ```
    /// use glassbox::hook::Site;
    /// assert_eq!(Site::z(0).in_decoder().to_string(), "decoder.0.attn.hook_z");
    /// assert_eq!(Site::embed().in_decoder().to_string(), "decoder.hook_embed");
    /// ```
    pub const fn in_decoder(self) -> Self {
        self.in_stack(Stack::Decoder)
    }

    pub(crate) const fn in_stack(self, stack: Stack) -> Self {
        let mut there = self;
        there.point = self.point.in_stack(stack);
        there.stack = if there.point.is_once() { Stack::Blocks } else { stack };
        there
    }

    /// The scores that a pattern is made of; any other site as it is.
    pub(crate) fn scores(mut self) -> Self {
        self.point = match self.point {
            Point::Pattern => Point::AttnScores,
            Point::CrossPattern => Point::CrossAttnScores,
            other => other,
        };
        self
    }

    /// Whether it is a place between an encoder and the decoder beside it.
    pub(crate) fn is_after_encoder(self) -> bool {
        self.point.stage() == Stage::AfterEncoder
    }

    /// Whether recording it costs extra in this model. In an encoder of sound the scores and patterns do, because they
    /// relate every frame to every frame.
    pub(crate) fn is_gated_in(self, layers: Layers) -> bool {
        let large = layers.reads_sound() && matches!(self.point, Point::AttnScores | Point::Pattern);
        self.is_gated() || (large && self.stack == Stack::Encoder)
    }
}
