//! Finds the first position that each cell changes. Prompts that begin with the same tokens have the same activations
//! there.

use super::{
    Patching,
    cell::{Cell, along},
    source::Source,
};
use crate::{
    Result,
    cache::ActivationCache,
    hook::{Intervention, Site},
};
use candle_core::Tensor;
use std::collections::BTreeMap;

impl Patching {
    /// The first position that each cell changes, given the clean `values`; `None` if the values are those of the
    /// corrupt run.
    pub(super) fn starts(&self, cells: &[Cell], values: &ActivationCache) -> Result<Vec<Option<usize>>> {
        let (Source::Run(_) | Source::Aligned(..)) = &self.experiment.source else {
            return Ok(cells.iter().map(|cell| Some(cell.start)).collect());
        };
        let (input, config) = (&self.corrupt_input(), self.experiment.model.config());
        let here = Source::Run(input.clone()).values(&self.baseline.corrupt.run.model(), input, values.sites())?;
        let differ = |(site, there): (Site, Tensor)| Ok((site, differing(&there, &here.get(site)?, site)?));
        let differ: BTreeMap<Site, Vec<bool>> = values.iter().map(differ).collect::<Result<_>>()?;
        let sizes = input.sizes();
        let first = |one: &Intervention| {
            let Some(differ) = differ.get(&one.site()).filter(|_| one.is_open()) else {
                return Ok(Some(0));
            };
            let narrowed = one.indices(&config, sizes)?;
            let narrowed = narrowed.into_iter().find(|(dim, _)| Some(*dim) == along(one.site()));
            let mut positions = narrowed.map_or_else(|| (0..differ.len()).collect(), |(_, positions)| positions);
            positions.sort_unstable();
            let found = positions.into_iter().find(|&position| differ[position]);
            // What an encoder gives changes all that is made of it.
            Ok(found.map(|position| if config.is_of_encoder(one.site()) { 0 } else { position }))
        };
        let start = |cell: &Cell| {
            let firsts = cell.interventions.iter().map(first).collect::<Result<Vec<_>>>()?;
            Ok(firsts.into_iter().flatten().min().map(|first| first.max(cell.start)))
        };
        cells.iter().map(start).collect()
    }
}

/// Whether two activations of a site differ at each position, in any text.
fn differing(a: &Tensor, b: &Tensor, site: Site) -> Result<Vec<bool>> {
    let Some(dim) = along(site) else { return Ok(Vec::new()) };
    let one = |position: usize| {
        let [a, b] = [a, b].map(|x| x.narrow(dim, position, 1)?.flatten_all()?.to_vec1::<f32>());
        Ok(a? != b?)
    };
    (0..a.dim(dim)?).map(one).collect()
}
