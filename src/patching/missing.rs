//! Missing cells of a map: those whose positions have no counterpart in the other prompt.

use super::{
    PatchSweep, Patching,
    align::Counterparts,
    cell::{Cell, along},
    source::Source,
};
use crate::{Result, axes::Axis, config::Sizes, error::PatchError, hook::Intervention};
use ndarray::{ArrayD, Axis as Dim, IxDyn};

impl Patching {
    /// For each cell and text, whether nothing is patched because no position has a counterpart; `None` without an
    /// alignment.
    ///
    /// # Errors
    /// When whole rows of patterns or scores would be patched.
    pub(super) fn missing(&self, cells: &[Cell], sizes: Sizes) -> Result<Option<Vec<bool>>> {
        let Source::Aligned(_, counterparts) = &self.experiment.source else { return Ok(None) };
        let mut missing = Vec::new();
        for cell in cells {
            let mut there = vec![false; sizes.batch];
            for one in &cell.interventions {
                self.reach(one, counterparts, sizes, &mut there)?;
            }
            missing.extend(there.into_iter().map(|there| !there));
        }
        Ok(Some(missing))
    }

    /// Marks the texts in which something is patched.
    fn reach(&self, one: &Intervention, counterparts: &Counterparts, sizes: Sizes, there: &mut [bool]) -> Result<()> {
        if !one.is_open() {
            there.fill(true);
            return Ok(());
        }
        let config = self.experiment.model.config();
        let (site, narrowed) = (one.site(), one.indices(&config, sizes)?);
        let chosen = |dim: Option<usize>| narrowed.iter().find(|(at, _)| Some(*at) == dim).map(|(_, at)| at.clone());
        let key = site.axes().iter().position(|axis| *axis == Axis::Key);
        let (positions, keys) = (chosen(along(site)), chosen(key));
        if key.is_some() && (positions.is_none() || keys.is_none()) {
            return Err(PatchError::RowsOfOtherKeys { site: site.to_string() }.into());
        }
        let (rows, columns) = (config.reads_at(site), config.keys_at(site));
        let len = self.corrupt_input().of(rows).len();
        let positions = positions.unwrap_or_else(|| (0..len).collect());
        for text in chosen(Some(0)).unwrap_or_else(|| (0..sizes.batch).collect()) {
            let known = |stack, at: &[usize]| at.iter().any(|&at| counterparts.get(stack, text, at).is_some());
            there[text] |= known(rows, &positions) && keys.as_deref().is_none_or(|keys| known(columns, keys));
        }
        Ok(())
    }
}

impl PatchSweep {
    /// Marks cells as missing for some pairs, for every metric.
    pub(super) fn lacking(mut self, missing: Option<Vec<bool>>) -> Result<Self> {
        let Some(missing) = missing else { return Ok(self) };
        let missing = ArrayD::from_shape_vec(IxDyn(self.values.shape()), missing)?;
        self.lacks(&missing);
        Ok(self)
    }

    /// Returns, for each cell and pair of prompts, whether nothing was patched because no position of the cell has a
    /// counterpart in the clean prompt ([`Alignment`](super::Alignment)). [`PatchSweep::values`] holds the corrupt
    /// prompt's own metric there, and means and statistics leave the pair out. Without an alignment no cell is missing.
    ///
    /// # Shapes
    /// The axes of [`PatchSweep::values`], such as `[layer, pos, batch]`
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let (clean, corrupt) = ("red fox blue owl tree red fox", "cat red owl blue fox tree red fox");
    /// let map = Patching::aligned(&model, clean, corrupt, Alignment::FromEnd, metric)?.resid_pre()?;
    /// assert_eq!(map.missing().iter().filter(|missing| **missing).count(), 2); // the extra position, in two layers
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn missing(&self) -> ArrayD<bool> {
        self.missing.clone().unwrap_or_else(|| ArrayD::from_elem(self.values.raw_dim(), false))
    }

    /// Whether a cell is missing for all pairs of prompts. Pictures leave such a cell out, and its mean is 0.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let (clean, corrupt) = ("red fox blue owl tree red fox", "red owl blue fox tree red fox");
    /// let patching = Patching::new(&model, clean, corrupt, metric)?;
    /// assert!(!patching.resid_pre()?.is_missing(&[0, 0])); // prompts of one length
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn is_missing(&self, cell: &[usize]) -> bool {
        self.missing_pairs(cell).is_some_and(|missing| missing.into_iter().all(|missing| missing))
    }

    /// The pairs of prompts for which a cell is missing; `None` if no cell is missing.
    pub(super) fn missing_pairs(&self, cell: &[usize]) -> Option<Vec<bool>> {
        let missing = self.missing.as_ref()?;
        if cell.len() != self.axes.len() || cell.iter().zip(missing.shape()).any(|(&at, &len)| at >= len) {
            return None;
        }
        let mut pairs = missing.view();
        for &at in cell {
            pairs = pairs.index_axis_move(Dim(0), at);
        }
        Some(pairs.iter().copied().collect())
    }
}
