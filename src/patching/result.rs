//! [`PatchSweep`]: the numbers of a map.

use super::{MapAxis, pair::Baselines, statistics};
use crate::{Result, error::PatchError, order};
use ndarray::{ArrayD, ArrayViewD, Axis, Dimension, IxDyn};
pub use statistics::Statistics;

/// What patching each cell did to the metric, for every pair of prompts. Plain data first; shown as a heatmap.
///
/// Made by the methods of [`Patching`](super::Patching).
#[derive(Clone, Debug, PartialEq)]
pub struct PatchSweep {
    /// What was done to each cell, for titles.
    pub(super) deed: String,
    pub(super) name: String,
    pub(super) metric: String,
    pub(super) axes: Vec<MapAxis>,
    /// The map's axes, then the pair of prompts.
    values: ArrayD<f32>,
    clean: Vec<f32>,
    corrupt: Vec<f32>,
    /// By further metrics.
    others: Vec<Self>,
}

impl PatchSweep {
    pub(super) fn new(
        (deed, name): (&str, &str),
        metric: &str,
        axes: Vec<MapAxis>,
        values: Vec<f32>,
        (clean, corrupt): Baselines,
    ) -> Result<Self> {
        let shape: Vec<usize> = axes.iter().map(|axis| axis.len).chain([clean.len()]).collect();
        let values = ArrayD::from_shape_vec(IxDyn(&shape), values);
        let values = values.map_err(|error| candle_core::Error::Msg(error.to_string()))?;
        let (deed, name, metric, others) = (deed.into(), name.into(), metric.into(), Vec::new());
        Ok(Self { deed, name, metric, axes, values, clean, corrupt, others })
    }

    /// With what further metrics said of the same runs.
    pub(super) fn beside(self, others: Vec<Self>) -> Self {
        Self { others, ..self }
    }

    /// What was measured, for axes and legends.
    pub fn metric(&self) -> &str {
        &self.metric
    }

    /// The same map by another metric of the same runs ([`Patching::and`](super::Patching::and)); `None` where none of
    /// that name was measured.
    pub fn by(&self, metric: &str) -> Option<&Self> {
        std::iter::once(self).chain(&self.others).find(|map| map.metric == metric)
    }

    /// What was done to each cell: `Patching clean into corrupt`, `Zero ablation by attribution`, ...
    pub fn deed(&self) -> &str {
        &self.deed
    }

    /// What was patched.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The names of the map's axes: `layer`, `position`, `head`, ...
    pub fn axes(&self) -> Vec<&str> {
        self.axes.iter().map(|axis| axis.name.as_str()).collect()
    }

    /// The metric with each cell patched, for each pair of prompts.
    ///
    /// # Shapes
    /// Those of [`PatchSweep::axes`], then `batch`: `[layer, pos, batch]`.
    pub fn values(&self) -> ArrayViewD<'_, f32> {
        self.values.view()
    }

    /// The metric of each clean prompt.
    ///
    /// # Shapes
    /// `[batch]`
    pub fn clean(&self) -> &[f32] {
        &self.clean
    }

    /// The metric of each corrupt prompt.
    ///
    /// # Shapes
    /// `[batch]`
    pub fn corrupt(&self) -> &[f32] {
        &self.corrupt
    }

    fn pairs(&self) -> Axis {
        Axis(self.axes.len())
    }

    /// The mean over pairs of the metric itself.
    ///
    /// # Shapes
    /// Those of [`PatchSweep::axes`]: `[layer, pos]`.
    pub fn raw(&self) -> ArrayD<f32> {
        self.values.mean_axis(self.pairs()).unwrap_or_else(|| ArrayD::zeros(IxDyn(&[0])))
    }

    /// How much of the clean answer comes back: 0 is the corrupt prompts' mean metric, 1 the clean ones'. Where the two
    /// do not differ, as in every ablation, the values are the change of the metric itself, and [`PatchSweep::normalized`] is an error.
    ///
    /// # Shapes
    /// As [`PatchSweep::raw`].
    pub fn mean(&self) -> ArrayD<f32> {
        self.normalized().unwrap_or_else(|_| self.raw() - statistics::mean(&self.corrupt))
    }

    /// As [`PatchSweep::mean`].
    ///
    /// # Shapes
    /// As [`PatchSweep::raw`].
    ///
    /// # Errors
    /// When the metric does not tell the clean prompts from the corrupt ones; always so in an ablation, where both are
    /// the prompts as they are.
    pub fn normalized(&self) -> Result<ArrayD<f32>> {
        let (clean, corrupt) = (statistics::mean(&self.clean), statistics::mean(&self.corrupt));
        if (clean - corrupt).abs() <= 1e-6 * clean.abs().max(corrupt.abs()) {
            return Err(PatchError::NoDifference { clean, corrupt }.into());
        }
        Ok((self.raw() - corrupt) / (clean - corrupt))
    }

    /// What [`PatchSweep::mean`] is, for legends.
    pub(super) fn scale(&self) -> String {
        match self.normalized() {
            Ok(_) => format!("{} recovered", self.metric),
            Err(_) => format!("change of {}", self.metric),
        }
    }

    /// The cell that brings back most, and how much; where a cell is NaN, the first such.
    pub fn strongest(&self) -> (Vec<usize>, f32) {
        self.top(1).pop().unwrap_or_default()
    }

    /// The `k` cells that change most either way, most first: where, and how much (see [`PatchSweep::mean`]). Cells that
    /// are NaN come before all others.
    pub fn top(&self, k: usize) -> Vec<(Vec<usize>, f32)> {
        let mean = self.mean();
        let mut cells: Vec<_> = mean.indexed_iter().map(|(at, &value)| (at.slice().to_vec(), value)).collect();
        cells.sort_by(|a, b| order::by_size(a.1, b.1));
        cells.truncate(k);
        cells
    }

    /// What the pairs say of one cell: effect on the metric (patched less corrupt), its standard error, a bootstrap
    /// interval and a permutation p-value; `None` outside the map.
    pub fn statistics(&self, cell: &[usize], seed: u64) -> Option<Statistics> {
        if cell.len() != self.axes.len() || cell.iter().zip(&self.axes).any(|(&at, axis)| at >= axis.len) {
            return None;
        }
        let mut values = self.values.view();
        for &at in cell {
            values = values.index_axis_move(Axis(0), at);
        }
        let effects: Vec<f32> = values.iter().zip(&self.corrupt).map(|(value, corrupt)| value - corrupt).collect();
        Some(Statistics::of(&effects, seed))
    }
}
