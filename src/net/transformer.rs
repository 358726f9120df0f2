//! The forward pass, as it is drawn on a whiteboard.

use super::{
    Frame, Here, Tap,
    parts::{Block, Embed, Norm, Readout, RelativeBias},
};
use crate::{
    Result,
    config::Config,
    error::RunError,
    site::{Point, Stack},
    text::Tokens,
};
use candle_core::Tensor;
use std::ops::Range;

/// The parts of a model, ready to run.
#[derive(Clone, Debug)]
pub(crate) struct Transformer {
    pub(crate) embed: Embed,
    /// The stack whose output the decoder looks at, in a model that has both, and its final norm.
    pub(crate) encoder: Option<(Blocks, Norm)>,
    /// The only stack of a model that has one; else the decoder's.
    pub(crate) blocks: Blocks,
    pub(crate) readout: Readout,
}

/// One stack of blocks.
#[derive(Clone, Debug)]
pub(crate) struct Blocks {
    pub(crate) stack: Stack,
    pub(crate) blocks: Vec<Block>,
    /// Added to the scores of every block; a [`Frame`] is made with it.
    pub(crate) relative: Option<RelativeBias>,
}

impl Blocks {
    /// The only stack of a model.
    pub(crate) fn new(blocks: Vec<Block>) -> Self {
        Self { stack: Stack::Blocks, blocks, relative: None }
    }

    /// The residual stream after some of the layers.
    ///
    /// # Shapes
    /// `[batch, pos, d_model]` in and out.
    pub(crate) fn forward(
        &self,
        mut resid: Tensor,
        layers: Range<usize>,
        frame: &mut Frame,
        tap: &mut Tap,
    ) -> Result<Tensor> {
        if self.relative.is_some() {
            frame.change_bias(|bias| tap.at(Here::new(self.stack, 0).site(Point::RelPos), bias))?;
        }
        for (layer, block) in self.blocks.iter().enumerate().take(layers.end).skip(layers.start) {
            resid = block.forward(resid, Here::new(self.stack, layer), frame, tap)?;
        }
        Ok(resid)
    }
}

impl Transformer {
    /// What the encoder of an encoder-decoder makes of its tokens.
    ///
    /// # Shapes
    /// `[batch, pos, d_model]`
    pub(crate) fn encode(&self, config: &Config, source: &Tokens, tap: &mut Tap) -> Result<Option<Tensor>> {
        let Some((blocks, norm)) = &self.encoder else { return Ok(None) };
        let mut frame = Frame::new(config, blocks, source)?;
        let resid = self.embed.forward(config, &source.to_tensor()?, &mut frame, tap)?;
        let resid = blocks.forward(resid, 0..config.n_encoder_layers, &mut frame, tap)?;
        norm.forward(&resid, Here::default(), tap).map(Some)
    }

    /// The residual stream that the first block reads.
    ///
    /// # Shapes
    /// `tokens`: `[batch, pos]`, result: `[batch, pos, d_model]`.
    pub(crate) fn embed(&self, config: &Config, tokens: &Tensor, frame: &mut Frame, tap: &mut Tap) -> Result<Tensor> {
        // The hooks of the embedding are the encoder's, in a model that has both.
        match self.encoder {
            Some(_) => self.embed.of_decoder().forward(config, tokens, frame, &mut Tap::idle()),
            None => self.embed.forward(config, tokens, frame, tap),
        }
    }

    /// The logits of a residual stream, nobody watching.
    ///
    /// # Shapes
    /// `[.., d_model]` to `[.., d_vocab]`.
    ///
    /// # Errors
    /// When the model has no unembedding.
    pub(crate) fn unembedded(&self, config: &Config, resid: &Tensor) -> Result<Tensor> {
        let logits = self.readout.read(config, resid)?;
        logits.ok_or_else(|| RunError::NoUnembed { family: config.family.clone() }.into())
    }
}
