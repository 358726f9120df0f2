//! Attention knockout: what the model loses if some positions may not attend to others.

use super::{PatchSweep, Patching, sweeps::check_width};
use crate::{
    Result,
    hook::{Intervention, Point, ToIndex, block_at},
};

impl Patching {
    /// Stops the positions `queries` from attending to `keys`, in a window of `width` layers around each layer:
    /// `[layer]` (Geva et al. 2023). Use it with [`Patching::unpatched`]. The picture is a line along the layers.
    ///
    /// # Errors
    /// When a position is outside the prompts, or there are no positions or no layers.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{patching::{Metric, Patching}, prelude::*};
    /// let model = Model::open("induction-2l")?;
    /// let prompt = "red fox blue owl red fox blue";
    /// let patching = Patching::unpatched(&model, prompt, Metric::log_probability(&model, "owl", 1)?)?;
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
        let name = format!("no attention from {} to {}, {}", listed(&queries), listed(&keys), layers(width));
        self.sweep(&self.named(&name), [self.layer_axis()], |at| {
            let blocked = |layer| self.blocked(layer, &queries).keys(keys.clone());
            self.window(at[0], width).map(blocked).collect::<Vec<_>>()
        })
    }

    /// As [`Patching::knock_out`], for one head at a time: `[layer, head]`.
    ///
    /// # Errors
    /// As [`Patching::knock_out`].
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let prompt = "red fox blue owl red fox blue";
    /// let patching = Patching::unpatched(&model, prompt, Metric::log_probability(&model, "owl", 1)?)?;
    /// let map = patching.knock_out_heads([-1], [4])?; // the last token must not attend to "owl"
    /// assert_eq!(map.mean().shape(), [2, 4]); // [layer, head]
    /// assert!(map.mean()[[1, 0]] < -1.0); // the induction head needs it
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn knock_out_heads(
        &self,
        queries: impl IntoIterator<Item = impl ToIndex>,
        keys: impl IntoIterator<Item = impl ToIndex>,
    ) -> Result<PatchSweep> {
        let (queries, keys) = (indices(queries), indices(keys));
        let name = format!("no attention from {} to {}, by head", listed(&queries), listed(&keys));
        self.sweep(&self.named(&name), [self.layer_axis(), self.head_axis("head")], |at| {
            [self.blocked(at[0], &queries).keys(keys.clone()).head(at[1])]
        })
    }

    /// As [`Patching::knock_out`], for one key at a time: `[layer, key]`. It shows which keys the queries need, and in
    /// which layers.
    ///
    /// # Errors
    /// As [`Patching::knock_out`].
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let prompt = "red fox blue owl red fox blue";
    /// let patching = Patching::unpatched(&model, prompt, Metric::log_probability(&model, "owl", 1)?)?;
    /// let map = patching.knock_out_keys([-1], 1)?.mean(); // [layer, key]
    /// assert!((0..8).all(|key| map[[1, 4]] <= map[[1, key]])); // the last token needs "owl" most
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn knock_out_keys(&self, queries: impl IntoIterator<Item = impl ToIndex>, width: usize) -> Result<PatchSweep> {
        check_width(width)?;
        let queries = indices(queries);
        let name = format!("no attention from {} to one key, {}", listed(&queries), layers(width));
        self.sweep(&self.named(&name), [self.layer_axis(), self.positions_of(self.part.keys(), "key")], |at| {
            let blocked = |layer| self.blocked(layer, &queries).key(at[1]);
            self.window(at[0], width).map(blocked).collect::<Vec<_>>()
        })
    }

    /// Stops the positions `queries` from attending to any key, in the attention that the maps are over.
    fn blocked(&self, layer: usize, queries: &[i64]) -> Intervention {
        block_at(self.part.site(layer, Point::AttnScores)).positions(queries.to_vec())
    }
}

fn indices(indices: impl IntoIterator<Item = impl ToIndex>) -> Vec<i64> {
    indices.into_iter().map(ToIndex::to_index).collect()
}

fn layers(width: usize) -> String {
    if width == 1 { "one layer".into() } else { format!("{width} layers around each") }
}

/// Positions, written for a title.
fn listed(positions: &[i64]) -> String {
    match positions {
        [-1] => "the last position".into(),
        [one] => format!("position {one}"),
        several => {
            let numbers: Vec<String> = several.iter().take(6).map(i64::to_string).collect();
            let rest = if several.len() > numbers.len() { ", …" } else { "" };
            format!("positions {}{rest}", numbers.join(", "))
        }
    }
}
