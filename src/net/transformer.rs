//! [`Transformer`]: the forward pass, as it is drawn on a whiteboard.

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

/// The parts of a model, ready to run: one stack or, in an encoder-decoder, two, and what reads the last stream.
#[derive(Clone, Debug)]
pub(crate) struct Transformer {
    /// The stack whose output the decoder looks at, in a model that has both.
    pub(crate) encoder: Option<StackParts>,
    /// The stack whose stream is read out: the only one, or the decoder.
    pub(crate) last: StackParts,
    pub(crate) readout: Readout,
}

/// One stack: what it reads, and its blocks.
#[derive(Clone, Debug)]
pub(crate) struct StackParts {
    pub(crate) stack: Stack,
    /// From tokens or sound to the residual stream.
    pub(crate) front: Front,
    pub(crate) blocks: Vec<Block>,
    /// Added to the scores of every block; a [`Frame`] is made with it.
    pub(crate) relative: Option<RelativeBias>,
    /// On the last stream of a stack that another one looks at; that of the last stack is part of the readout.
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

    /// The residual stream after one block; as it was, where there is no such layer. Every block runs through here, so
    /// that the stack's relative bias has passed its hook before the first.
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

    /// Keys and values of a layer's attention alone; `None` where there is no such layer.
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

    /// The residual stream after some of the layers.
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

    /// What the next stack looks at, made of the last stream.
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
    /// Of one stack.
    pub(crate) fn new(front: Embed, blocks: Vec<Block>, readout: Readout) -> Self {
        let last = StackParts { stack: Stack::Blocks, front: Front::Tokens(front), blocks, relative: None, norm: None };
        Self { encoder: None, last, readout }
    }

    /// The stacks, in the order a forward pass goes through them.
    pub(crate) fn stacks(&self) -> impl Iterator<Item = &StackParts> {
        self.encoder.iter().chain([&self.last])
    }

    /// The same, to be changed.
    pub(crate) fn stacks_mut(&mut self) -> impl Iterator<Item = &mut StackParts> {
        self.encoder.iter_mut().chain([&mut self.last])
    }

    /// One stack; the last where there is none of this name.
    pub(crate) fn stack(&self, stack: Stack) -> &StackParts {
        self.encoder.as_ref().filter(|encoder| encoder.stack == stack).unwrap_or(&self.last)
    }

    /// The logits of a residual stream, with no hook called.
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
