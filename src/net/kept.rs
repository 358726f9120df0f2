//! [`Kept`]: what a forward pass leaves for the tokens that come after.

use crate::{Result, config::Config, text::Tokens};
use candle_core::Tensor;
use std::{ops::Range, sync::Arc};

/// Keys and values of one layer, `[batch, pos, kv_head, d_head]` each.
pub(crate) type KeysValues = (Tensor, Tensor);

/// What the encoder gave, `[batch, pos, d_model]`, and which of its positions are no padding.
pub(crate) type Encoded = (Tensor, Option<Arc<[Range<usize>]>>);

/// The keys and values of tokens that were read before, so that they need not be read again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept {
    /// How many tokens.
    pub(crate) len: usize,
    /// How many each text of the run had, which decides how its keys are turned in models with two sets of angles.
    pub(super) turned_for: Vec<usize>,
    /// By layer.
    own: Vec<KeysValues>,
    /// By layer: those that a decoder makes of what the encoder gave.
    across: Vec<KeysValues>,
    pub(crate) encoded: Option<Encoded>,
}

impl Kept {
    /// For checking what goes on after so many tokens, before it can run.
    pub(crate) fn imagined(len: usize) -> Self {
        Self { len, ..Self::default() }
    }

    /// Whether the keys of each text are turned as those of a text that has become so long, where the angles are others
    /// in texts of more than `after` tokens. There may be a length for each text or for all, and texts may be repeated.
    pub(crate) fn fits(&self, after: usize, lengths: &[usize]) -> bool {
        let rows = self.turned_for.len().max(lengths.len());
        let is_long = |lengths: &[usize], row: usize| lengths.get(row % lengths.len().max(1)).map(|&len| len > after);
        self.len == 0 || (0..rows).all(|row| is_long(&self.turned_for, row) == is_long(lengths, row))
    }

    /// The same for texts that have become so long, or, where keys are to be turned anew, nothing: then all is read
    /// again, as Hugging Face transformers does.
    pub(crate) fn for_texts(self, config: &Config, tokens: &Tokens) -> Self {
        match config.long_after() {
            Some(after) if !self.fits(after, &tokens.lengths()) => Self::default(),
            _ => self,
        }
    }

    /// Keys and values of new tokens behind those of the same layer from before.
    pub(super) fn grow(&mut self, layer: usize, k: Tensor, v: Tensor) -> Result<KeysValues> {
        let both = match self.own.get(layer) {
            Some((past_k, past_v)) => (Tensor::cat(&[past_k, &k], 1)?, Tensor::cat(&[past_v, &v], 1)?),
            None => (k, v),
        };
        put(&mut self.own, layer, both.clone());
        Ok(both)
    }

    pub(crate) fn across(&self, layer: usize) -> Option<&KeysValues> {
        self.across.get(layer)
    }

    pub(super) fn keep_across(&mut self, layer: usize, both: KeysValues) {
        put(&mut self.across, layer, both);
    }

    /// Those of one layer's first `len` tokens, for `copies` of all texts: all that running this layer alone needs.
    pub(crate) fn of_layer(&self, layer: usize, len: usize, copies: usize) -> Result<Self> {
        let some = |x: &Tensor| x.narrow(1, 0, len)?.repeat((copies, 1, 1, 1));
        match self.own.get(layer).filter(|_| len > 0) {
            Some((k, v)) => self.with_layer(layer, (some(k)?, some(v)?)),
            None => Ok(Self { turned_for: self.turned_for.clone(), ..Self::default() }),
        }
    }

    /// Other keys and values for one layer, the only one that is then to be run.
    pub(crate) fn with_layer(&self, layer: usize, both: KeysValues) -> Result<Self> {
        let len = both.0.dim(1)?;
        Ok(Self { len, turned_for: self.turned_for.clone(), own: vec![both; layer + 1], ..Self::default() })
    }

    /// With keys and values that were made of what the encoder gave, for one layer, the only one that is then to be run.
    pub(crate) fn with_across(self, layer: usize, both: KeysValues) -> Self {
        Self { across: vec![both; layer + 1], ..self }
    }

    /// Whether there is anything to go on from.
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0 && self.across.is_empty()
    }

    /// Those of the first `len` tokens.
    pub(crate) fn first(mut self, len: usize) -> Result<Self> {
        let first = |x: &Tensor| x.narrow(1, 0, len)?.contiguous();
        self.own = match len {
            0 => Vec::new(),
            _ => self.own.iter().map(|(k, v)| Ok((first(k)?, first(v)?))).collect::<Result<_>>()?,
        };
        Ok(Self { len, ..self })
    }
}

/// Layers come in their order.
fn put(layers: &mut Vec<KeysValues>, layer: usize, both: KeysValues) {
    match layers.get_mut(layer) {
        Some(have) => *have = both,
        None => layers.push(both),
    }
}
