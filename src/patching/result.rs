//! [`PatchSweep`]: the values of a map.

use super::{MapAxis, baseline::Baselines, statistics};
use crate::{Result, error::PatchError, plot::Top};
use ndarray::{Array2, ArrayD, Axis, Dimension, IxDyn, Zip};
pub use statistics::Statistics;

/// The metric with each cell patched, for every pair of prompts. A notebook shows it as a heatmap.
///
/// Made by the methods of [`Patching`](super::Patching).
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?;
/// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
/// let (clean, corrupt) = ("red fox blue owl tree red fox", "red owl blue fox tree red fox");
/// let patching = Patching::new(&model, clean, corrupt, metric)?;
/// let sweep = patching.resid_pre()?; // a heatmap, in a notebook
/// assert_eq!(sweep.axes(), ["layer", "position"]);
/// assert_eq!(sweep.mean().shape(), [2, 8]);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct PatchSweep {
    /// The operation on each cell, for titles.
    pub(super) deed: String,
    pub(super) name: String,
    pub(super) metric: String,
    pub(super) axes: Vec<MapAxis>,
    /// The map's axes, then the pair of prompts.
    pub(super) values: ArrayD<f32>,
    clean: Vec<f32>,
    corrupt: Vec<f32>,
    /// The cells that have no counterpart, in the shape of the values.
    pub(super) missing: Option<ArrayD<bool>>,
    /// The maps of further metrics.
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

    /// Marks cells as missing for some pairs. Their metric is exactly that of the corrupt prompt.
    pub(super) fn lacks(&mut self, missing: &ArrayD<bool>) {
        let (pairs, corrupt) = (self.pairs(), &self.corrupt);
        Zip::from(self.values.lanes_mut(pairs)).and(missing.lanes(pairs)).for_each(|mut values, missing| {
            let own = values.iter_mut().zip(corrupt).zip(missing).filter(|(_, missing)| **missing);
            own.for_each(|((value, corrupt), _)| *value = *corrupt);
        });
        self.missing = Some(missing.clone());
        self.others.iter_mut().for_each(|other| other.lacks(missing));
    }

    /// Adds the maps of further metrics.
    pub(super) fn beside(self, others: Vec<Self>) -> Self {
        Self { others, ..self }
    }

    /// Returns the map with these places of one axis, which may repeat, for every metric.
    pub(super) fn repeated(&self, dim: usize, places: &[usize]) -> Self {
        let mut map = self.clone();
        map.axes[dim] = self.axes[dim].picked(places);
        map.values = self.values.select(Axis(dim), places);
        map.missing = self.missing.as_ref().map(|missing| missing.select(Axis(dim), places));
        map.others = self.others.iter().map(|other| other.repeated(dim, places)).collect();
        map
    }

    /// The name of the metric, for axes and legends.
    pub fn metric(&self) -> String {
        self.metric.clone()
    }

    /// The same map for another metric of the same runs ([`Patching::also`](super::Patching::also)), by its name;
    /// `None` if there is no such metric.
    pub fn for_metric(&self, metric: &str) -> Option<Self> {
        std::iter::once(self).chain(&self.others).find(|map| map.metric == metric).cloned()
    }

    /// The operation on each cell: `Patching clean into corrupt`, `Zero ablation by attribution`, ...
    pub fn operation(&self) -> String {
        self.deed.clone()
    }

    /// The name of the patched part.
    pub fn name(&self) -> String {
        self.name.clone()
    }

    /// The names of the map's axes: `layer`, `position`, `head`, ...
    pub fn axes(&self) -> Vec<String> {
        self.axes.iter().map(|axis| axis.name.clone()).collect()
    }

    /// The metric with each cell patched, for each pair of prompts. The picture shows [`PatchSweep::mean`] instead: the
    /// recovered share, or the change, averaged over the pairs. [`PatchSweep::matrix`] returns it for a map with two
    /// axes.
    ///
    /// # Shapes
    /// The axes of [`PatchSweep::axes`], then `batch`, such as `[layer, pos, batch]`
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let (clean, corrupt) = ("red fox blue owl tree red fox", "red owl blue fox tree red fox");
    /// let patching = Patching::new(&model, clean, corrupt, metric)?;
    /// assert_eq!(patching.heads(HeadPart::Out)?.values().shape(), [2, 4, 1]); // [layer, head, batch]
    /// # Ok::<(), glassbox::Error>(())
    /// ```
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

    /// The metric averaged over the pairs. With an alignment, over the pairs that have the cell.
    ///
    /// # Shapes
    /// The axes of [`PatchSweep::axes`], such as `[layer, pos]`
    pub fn raw(&self) -> ArrayD<f32> {
        match &self.missing {
            None => self.values.mean_axis(self.pairs()).unwrap_or_else(|| ArrayD::zeros(IxDyn(&[0]))),
            Some(_) => self.mean_of_those_there(|value, _| value, statistics::mean(&self.corrupt)),
        }
    }

    /// The change of the metric.
    fn change(&self) -> ArrayD<f32> {
        match &self.missing {
            None => self.raw() - statistics::mean(&self.corrupt),
            Some(_) => self.mean_of_those_there(|value, corrupt| value - corrupt, 0.0),
        }
    }

    /// The mean of a function of the patched and the corrupt metric over the pairs that have each cell; `without` if no
    /// pair has it.
    fn mean_of_those_there(&self, of: impl Fn(f32, f32) -> f32, without: f32) -> ArrayD<f32> {
        let (missing, corrupt) = (self.missing(), &self.corrupt);
        Zip::from(self.values.lanes(self.pairs())).and(missing.lanes(self.pairs())).map_collect(|values, missing| {
            let pairs = values.iter().zip(corrupt).zip(missing.iter()).filter(|(_, missing)| !**missing);
            let there: Vec<f32> = pairs.map(|((&value, &corrupt), _)| of(value, corrupt)).collect();
            if there.is_empty() { without } else { statistics::mean(&there) }
        })
    }

    /// The recovered share of the clean answer: 0 is the mean metric of the corrupt prompts, 1 that of the clean
    /// prompts.
    ///
    /// If the two do not differ, as in every ablation, the values are the change of the metric, and
    /// [`PatchSweep::normalized`] is an error. With an alignment, the mean is over the pairs that have the cell, and 0
    /// if none has it ([`PatchSweep::is_missing`]); the scale is that of all pairs.
    ///
    /// # Shapes
    /// The axes of [`PatchSweep::axes`], such as `[layer, pos]`
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let (clean, corrupt) = ("red fox blue owl tree red fox", "red owl blue fox tree red fox");
    /// let patching = Patching::new(&model, clean, corrupt, metric)?;
    /// let recovered = patching.heads(HeadPart::Out)?.mean();
    /// assert!(recovered[[1, 0]] > 0.8 && recovered[[1, 1]].abs() < 0.2); // only the induction head matters
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn mean(&self) -> ArrayD<f32> {
        self.normalized().unwrap_or_else(|_| self.change())
    }

    /// As [`PatchSweep::mean`], but an error if the values cannot be scaled.
    ///
    /// # Shapes
    /// The axes of [`PatchSweep::axes`], such as `[layer, pos]`
    ///
    /// # Errors
    /// When the metric does not distinguish the clean prompts from the corrupt ones. This is always so in an ablation,
    /// where both are the same prompts.
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

    /// [`PatchSweep::mean`] as a matrix, for a map with two axes.
    ///
    /// # Shapes
    /// The axes of [`PatchSweep::axes`], such as `[layer, pos]`
    ///
    /// # Errors
    /// When the map does not have two axes.
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

    /// The cell with the largest mean, and its value. If a cell is NaN, the first such cell.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let (clean, corrupt) = ("red fox blue owl tree red fox", "red owl blue fox tree red fox");
    /// let patching = Patching::new(&model, clean, corrupt, metric)?;
    /// let sweep = patching.resid_pre()?;
    /// let (cell, recovered) = sweep.strongest(); // layer and position
    /// assert_eq!(recovered, sweep.mean()[&cell[..]]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn strongest(&self) -> (Vec<usize>, f32) {
        self.top(1).into_iter().next().unwrap_or_default()
    }

    /// Returns the `k` heads with the largest effects by absolute value: layer, head, effect. The map must be over
    /// layers and heads.
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

    /// Returns the `k` cells with the largest effects by absolute value: indices and effect (see [`PatchSweep::mean`]).
    /// NaN comes first. It is shown and printed as a table.
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

    /// The name of a cell.
    pub(super) fn cell_name(&self, at: &[usize]) -> String {
        let names: Vec<&str> = self.axes.iter().map(|axis| &*axis.name).collect();
        match (&names[..], at) {
            (["layer", "head"], [layer, head]) => format!("L{layer}H{head}"),
            _ => self.axes.iter().zip(at).map(|(axis, &at)| axis.name_of(at)).collect::<Vec<_>>().join(", "),
        }
    }

    /// Returns statistics of one cell over the pairs that have it: the mean effect on the metric (patched minus
    /// corrupt), its standard error, a bootstrap interval, and a permutation p-value. `None` outside the map, and if
    /// the cell is missing.
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
