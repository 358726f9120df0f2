//! [`Kept`]: the key-value cache that a forward pass leaves for later tokens.

use crate::{Result, config::Config, text::Tokens};
use candle_core::Tensor;
use std::{ops::Range, sync::Arc};

/// Keys and values of one layer, `[batch, pos, kv_head, d_head]` each.
pub(crate) type KeysValues = (Tensor, Tensor);

/// The encoder's output, `[batch, pos, d_model]`, and which of its positions are not padding.
pub(crate) type Encoded = (Tensor, Option<Arc<[Range<usize>]>>);

/// The cached keys and values of tokens that have been read, so that they need not be read again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept {
    /// The number of tokens.
    pub(crate) len: usize,
    /// The length of each text in that run. It decides how keys are rotated in models with two sets of angles.
    pub(super) turned_for: Vec<usize>,
    /// By layer.
    own: Vec<KeysValues>,
    /// By layer: the keys and values of cross attention.
    across: Vec<KeysValues>,
    pub(crate) encoded: Option<Encoded>,
}

impl Kept {
    /// A cache without values, to check a later step before it can run.
    pub(crate) fn imagined(len: usize) -> Self {
        Self { len, ..Self::default() }
    }

    /// Whether the cached keys are rotated as in texts of these lengths, in a model whose angles change after `after`
    /// tokens. There may be one length for all texts or one for each, and texts may be repeated.
    pub(crate) fn fits(&self, after: usize, lengths: &[usize]) -> bool {
        let rows = self.turned_for.len().max(lengths.len());
        let is_long = |lengths: &[usize], row: usize| lengths.get(row % lengths.len().max(1)).map(|&len| len > after);
        self.len == 0 || (0..rows).all(|row| is_long(&self.turned_for, row) == is_long(lengths, row))
    }

    /// Returns the cache for texts of these lengths, or an empty one if the keys must be rotated anew. Everything is
    /// then read again, as in Hugging Face transformers.
    pub(crate) fn for_texts(self, config: &Config, tokens: &Tokens) -> Self {
        match config.long_after() {
            Some(after) if !self.fits(after, &tokens.lengths()) => Self::default(),
            _ => self,
        }
    }

    /// Appends the keys and values of new tokens to those of the same layer.
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

    /// The cache of one layer's first `len` tokens, for `copies` of all texts: enough to run this layer alone.
    pub(crate) fn of_layer(&self, layer: usize, len: usize, copies: usize) -> Result<Self> {
        let some = |x: &Tensor| x.narrow(1, 0, len)?.repeat((copies, 1, 1, 1));
        match self.own.get(layer).filter(|_| len > 0) {
            Some((k, v)) => self.with_layer(layer, (some(k)?, some(v)?)),
            None => Ok(Self { turned_for: self.turned_for.clone(), ..Self::default() }),
        }
    }

    /// Replaces the keys and values of one layer, the only one that will run.
    pub(crate) fn with_layer(&self, layer: usize, both: KeysValues) -> Result<Self> {
        let len = both.0.dim(1)?;
        Ok(Self { len, turned_for: self.turned_for.clone(), own: vec![both; layer + 1], ..Self::default() })
    }

    /// Replaces the cross-attention keys and values of one layer, the only one that will run.
    pub(crate) fn with_across(self, layer: usize, both: KeysValues) -> Self {
        Self { across: vec![both; layer + 1], ..self }
    }

    /// Whether nothing is cached.
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0 && self.across.is_empty()
    }

    /// The cache of the first `len` tokens.
    pub(crate) fn first(mut self, len: usize) -> Result<Self> {
        let first = |x: &Tensor| x.narrow(1, 0, len)?.contiguous();
        self.own = match len {
            0 => Vec::new(),
            _ => self.own.iter().map(|(k, v)| Ok((first(k)?, first(v)?))).collect::<Result<_>>()?,
        };
        Ok(Self { len, ..self })
    }
}

/// Sets the keys and values of a layer. Layers are set in order.
fn put(layers: &mut Vec<KeysValues>, layer: usize, both: KeysValues) {
    match layers.get_mut(layer) {
        Some(have) => *have = both,
        None => layers.push(both),
    }
}
