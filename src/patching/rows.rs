//! [`Rows`]: the interventions of many cells that run in one batch.

use crate::{
    Result,
    hook::{Intervention, Site, edit},
    net::Plan,
};
use candle_core::Tensor;
use std::collections::BTreeMap;

/// At each site, the interventions of each cell.
#[derive(Debug, Default)]
pub(super) struct Rows(BTreeMap<Site, Vec<(usize, Intervention)>>);

impl Rows {
    /// Adds a checked intervention to a cell, after those that it has.
    pub(super) fn put(&mut self, cell: usize, one: Intervention) {
        self.0.entry(one.site()).or_default().push((cell, one));
    }

    /// The plan of a pass with `batch` rows for each cell.
    pub(super) fn plan(self, batch: usize) -> Plan {
        let mut plan = Plan::default();
        for (site, mut patches) in self.0 {
            // Stable: of one cell's, the standing ones come first.
            patches.sort_by_key(|(cell, _)| *cell);
            let together = edit(site, move |x| Ok(in_rows(x, &patches, batch)?));
            plan.order(site).edits.push(together);
        }
        plan
    }
}

/// Applies each intervention to the rows of its own cell. They come in the order of the cells.
fn in_rows(x: &Tensor, patches: &[(usize, Intervention)], batch: usize) -> Result<Tensor> {
    let rows = x.dim(0)?;
    let mut pieces = Vec::new();
    let mut done = 0;
    for of_cell in patches.chunk_by(|(a, _), (b, _)| a == b) {
        let at = of_cell[0].0 * batch;
        if done < at {
            pieces.push(x.narrow(0, done, at - done)?);
        }
        let mut own = x.narrow(0, at, batch)?.contiguous()?;
        for (_, intervention) in of_cell {
            own = intervention.apply(&own)?;
        }
        pieces.push(own);
        done = at + batch;
    }
    if done < rows {
        pieces.push(x.narrow(0, done, rows - done)?);
    }
    Ok(Tensor::cat(&pieces, 0)?)
}
