//! Where a map has nothing to say: cells whose positions have no counterpart in the other prompt.

use super::{
    PatchSweep, Patching,
    align::Counterparts,
    cell::{Cell, along},
    source::Source,
};
use crate::{Result, axes::Axis, config::Sizes, error::PatchError, hook::Intervention};
use ndarray::{ArrayD, Axis as Dim, IxDyn};

impl Patching {
    /// For each cell and text, whether nothing is put in because no position has a counterpart; `None` where prompts are
    /// not aligned by a rule.
    ///
    /// # Errors
    /// When whole rows of patterns or scores would be put in, among other keys.
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

    /// Notes the texts in which something is put in.
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
    /// With cells that are missing for some of the pairs, by every metric.
    pub(super) fn lacking(mut self, missing: Option<Vec<bool>>) -> Result<Self> {
        let Some(missing) = missing else { return Ok(self) };
        let missing = ArrayD::from_shape_vec(IxDyn(self.values.shape()), missing)?;
        self.lacks(&missing);
        Ok(self)
    }

    /// For each cell and pair of prompts, whether nothing was put in because no position of the cell has a counterpart in
    /// the clean prompt ([`Alignment`](super::Alignment)): there [`PatchSweep::values`] has the corrupt prompt's own
    /// metric, and means and statistics leave the pair out. Without such a rule all are there.
    ///
    /// # Shapes
    /// Those of [`PatchSweep::values`]: `[layer, pos, batch]`.
    pub fn missing(&self) -> ArrayD<bool> {
        self.missing.clone().unwrap_or_else(|| ArrayD::from_elem(self.values.raw_dim(), false))
    }

    /// Whether a cell is missing for all pairs of prompts: pictures leave it out, and its mean is 0.
    pub fn is_missing(&self, cell: &[usize]) -> bool {
        self.missing_pairs(cell).is_some_and(|missing| missing.into_iter().all(|missing| missing))
    }

    /// For which pairs of prompts a cell of the map is missing; `None` where all cells are there.
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
