//! [`PatchSweep`]: the numbers of a map.

use super::{MapAxis, baseline::Baselines, statistics};
use crate::{Result, error::PatchError, plot::Top};
use ndarray::{Array2, ArrayD, Axis, Dimension, IxDyn, Zip};
pub use statistics::Statistics;

/// What patching each cell did to the metric, for every pair of prompts. Plain data first; shown as a heatmap.
///
/// Made by the methods of [`Patching`](super::Patching).
#[derive(Clone, PartialEq)]
pub struct PatchSweep {
    /// What was done to each cell, for titles.
    pub(super) deed: String,
    pub(super) name: String,
    pub(super) metric: String,
    pub(super) axes: Vec<MapAxis>,
    /// The map's axes, then the pair of prompts.
    pub(super) values: ArrayD<f32>,
    clean: Vec<f32>,
    corrupt: Vec<f32>,
    /// Where nothing was put in for want of a counterpart, in the shape of the values.
    pub(super) missing: Option<ArrayD<bool>>,
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
        let values = ArrayD::from_shape_vec(IxDyn(&shape), values)?;
        let (deed, name, metric, others) = (deed.into(), name.into(), metric.into(), Vec::new());
        Ok(Self { deed, name, metric, axes, values, clean, corrupt, missing: None, others })
    }

    /// With cells that are missing for some of the pairs; there the metric is the corrupt prompt's to the last bit.
    pub(super) fn lacks(&mut self, missing: &ArrayD<bool>) {
        let (pairs, corrupt) = (self.pairs(), &self.corrupt);
        Zip::from(self.values.lanes_mut(pairs)).and(missing.lanes(pairs)).for_each(|mut values, missing| {
            let own = values.iter_mut().zip(corrupt).zip(missing).filter(|(_, missing)| **missing);
            own.for_each(|((value, corrupt), _)| *value = *corrupt);
        });
        self.missing = Some(missing.clone());
        self.others.iter_mut().for_each(|other| other.lacks(missing));
    }

    /// With what further metrics said of the same runs.
    pub(super) fn beside(self, others: Vec<Self>) -> Self {
        Self { others, ..self }
    }

    /// With these places of one axis, some of them more than once, by every metric.
    pub(super) fn repeated(&self, dim: usize, places: &[usize]) -> Self {
        let mut map = self.clone();
        map.axes[dim] = self.axes[dim].picked(places);
        map.values = self.values.select(Axis(dim), places);
        map.missing = self.missing.as_ref().map(|missing| missing.select(Axis(dim), places));
        map.others = self.others.iter().map(|other| other.repeated(dim, places)).collect();
        map
    }

    /// What was measured, for axes and legends.
    pub fn metric(&self) -> String {
        self.metric.clone()
    }

    /// The same map by another metric of the same runs ([`Patching::also`](super::Patching::also)); `None` where none of
    /// that name was measured.
    pub fn for_metric(&self, metric: &str) -> Option<Self> {
        std::iter::once(self).chain(&self.others).find(|map| map.metric == metric).cloned()
    }

    /// What was done to each cell: `Patching clean into corrupt`, `Zero ablation by attribution`, ...
    pub fn operation(&self) -> String {
        self.deed.clone()
    }

    /// What was patched.
    pub fn name(&self) -> String {
        self.name.clone()
    }

    /// The names of the map's axes: `layer`, `position`, `head`, ...
    pub fn axes(&self) -> Vec<String> {
        self.axes.iter().map(|axis| axis.name.clone()).collect()
    }

    /// The metric with each cell patched, for each pair of prompts. What the picture shows, the share that is recovered
    /// or the change as a mean over the pairs, is [`PatchSweep::mean`], and [`PatchSweep::matrix`] of a map with two axes.
    ///
    /// # Shapes
    /// Those of [`PatchSweep::axes`], then `batch`: `[layer, pos, batch]`.
    pub fn values(&self) -> ArrayD<f32> {
        self.values.clone()
    }

    /// The metric of each clean prompt.
    ///
    /// # Shapes
    /// `[batch]`
    pub fn clean(&self) -> Vec<f32> {
        self.clean.clone()
    }

    /// The metric of each corrupt prompt.
    ///
    /// # Shapes
    /// `[batch]`
    pub fn corrupt(&self) -> Vec<f32> {
        self.corrupt.clone()
    }

    fn pairs(&self) -> Axis {
        Axis(self.axes.len())
    }

    /// The mean over pairs of the metric itself; where prompts are aligned by a rule, over those that have the cell.
    ///
    /// # Shapes
    /// Those of [`PatchSweep::axes`]: `[layer, pos]`.
    pub fn raw(&self) -> ArrayD<f32> {
        match &self.missing {
            None => self.values.mean_axis(self.pairs()).unwrap_or_else(|| ArrayD::zeros(IxDyn(&[0]))),
            Some(_) => self.mean_of_those_there(|value, _| value, statistics::mean(&self.corrupt)),
        }
    }

    /// The change of the metric itself.
    fn change(&self) -> ArrayD<f32> {
        match &self.missing {
            None => self.raw() - statistics::mean(&self.corrupt),
            Some(_) => self.mean_of_those_there(|value, corrupt| value - corrupt, 0.0),
        }
    }

    /// The mean over the pairs that have each cell, of something worked out of the metric with it and without;
    /// `without` where no pair has it.
    fn mean_of_those_there(&self, of: impl Fn(f32, f32) -> f32, without: f32) -> ArrayD<f32> {
        let (missing, corrupt) = (self.missing(), &self.corrupt);
        Zip::from(self.values.lanes(self.pairs())).and(missing.lanes(self.pairs())).map_collect(|values, missing| {
            let pairs = values.iter().zip(corrupt).zip(missing.iter()).filter(|(_, missing)| !**missing);
            let there: Vec<f32> = pairs.map(|((&value, &corrupt), _)| of(value, corrupt)).collect();
            if there.is_empty() { without } else { statistics::mean(&there) }
        })
    }

    /// How much of the clean answer comes back: 0 is the corrupt prompts' mean metric, 1 the clean ones'. Where the two
    /// do not differ, as in every ablation, the values are the change of the metric itself, and [`PatchSweep::normalized`] is an error.
    /// Where prompts are aligned by a rule, the change is the mean over the pairs that have the cell, and 0 where none has
    /// it ([`PatchSweep::is_missing`]); the scale is that of all pairs.
    ///
    /// # Shapes
    /// As [`PatchSweep::raw`].
    pub fn mean(&self) -> ArrayD<f32> {
        self.normalized().unwrap_or_else(|_| self.change())
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
        Ok(self.change() / (clean - corrupt))
    }

    /// As [`scale`](Self::scale), with the number of pairs where there are several.
    pub(super) fn legend(&self) -> String {
        match self.clean.len() {
            0 | 1 => self.scale(),
            pairs => format!("{}, mean of {pairs}", self.scale()),
        }
    }

    /// What [`PatchSweep::mean`] is, for legends.
    pub(super) fn scale(&self) -> String {
        match self.normalized() {
            Ok(_) => format!("{} recovered", self.metric),
            Err(_) => format!("change of {}", self.metric),
        }
    }

    /// [`PatchSweep::mean`] as a matrix, as the picture shows it, where the map has two axes.
    ///
    /// # Shapes
    /// Those of [`PatchSweep::axes`]: `[layer, pos]`.
    ///
    /// # Errors
    /// When the map has another number of axes.
    ///
    /// # Examples
    /// ```
    /// use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let patching =
    ///     Patching::new(&model, "red fox blue owl tree red fox", "red owl blue fox tree red fox", metric)?;
    /// let recovered = patching.heads(HeadPart::Out)?.matrix()?;
    /// assert_eq!(recovered.dim(), (2, 4)); // layers, heads
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias("normalized_matrix", "to_array2"))]
    pub fn matrix(&self) -> Result<Array2<f32>> {
        let axes = self.axes.len();
        self.mean().into_dimensionality().map_err(|_| PatchError::NoMatrix { axes: self.axes(), count: axes }.into())
    }

    /// The cell that brings back most, and how much; where a cell is NaN, the first such.
    pub fn strongest(&self) -> (Vec<usize>, f32) {
        self.top(1).into_iter().next().unwrap_or_default()
    }

    /// The `k` heads that change most either way, most first: layer, head, how much, where the map is of layers and heads.
    ///
    /// # Errors
    /// When the map has other axes.
    pub fn top_heads(&self, k: usize) -> Result<Top<(usize, usize, f32)>> {
        let heads = matches!(&self.axes().iter().map(String::as_str).collect::<Vec<_>>()[..], ["layer", "head"]);
        if !heads {
            return Err(PatchError::NoHeads { axes: self.axes() }.into());
        }
        let cells = self.top(usize::MAX).into_iter().filter_map(|(at, value)| match at[..] {
            [layer, head] => Some((format!("L{layer}H{head}"), value, (layer, head, value))),
            _ => None,
        });
        Ok(Top::of(k, &format!("{}: {}", self.deed, self.name), &self.scale(), cells))
    }

    /// The `k` cells that change most either way, most first: where, and how much (see [`PatchSweep::mean`]). Cells that
    /// are NaN come before all others. The table is shown and printed as one.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{patching::{HeadPart, Metric, Patching}, prelude::*};
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let patching =
    ///     Patching::new(&model, "red fox blue owl tree red fox", "red owl blue fox tree red fox", metric)?;
    /// let top = patching.heads(HeadPart::Out)?.top(3);
    /// let (place, value) = &top[0];
    /// assert_eq!(top.labels()[0], format!("L{}H{}", place[0], place[1]));
    /// assert_eq!(top.values()[0], *value);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn top(&self, k: usize) -> Top<(Vec<usize>, f32)> {
        let mean = self.mean();
        let cells = mean.indexed_iter().map(|(at, &value)| (at.slice().to_vec(), value));
        let cells = cells.filter(|(at, _)| !self.is_missing(at));
        let rows = cells.map(|(at, value)| (self.cell_name(&at), value, (at, value)));
        Top::of(k, &format!("{}: {}", self.deed, self.name), &self.scale(), rows)
    }

    /// What a cell is called: `L1H0`, `layer 1, ·fox@3`.
    pub(super) fn cell_name(&self, at: &[usize]) -> String {
        let names: Vec<&str> = self.axes.iter().map(|axis| &*axis.name).collect();
        match (&names[..], at) {
            (["layer", "head"], [layer, head]) => format!("L{layer}H{head}"),
            _ => self.axes.iter().zip(at).map(|(axis, &at)| axis.name_of(at)).collect::<Vec<_>>().join(", "),
        }
    }

    /// What the pairs say of one cell: effect on the metric (patched less corrupt), its standard error, a bootstrap
    /// interval and a permutation p-value, of the pairs that have it; `None` outside the map, and where it is missing.
    pub fn statistics(&self, cell: &[usize], seed: u64) -> Option<Statistics> {
        if cell.len() != self.axes.len() || cell.iter().zip(&self.axes).any(|(&at, axis)| at >= axis.len) {
            return None;
        }
        let mut values = self.values.view();
        for &at in cell {
            values = values.index_axis_move(Axis(0), at);
        }
        let missing = self.missing_pairs(cell);
        let there = |pair: &usize| missing.as_ref().is_none_or(|missing| !missing[*pair]);
        let pairs = values.iter().zip(&self.corrupt).enumerate().filter(|(pair, _)| there(pair));
        let effects: Vec<f32> = pairs.map(|(_, (value, corrupt))| value - corrupt).collect();
        (!effects.is_empty()).then(|| Statistics::of(&effects, seed))
    }
}
