//! The attention mask: which keys a query may attend to.

use super::slice::contiguous;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use std::{ops::Range, sync::Arc};

/// Which keys a query may attend to. The last query is at the position of the last key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mask {
    /// Whether keys after the query are hidden.
    pub(crate) causal: bool,
    /// The number of keys up to and including the query's own, if the attention has a sliding window.
    pub(crate) window: Option<usize>,
    /// The keys of each text that are not padding; the others are hidden.
    pub(crate) real: Option<Arc<[Range<usize>]>>,
}

impl Mask {
    fn seen(&self, batch: usize, query: usize, queries: usize, keys: usize) -> Range<usize> {
        let at = (keys + query).saturating_sub(queries);
        let real = self.real.as_ref().and_then(|real| real.get(batch).cloned()).unwrap_or(0..keys);
        let first = self.window.map_or(0, |window| (at + 1).saturating_sub(window));
        let end = if self.causal { at + 1 } else { keys };
        let (start, end) = (real.start.max(first), real.end.min(end).min(keys));
        start.min(end)..end
    }

    /// Sets the hidden scores of one head, `[query, key]`, to -inf.
    pub(super) fn hide(&self, scores: &mut [f32], batch: usize, queries: usize, keys: usize) {
        if !self.causal && self.window.is_none() && self.real.is_none() {
            return;
        }
        for (query, row) in scores.chunks_mut(keys.max(1)).enumerate() {
            let seen = self.seen(batch, query, queries, keys);
            row[..seen.start].fill(f32::NEG_INFINITY);
            row[seen.end..].fill(f32::NEG_INFINITY);
        }
    }
}

/// Returns the scores with -inf where the mask hides the key.
///
/// # Shapes
/// `[batch, head, query, key]` in and out.
pub(crate) fn masked(scores: &Tensor, mask: &Mask) -> Result<Tensor> {
    scores.contiguous()?.apply_op1(mask.clone())
}

impl CustomOp1 for Mask {
    fn name(&self) -> &'static str {
        "attention mask"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (_, heads, queries, keys) = layout.shape().dims4()?;
        let mut out = contiguous(storage, layout)?.to_vec();
        for (index, scores) in out.chunks_mut((queries * keys).max(1)).enumerate() {
            self.hide(scores, index / heads, queries, keys);
        }
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        // Softmax gave hidden entries no weight, so their gradient is already 0.
        Ok(Some(grad.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(mask: &Mask, queries: usize, keys: usize) -> Vec<Range<usize>> {
        (0..queries).map(|query| mask.seen(0, query, queries, keys)).collect()
    }

    #[test]
    fn a_causal_query_sees_itself_and_what_came_before() {
        let mask = Mask { causal: true, ..Mask::default() };
        assert_eq!(seen(&mask, 3, 3), [0..1, 0..2, 0..3]);
        assert_eq!(seen(&mask, 2, 5), [0..4, 0..5]); // three keys are from before
    }

    #[test]
    fn a_window_of_two_holds_the_query_and_one_key_more() {
        let mask = Mask { causal: true, window: Some(2), real: None };
        assert_eq!(seen(&mask, 4, 4), [0..1, 0..2, 1..3, 2..4]);
    }

    #[test]
    fn padding_is_seen_by_nobody() {
        let real = std::iter::once(1..3).collect();
        let mask = Mask { causal: true, window: None, real: Some(real) };
        let seen = seen(&mask, 4, 4);
        assert!(seen[0].is_empty());
        assert_eq!(seen[1..], [1..2, 1..3, 1..3]);
        let both_ways = Mask { causal: false, ..mask };
        assert_eq!(both_ways.seen(0, 0, 4, 4), 1..3);
    }
}
