//! Many cells of a map at once: from the corrupt run's stream, only the positions that can change, in growing batches.

use super::{Patching, cell::Cell};
use crate::{
    Model, Result,
    cache::ActivationCache,
    hook::{Intervention, Site, edit},
    model::{Architecture, Frame, Here, Kept, Pass, Plan, Run, Sizes, Tap, parts::Block},
    text::Tokens,
};
use candle_core::{Device, Tensor};
use std::{collections::BTreeMap, ops::Range, sync::Arc};

/// The corrupt run: its stream entering every block, and its keys and values.
#[derive(Clone, Debug)]
pub(super) struct Corrupt {
    pub(super) run: Run,
    kept: Kept,
}

impl Corrupt {
    pub(super) fn run(model: &Model, tokens: Tokens) -> Result<Self> {
        let streams = (0..model.config().n_layers).map(Site::resid_pre).collect::<Vec<_>>();
        let pass = Pass::onward(model, &tokens, None, Kept::default()).intervene(model.interventions().to_vec());
        let (run, kept) = pass.record(streams).logits_at([-1]).run_keeping()?;
        Ok(Self { run, kept })
    }
}

impl Patching {
    /// The metric of every text with each cell patched.
    ///
    /// # Shapes
    /// `[cell][batch]`
    pub(super) fn run_cells(&self, cells: &[Cell]) -> Result<Vec<Vec<f32>>> {
        let mut sites: Vec<Site> = cells.iter().map(|cell| cell.site).collect();
        sites.sort();
        sites.dedup();
        let values = self.source.values(&self.model, self.corrupt(), sites)?;
        let causal = self.model.config().architecture == Architecture::Decoder;
        let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (index, cell) in cells.iter().enumerate() {
            groups.entry(if causal { cell.start() } else { 0 }).or_default().push(index);
        }
        let mut results = vec![Vec::new(); cells.len()];
        for (start, mut group) in groups {
            group.sort_by_key(|&index| cells[index].layer());
            let positions = (self.corrupt().len() - start) * self.corrupt().batch();
            let at_once = (self.budget / positions).max(1);
            for chunk in group.chunks(at_once) {
                let chosen: Vec<Cell> = chunk.iter().map(|&index| cells[index]).collect();
                for (&index, values) in chunk.iter().zip(self.run_together(&chosen, start, &values)?) {
                    results[index] = values;
                }
            }
        }
        Ok(results)
    }

    /// Cells in the order of their layers, all from position `start` on.
    fn run_together(&self, cells: &[Cell], start: usize, values: &ActivationCache) -> Result<Vec<Vec<f32>>> {
        let blocks = &self.model.transformer().blocks.blocks;
        let mut resid: Option<Tensor> = None;
        let mut joined = 0;
        let first = cells.first().map_or(0, Cell::layer);
        for (layer, block) in blocks.iter().enumerate().skip(first) {
            let entering = cells[joined..].iter().take_while(|cell| cell.layer() == layer).count();
            let new = match entering {
                0 => None,
                _ => Some(self.from(self.corrupt.run.cache().get(Site::resid_pre(layer))?, start)?),
            };
            if let (Some(before), true) = (&resid, layer + 1 == blocks.len() && self.only_ends_matter(start)) {
                let mut ends = vec![self.ends_of(block, layer, before, start)?];
                if let Some(new) = new {
                    let plan = self.plan(layer, &cells[joined..], 0, start, values)?;
                    let new = Tensor::cat(&vec![new; entering], 0)?;
                    let new = self.through(block, layer, new, self.frame(layer, entering, start)?, &plan)?;
                    ends.push(new.narrow(1, new.dim(1)? - 1, 1)?);
                }
                return self.measure(&Tensor::cat(&ends, 0)?, cells.len(), self.corrupt().len() - 1);
            }
            let all: Vec<Tensor> =
                resid.into_iter().chain(new.into_iter().flat_map(|new| vec![new; entering])).collect();
            let plan = self.plan(layer, &cells[..joined + entering], joined, start, values)?;
            joined += entering;
            let frame = self.frame(layer, joined, start)?;
            resid = Some(self.through(block, layer, Tensor::cat(&all, 0)?, frame, &plan)?);
        }
        match resid {
            Some(resid) => self.measure(&resid, cells.len(), start),
            None => Ok(Vec::new()),
        }
    }

    fn through(&self, block: &Block, layer: usize, x: Tensor, mut frame: Frame, plan: &Plan) -> Result<Tensor> {
        block.forward(x, Here::new(Default::default(), layer), &mut frame, &mut Tap::new(plan))
    }

    /// Whether the last layer's stream is read at the last position only, and nothing else happens there.
    fn only_ends_matter(&self, start: usize) -> bool {
        let (tokens, last) = (self.corrupt(), self.model.config().n_layers - 1);
        let standing = self.model.interventions().iter().any(|one| one.site().layer() == Some(last));
        let together = (0..tokens.batch()).all(|text| tokens.real(text).end == tokens.len());
        start + 1 < tokens.len() && together && !standing
    }

