//! [`Frame`]: the tokens of one stack in one forward pass, with everything that depends on their positions.

use super::{
    Here, Kept,
    kept::{Encoded, KeysValues},
    transformer::StackParts,
};
use crate::{
    Result,
    config::{Config, Position, Rotary},
    error::RunError,
    ops::{Mask, RotaryTable},
    tensor::from_values,
    text::Tokens,
};
use candle_core::Tensor;
use std::{ops::Range, sync::Arc};

/// The tokens of one stack in one forward pass, with everything that depends on their positions.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    batch: usize,
    /// The number of new tokens.
    pos: usize,
    past: usize,
    /// The position of each new token in its text: one row if all texts agree, else a row for each. Tokens without a
    /// position have the number after the last position.
    positions: Vec<u32>,
    /// `[batch * pos]`
    token_types: Vec<u32>,
    /// The keys of each text that are not padding.
    real: Option<Arc<[Range<usize>]>>,
    rotary: Option<RotaryTable>,
    local_rotary: Option<RotaryTable>,
    /// By layer.
    turns: Vec<Turn>,
    /// `[one, head, query, key]`
    bias: Option<Tensor>,
    /// Whether the bias is the stack's own and has not passed its hook yet.
    bias_unhooked: bool,
    /// `[batch, pos, d_model]`
    beside: Option<Tensor>,
    encoded: Option<Encoded>,
    /// The cached keys and values, if they are to be kept or were kept before.
    kept: Option<Kept>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Turn {
    Not,
    Everywhere,
    Locally,
}

impl Frame {
    /// A frame for all of these tokens.
    pub(crate) fn new(config: &Config, stack: &StackParts, tokens: &Tokens) -> Result<Self> {
        Self::from(config, stack, tokens, 0)
    }

    /// A frame for the tokens after the cached ones. New keys and values are appended to the cache.
    pub(crate) fn after(config: &Config, stack: &StackParts, tokens: &Tokens, kept: Kept) -> Result<Self> {
        let frame = Self::from(config, stack, tokens, kept.len)?;
        frame.check_turned(config, &kept)?;
        Ok(Self { encoded: kept.encoded.clone(), kept: Some(kept), ..frame })
    }

    /// A frame for the tokens from index `past` on.
    fn from(config: &Config, stack: &StackParts, tokens: &Tokens, past: usize) -> Result<Self> {
        let batch = tokens.batch();
        let real = tokens.is_padded().then(|| (0..batch).map(|text| tokens.real(text)).collect());
        let types = |text| tokens.row(text).types.iter().skip(past).copied().collect::<Vec<_>>();
        let types = (0..batch).flat_map(types).collect();
        let frame = Self::build(config, stack, batch, past..tokens.len(), real, types)?;
        let Some(unplaced) = config.unplaced_token else { return Ok(frame) };
        let row = |text| counted_past(unplaced, &tokens.row(text).ids, tokens.real(text), config.n_ctx);
        Ok(Self { positions: (0..batch).flat_map(|text| row(text).skip(past)).collect(), ..frame })
    }

    /// A frame for the positions `new` of `batch` texts, whose earlier positions are in `kept`.
    pub(crate) fn going_on(
        config: &Config,
        stack: &StackParts,
        batch: usize,
        new: Range<usize>,
        real: Option<Arc<[Range<usize>]>>,
        kept: Kept,
    ) -> Result<Self> {
        let types = vec![0; batch * new.len()];
        let frame = Self::build(config, stack, batch, new, real, types)?;
        frame.check_turned(config, &kept)?;
        // What has nothing before it keeps nothing.
        let kept = (!kept.is_empty()).then_some(kept);
        Ok(Self { kept, ..frame })
    }

    /// A frame for `batch` unpadded texts of `pos` tokens.
    pub(crate) fn plain(config: &Config, stack: &StackParts, batch: usize, pos: usize) -> Result<Self> {
        Self::build(config, stack, batch, 0..pos, None, vec![0; batch * pos])
    }

