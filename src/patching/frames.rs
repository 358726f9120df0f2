//! Frames for single layers that a sweep runs on several copies of the corrupt texts.

use super::Patching;
use crate::{
    Result,
    hook::Stack,
    net::{Frame, Kept, transformer::StackParts},
    text::Tokens,
};
use candle_core::Tensor;
use std::{ops::Range, sync::Arc};

/// What cross attention reads.
#[derive(Clone, Copy, Debug)]
pub(super) enum LookedAt<'a> {
    /// Nothing: there is no cross attention.
    Nothing,
    /// The corrupt run's encoder output, as keys and values.
    Before,
    /// These keys and values.
    KeysValues(&'a (Tensor, Tensor)),
    /// This encoder output, `[cell * batch, pos, d_model]`.
    Encoded(&'a Tensor),
}

impl Patching {
    /// A frame for the positions from `start` on, after the corrupt run's keys and values of earlier positions.
    pub(super) fn frame(
        &self,
        stack: &StackParts,
        layer: usize,
        copies: usize,
        start: usize,
        looked_at: LookedAt,
    ) -> Result<Frame> {
        let kept = match stack.stack {
            Stack::Encoder => Kept::default(),
            _ => self.baseline.corrupt.kept.of_layer(layer, start, copies)?,
        };
        let len = self.corrupt_input().of(stack.stack).len();
        self.frame_after(stack, layer, copies, start..len, kept, looked_at)
    }

    pub(super) fn frame_after(
        &self,
        stack: &StackParts,
        layer: usize,
        copies: usize,
        positions: Range<usize>,
        kept: Kept,
        looked_at: LookedAt,
    ) -> Result<Frame> {
        let (input, config) = (self.corrupt_input(), self.experiment.model.config());
        let tokens = input.of(stack.stack);
        let real = |tokens: &Tokens| {
            let rows = (0..copies * tokens.batch()).map(|row| tokens.real(row % tokens.batch()));
            tokens.is_padded().then(|| rows.collect::<Arc<[Range<usize>]>>())
        };
        let before = &self.baseline.corrupt.kept;
        let kept = match looked_at {
            LookedAt::Before => match before.across(layer) {
                Some((k, v)) => kept.with_across(layer, (k.repeat((copies, 1, 1, 1))?, v.repeat((copies, 1, 1, 1))?)),
                None => kept,
            },
            LookedAt::KeysValues(both) => kept.with_across(layer, both.clone()),
            LookedAt::Nothing | LookedAt::Encoded(_) => kept,
        };
        let frame = Frame::going_on(&config, stack, copies * tokens.batch(), positions, real(tokens), kept)?;
        let source = real(input.of(Stack::Encoder));
        Ok(match (looked_at, &before.encoded) {
            (LookedAt::Encoded(encoded), _) => frame.looking_at((encoded.clone(), source)),
            // Of what is there as keys and values, only the padding matters.
            (LookedAt::Before | LookedAt::KeysValues(_), Some((encoded, _))) => {
                frame.looking_at((encoded.clone(), source))
            }
            _ => frame,
        })
    }
}