    /// The stream after the last layer at the last position; of those before it only keys and values are worked out.
    ///
    /// # Shapes
    /// `[cell * batch, pos, d_model]` to `[cell * batch, 1, d_model]`.
    fn ends_of(&self, block: &Block, layer: usize, resid: &Tensor, start: usize) -> Result<Tensor> {
        let (copies, last) = (resid.dim(0)? / self.corrupt().batch(), self.corrupt().len() - 1);
        let mut frame = self.frame(layer, copies, start)?;
        let here = Here::new(Default::default(), layer);
        let (k, v) = block.attention.keys_values(resid, &block.ln1, here, &mut frame)?;
        let kept = self.corrupt.kept.with_layer(layer, (k.narrow(1, 0, last)?, v.narrow(1, 0, last)?))?;
        let frame = self.frame_after(copies, last..last + 1, kept)?;
        self.through(block, layer, resid.narrow(1, last - start, 1)?.contiguous()?, frame, &Plan::default())
    }

    /// The positions from `start` on.
    fn from(&self, x: &Tensor, start: usize) -> Result<Tensor> {
        Ok(x.narrow(1, start, x.dim(1)? - start)?.contiguous()?)
    }

    /// What is done at this layer, in the rows of each cell: the model's standing interventions, and what the cells
    /// from `entered` on put in.
    fn plan(
        &self,
        layer: usize,
        cells: &[Cell],
        entered: usize,
        start: usize,
        values: &ActivationCache,
    ) -> Result<Plan> {
        let (batch, len) = (self.corrupt().batch(), self.corrupt().len());
        let sizes = Sizes { batch, source: len - start, target: len - start, past: start };
        let mut by_site: BTreeMap<Site, Vec<(usize, Intervention)>> = BTreeMap::new();
        for standing in self.model.interventions().iter().filter(|one| one.site().layer() == Some(layer)) {
            let Some(standing) = standing.clone().within(start..len) else { continue };
            let standing = standing.check(self.model.config(), sizes)?;
            // The stream that a cell begins with was recorded after what is done to it here.
            let rows = if standing.site() == Site::resid_pre(layer) { entered } else { cells.len() };
            let of_all = (0..rows).map(|cell| (cell, standing.clone()));
            by_site.entry(standing.site()).or_default().extend(of_all);
        }
        for (index, cell) in cells.iter().enumerate().skip(entered) {
            let value = values.get(cell.site)?;
            let value = if cell.is_pattern() { value.narrow(2, start, len - start)? } else { self.from(value, start)? };
            let intervention = cell.intervention(value.contiguous()?, start).check(self.model.config(), sizes)?;
            by_site.entry(cell.site).or_default().push((index, intervention));
        }
        let mut plan = Plan::default();
        for (site, mut patches) in by_site {
            // Stable: of one cell's, the standing ones come first.
            patches.sort_by_key(|(cell, _)| *cell);
            let together = edit(site, move |x| in_rows(x, &patches, batch));
            plan.order(site).edits.push(together);
        }
        Ok(plan)
    }

    fn frame(&self, layer: usize, copies: usize, start: usize) -> Result<Frame> {
        let kept = self.corrupt.kept.of_layer(layer, start, copies)?;
        self.frame_after(copies, start..self.corrupt().len(), kept)
    }

    fn frame_after(&self, copies: usize, positions: Range<usize>, kept: Kept) -> Result<Frame> {
        let tokens = self.corrupt();
        let real = tokens.is_padded().then(|| {
            let rows = 0..copies * tokens.batch();
            rows.map(|row| tokens.real(row % tokens.batch())).collect::<Arc<[Range<usize>]>>()
        });
        Frame::going_on(self.model.config(), copies * tokens.batch(), positions, real, kept)
    }

    /// # Shapes
    /// `resid`: `[cell * batch, pos, d_model]`; result: `[cell][batch]`.
    fn measure(&self, resid: &Tensor, cells: usize, start: usize) -> Result<Vec<Vec<f32>>> {
        let (config, readout) = (self.model.config(), &self.model.transformer().readout);
        let (_, pos, width) = resid.dims3()?;
        let batch = self.corrupt().batch();
        let end = |text: usize| self.corrupt().real(text).end;
        // A text that ended before `start` is as the corrupt run left it.
        let last = |row: usize| row * pos + end(row % batch).saturating_sub(start + 1);
        let untouched = |mut values: Vec<f32>| {
            for text in (0..batch).filter(|&text| end(text) <= start) {
                values[text] = self.baselines.1[text];
            }
            values
        };
        let rows: Vec<u32> = (0..cells * batch).map(|row| last(row) as u32).collect();
        let resid = resid.reshape((cells * batch * pos, width))?.index_select(&Tensor::new(rows, &Device::Cpu)?, 0)?;
        let by_cell = |values: Vec<f32>| values.chunks(batch).map(|cell| untouched(cell.to_vec())).collect();
        match self.metric.looks_at() {
            Some(lists) => {
                let of = |ids: &&[u32]| readout.logits_of(config, &resid, &ids.repeat(cells));
                let Some(logits) = lists.iter().map(of).collect::<Result<Option<Vec<_>>>>()? else {
                    return Ok(Vec::new());
                };
                Ok(by_cell(self.metric.combine(&logits)))
            }
            None => {
                let logits = self.model.unembed(&resid)?;
                let one =
                    |cell: usize| Ok(untouched(self.metric.measure(&logits.narrow(0, cell * batch, batch)?)?));
                (0..cells).map(one).collect()
            }
        }
    }
}

/// `x` with each intervention done in the rows of its own cell; they come in the order of the cells.
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
