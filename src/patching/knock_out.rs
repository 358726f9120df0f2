//! Attention knock-out: what the model loses when some positions may not look at others.

use super::{PatchSweep, Patching, sweeps::check_width};
use crate::{
    Result,
    hook::{ToIndex, block_attention},
};

impl Patching {
    /// Forbids the positions `queries` to look at `keys`, in `width` layers around each: `[layer]` (Geva et al. 2023).
    /// Use it with [`Patching::intact`]; the drawing is a line along the layers.
    ///
    /// # Errors
    /// When a position is outside the prompts, or there are none, or no layers.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{patching::{Metric, Patching}, prelude::*};
    /// let model = Model::open("induction-2l")?;
    /// let prompt = "red fox blue owl red fox blue";
    /// let patching = Patching::intact(&model, prompt, Metric::log_probability(&model, "owl", 1)?)?;
    /// let owl = patching.corrupt().find(0, "owl")?;
    /// let change = patching.knock_out([-1], owl, 1)?.mean(); // in nats
    /// assert!(change[[1]] < -2.0 && change[[0]].abs() < 0.5, "the second layer looks there: {change}");
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn knock_out(
        &self,
        queries: impl IntoIterator<Item = impl ToIndex>,
        keys: impl IntoIterator<Item = impl ToIndex>,
        width: usize,
    ) -> Result<PatchSweep> {
        check_width(width)?;
        let (queries, keys) = (indices(queries), indices(keys));
        let name = format!("no attention from {queries:?} to {keys:?}, {}", layers(width));
        self.sweep(&name, [self.layer_axis()], |at| {
            let blocked = |layer| block_attention(layer, queries.clone(), keys.clone());
            self.window(at[0], width).map(blocked).collect::<Vec<_>>()
        })
    }

    /// As [`Patching::knock_out`], for one head at a time: `[layer, head]`.
    ///
    /// # Errors
    /// As there.
    pub fn knock_out_heads(
        &self,
        queries: impl IntoIterator<Item = impl ToIndex>,
        keys: impl IntoIterator<Item = impl ToIndex>,
    ) -> Result<PatchSweep> {
        let (queries, keys) = (indices(queries), indices(keys));
        let name = format!("no attention from {queries:?} to {keys:?}, by head");
        self.sweep(&name, [self.layer_axis(), self.head_axis("head")], |at| {
            [block_attention(at[0], queries.clone(), keys.clone()).head(at[1])]
        })
    }

    /// As [`Patching::knock_out`], for one key at a time: `[layer, key]`. What does a position read, where, and in which
    /// layers?
    ///
    /// # Errors
    /// As there.
    pub fn knock_out_keys(&self, queries: impl IntoIterator<Item = impl ToIndex>, width: usize) -> Result<PatchSweep> {
        check_width(width)?;
        let queries = indices(queries);
        let name = format!("no attention from {queries:?} to one key, {}", layers(width));
        self.sweep(&name, [self.layer_axis(), self.position_axis("key")], |at| {
            let blocked = |layer| block_attention(layer, queries.clone(), [at[1]]);
            self.window(at[0], width).map(blocked).collect::<Vec<_>>()
        })
    }
}

fn indices(indices: impl IntoIterator<Item = impl ToIndex>) -> Vec<i64> {
    indices.into_iter().map(ToIndex::to_index).collect()
}

fn layers(width: usize) -> String {
    if width == 1 { "one layer".into() } else { format!("{width} layers around each") }
}