    fn build(
        config: &Config,
        stack: &StackParts,
        batch: usize,
        new: Range<usize>,
        real: Option<Arc<[Range<usize>]>>,
        token_types: Vec<u32>,
    ) -> Result<Self> {
        let config = &config.in_stack(stack.stack);
        let everywhere = 0..new.end;
        let rows = real.as_deref().unwrap_or(std::slice::from_ref(&everywhere));
        let stands = |real: &Range<usize>, index| if real.contains(&index) { (index - real.start) as u32 } else { 0 };
        let row = |real| new.clone().map(move |index| stands(real, index));
        let turn = |layer: usize| match (config.turn(layer), &config.local_rotary) {
            (None, _) => Turn::Not,
            (Some(_), Some(_)) if config.window(layer).is_some() => Turn::Locally,
            (Some(_), _) => Turn::Everywhere,
        };
        let mut frame = Self {
            batch,
            pos: new.len(),
            past: new.start,
            positions: rows.iter().flat_map(row).collect(),
            token_types,
            real,
            rotary: None,
            local_rotary: None,
            turns: (0..config.n_layers).map(turn).collect(),
            bias: None,
            bias_unhooked: stack.relative.is_some(),
            beside: None,
            encoded: None,
            kept: None,
        };
        let table = |rotary: &Rotary| {
            let texts = frame.positions.chunks(frame.pos.max(1)).zip(frame.lengths());
            let texts: Vec<_> = texts.map(|(positions, len)| (rotary.frequencies_at(len), positions)).collect();
            RotaryTable::new(&texts, rotary.adjacent, rotary.attention_factor)
        };
        let local_rotary = config.local_rotary.as_ref().map(table);
        let (rotary, bias) = match &config.position {
            Position::Rotary(rotary) => (Some(table(rotary)), None),
            Position::Alibi(slopes) => (None, Some(frame.alibi(slopes)?)),
            _ => (None, stack.relative.as_ref().map(|relative| relative.forward(&frame)).transpose()?),
        };
        frame = Self { rotary, local_rotary, bias, ..frame };
        Ok(frame)
    }

    /// ALiBi's bias: minus the distance, times the head's slope.
    fn alibi(&self, slopes: &[f64]) -> Result<Tensor> {
        let (queries, keys) = self.queries_and_keys();
        let distance = |query: usize, key: usize| (self.past + query) as f64 - key as f64;
        let row = |&slope: &f64| {
            let pairs = (0..queries).flat_map(move |query| (0..keys).map(move |key| (query, key)));
            pairs.map(move |(query, key)| (-slope * distance(query, key)) as f32)
        };
        let values: Vec<f32> = slopes.iter().flat_map(row).collect();
        Ok(from_values(values, (1, slopes.len(), queries, keys))?)
    }

    /// The number of tokens of each text, cached ones included; a single number if all texts have as many.
    fn lengths(&self) -> Vec<usize> {
        self.real.as_ref().map_or_else(|| vec![self.past + self.pos], |real| real.iter().map(Range::len).collect())
    }

    /// Refuses cached keys that were rotated by other angles than those of this run.
    fn check_turned(&self, config: &Config, kept: &Kept) -> Result<()> {
        match config.long_after() {
            Some(after) if !kept.fits(after, &self.lengths()) => {
                Err(RunError::KeptKeys { after, past: kept.len }.into())
            }
            _ => Ok(()),
        }
    }

    /// The numbers of queries and of keys.
    pub(crate) fn queries_and_keys(&self) -> (usize, usize) {
        (self.pos, self.past + self.pos)
    }

    /// `[batch, pos]`
    pub(crate) fn position_ids(&self) -> Result<Tensor> {
        let rows = self.positions.len() / self.pos.max(1);
        let ids = from_values(self.positions.clone(), (rows, self.pos))?;
        Ok(ids.broadcast_as((self.batch, self.pos))?.contiguous()?)
    }

    /// `[batch, pos]`
    pub(crate) fn token_types(&self) -> Result<Tensor> {
        Ok(from_values(self.token_types.clone(), (self.batch, self.pos))?)
    }

