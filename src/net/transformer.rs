//! [`Transformer`]: the forward pass from stack to stack.

use super::{
    Frame, Here, Tap,
    parts::{Block, Embed, Front, Norm, Readout, RelativeBias},
};
use crate::{
    Result,
    config::Config,
    error::RunError,
    site::{Point, Site, Stack},
};
use candle_core::Tensor;
use std::ops::Range;

/// The parts of a model: one stack or, in an encoder-decoder, two, and the readout of the last stream.
#[derive(Clone, Debug)]
pub(crate) struct Transformer {
    /// The encoder of an encoder-decoder, whose output cross attention reads.
    pub(crate) encoder: Option<StackParts>,
    /// The stack whose stream is read out: the only one, or the decoder.
    pub(crate) last: StackParts,
    pub(crate) readout: Readout,
}

/// One stack: its input and its blocks.
#[derive(Clone, Debug)]
pub(crate) struct StackParts {
    pub(crate) stack: Stack,
    /// From tokens or sound to the residual stream.
    pub(crate) front: Front,
    pub(crate) blocks: Vec<Block>,
    /// The bias that is added to the scores of every block. It is computed when a [`Frame`] is made.
    pub(crate) relative: Option<RelativeBias>,
    /// The final norm of an encoder beside a decoder. That of the last stack belongs to the readout.
    pub(crate) norm: Option<Norm>,
}

impl StackParts {
    /// The residual stream that the first block reads.
    ///
    /// # Shapes
    /// `read`: `[batch, pos]`, or `[batch, mel, mel_frame]` of sound; result: `[batch, pos, d_model]`.
    pub(crate) fn embed(&self, config: &Config, read: &Tensor, frame: &mut Frame, tap: &mut Tap) -> Result<Tensor> {
        self.front.forward(config, read, Here::new(self.stack, 0), frame, tap)
    }

    /// Returns the residual stream after one block, or unchanged if there is no such layer. Every block is run by this
    /// function, so the stack's relative bias passes its hook before the first block.
    ///
    /// # Shapes
    /// `[batch, pos, d_model]` in and out.
    pub(crate) fn run_block(&self, layer: usize, resid: Tensor, frame: &mut Frame, tap: &mut Tap) -> Result<Tensor> {
        frame.hook_bias(|bias| tap.at(Here::new(self.stack, 0).site(Point::RelPos), bias))?;
        match self.blocks.get(layer) {
            Some(block) => block.forward(resid, Here::new(self.stack, layer), frame, tap),
            None => Ok(resid),
        }
    }

    /// Returns the keys and values of a layer's attention only; `None` if there is no such layer.
    pub(crate) fn keys_values(
        &self,
        layer: usize,
        resid: &Tensor,
        frame: &mut Frame,
    ) -> Result<Option<(Tensor, Tensor)>> {
        let here = Here::new(self.stack, layer);
        let of = |block: &Block| block.attention.keys_values(resid, &block.ln1, here, frame);
        self.blocks.get(layer).map(of).transpose()
    }

    /// Returns the residual stream after some of the layers.
    ///
    /// # Shapes
    /// `[batch, pos, d_model]` in and out.
    pub(crate) fn forward(
        &self,
        resid: Tensor,
        mut layers: Range<usize>,
        frame: &mut Frame,
        tap: &mut Tap,
    ) -> Result<Tensor> {
        layers.try_fold(resid, |resid, layer| self.run_block(layer, resid, frame, tap))
    }

    /// Returns the output of the encoder: its last stream after the final norm.
    ///
    /// # Shapes
    /// `[batch, pos, d_model]` in and out.
    pub(crate) fn finish(&self, resid: &Tensor, tap: &mut Tap) -> Result<Tensor> {
        match &self.norm {
            Some(norm) => {
                let out = norm.forward(resid, Here::new(self.stack, 0), tap)?;
                tap.at(Site::once(Point::EncoderFinalLnOut), out)
            }
            None => Ok(resid.clone()),
        }
    }
}

impl Transformer {
    /// A transformer of one stack.
    pub(crate) fn new(front: Embed, blocks: Vec<Block>, readout: Readout) -> Self {
        let last = StackParts { stack: Stack::Blocks, front: Front::Tokens(front), blocks, relative: None, norm: None };
        Self { encoder: None, last, readout }
    }

    /// The stacks, in the order of a forward pass.
    pub(crate) fn stacks(&self) -> impl Iterator<Item = &StackParts> {
        self.encoder.iter().chain([&self.last])
    }

    /// The stacks, to be changed.
    pub(crate) fn stacks_mut(&mut self) -> impl Iterator<Item = &mut StackParts> {
        self.encoder.iter_mut().chain([&mut self.last])
    }

    /// One stack, or the last if there is none of this name.
    pub(crate) fn stack(&self, stack: Stack) -> &StackParts {
        self.encoder.as_ref().filter(|encoder| encoder.stack == stack).unwrap_or(&self.last)
    }

    /// The logits of a residual stream, without hooks.
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