    /// The rotary table of a layer, if it has one.
    pub(crate) fn rotary(&self, layer: usize) -> Option<&RotaryTable> {
        match self.turns.get(layer)? {
            Turn::Not => None,
            Turn::Everywhere => self.rotary.as_ref(),
            Turn::Locally => self.local_rotary.as_ref(),
        }
    }

    pub(crate) fn mask(&self, causal: bool, window: Option<usize>, here: Here) -> Mask {
        match (here.is_across(), &self.encoded) {
            (true, Some((_, real))) => Mask { real: real.clone(), ..Mask::default() },
            _ => Mask { causal, window, real: self.real.clone() },
        }
    }

    /// The bias that is added to the scores: ALiBi's, or the relative bias of the stack that the frame was made for.
    pub(crate) fn bias(&self, here: Here) -> Option<&Tensor> {
        self.bias.as_ref().filter(|_| !here.is_across())
    }

    /// Passes the stack's relative bias through its hook, once.
    pub(crate) fn hook_bias(&mut self, hook: impl FnOnce(Tensor) -> Result<Tensor>) -> Result<()> {
        if std::mem::take(&mut self.bias_unhooked) {
            self.bias = self.bias.take().map(hook).transpose()?;
        }
        Ok(())
    }

    /// The position vectors that are added to the inputs of queries and keys (Shortformer), after the embedding has
    /// run.
    pub(crate) fn beside(&self) -> Option<&Tensor> {
        self.beside.as_ref()
    }

    pub(crate) fn set_beside(&mut self, positions: Tensor) {
        self.beside = Some(positions);
    }

    /// Returns the frame with the encoder's output, for cross attention.
    pub(crate) fn with_encoded(self, encoded: Tensor, source: &Tokens) -> Self {
        let real = source.is_padded().then(|| (0..source.batch()).map(|text| source.real(text)).collect());
        self.looking_at((encoded, real))
    }

    /// As [`Frame::with_encoded`], with the rows of several runs.
    pub(crate) fn looking_at(mut self, encoded: Encoded) -> Self {
        self.encoded = Some(encoded);
        self
    }

    pub(crate) fn has_encoded(&self) -> bool {
        self.encoded.is_some()
    }

    pub(crate) fn encoded(&self) -> Result<Tensor> {
        let missing = || candle_core::Error::Msg("a decoder that looks across was run without its encoder".into());
        Ok(self.encoded.as_ref().map(|(encoded, _)| encoded.clone()).ok_or_else(missing)?)
    }

    /// The cache for the tokens that follow these.
    pub(crate) fn into_kept(self) -> Kept {
        let turned_for = self.lengths();
        let mut kept = self.kept.unwrap_or_default();
        (kept.len, kept.turned_for, kept.encoded) = (self.past + self.pos, turned_for, self.encoded);
        kept
    }

    /// Returns the cached keys and values followed by those of this step.
    pub(crate) fn with_past(&mut self, layer: usize, k: Tensor, v: Tensor) -> Result<KeysValues> {
        match &mut self.kept {
            Some(kept) => kept.grow(layer, k, v),
            None => Ok((k, v)),
        }
    }

    /// The cached keys and values of cross attention.
    pub(crate) fn kept_across(&self, layer: usize) -> Option<KeysValues> {
        self.kept.as_ref()?.across(layer).cloned()
    }

    pub(crate) fn keep_across(&mut self, layer: usize, both: &KeysValues) {
        if let Some(kept) = &mut self.kept {
            kept.keep_across(layer, both.clone());
        }
    }
}

/// The position of each token of a text in which tokens with this id have no position. They, and padding, get
/// `nowhere`.
fn counted_past(unplaced: u32, ids: &[u32], real: Range<usize>, nowhere: usize) -> impl Iterator<Item = u32> {
    let mut next = 0;
    ids.iter().enumerate().map(move |(index, &id)| match real.contains(&index) && id != unplaced {
        true => {
            next += 1;
            next - 1
        }
        false => nowhere as u32,
    })
}
