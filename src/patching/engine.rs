//! Many cells of a map at once: from the corrupt run's stream, only the positions that can change, in growing batches.

use super::{
    Metric, Patching,
    cell::{self, Cell},
    pair::Baselines,
};
use crate::{
    Model, Result,
    cache::ActivationCache,
    error::RunError,
    hook::{Intervention, Site, edit},
    model::{Architecture, Frame, Here, Kept, Pass, Plan, Run, Sizes, Tap, parts::Block},
    ops::in_pool,
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
    /// The metrics of every text with each cell patched.
    ///
    /// # Shapes
    /// `[metric][cell][batch]`
    pub(super) fn run_cells(&self, cells: &[Cell]) -> Result<Vec<Vec<Vec<f32>>>> {
        let mut sites: Vec<Site> = cells.iter().flat_map(Cell::sites).collect();
        sites.sort();
        sites.dedup();
        let values = self.source.values(&self.model, self.corrupt(), sites)?;
        let causal = self.model.config().architecture == Architecture::Decoder;
        let untouched = |(_, (_, corrupt)): (&Metric, &Baselines)| vec![corrupt.clone(); cells.len()];
        let mut results: Vec<_> = self.measured().map(untouched).collect();
        let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (index, start) in self.starts(cells, &values)?.into_iter().enumerate() {
            let Some(start) = start else { continue };
            groups.entry(if causal { start } else { 0 }).or_default().push(index);
        }
        for (start, mut group) in groups {
            group.sort_by_key(|&index| cells[index].layer);
            let positions = (self.corrupt().len() - start) * self.corrupt().batch();
            let at_once = (self.budget / positions).max(1);
            for chunk in group.chunks(at_once) {
                let chosen: Vec<&Cell> = chunk.iter().map(|&index| &cells[index]).collect();
                let together = in_pool(|| self.run_together(&chosen, start, &values))?;
                for (results, of_metric) in results.iter_mut().zip(together) {
                    chunk.iter().zip(of_metric).for_each(|(&index, values)| results[index] = values);
                }
            }
        }
        Ok(results)
    }

    /// Cells in the order of their layers, all from position `start` on.
    fn run_together(&self, cells: &[&Cell], start: usize, values: &ActivationCache) -> Result<Vec<Vec<Vec<f32>>>> {
        let blocks = &self.model.transformer().blocks.blocks;
        let mut resid: Option<Tensor> = None;
        let mut joined = 0;
        let first = cells.first().map_or(0, |cell| cell.layer);
        for (layer, block) in blocks.iter().enumerate().skip(first) {
            let entering = cells[joined..].iter().take_while(|cell| cell.layer == layer).count();
            let (earlier, new) = cells[..joined + entering].split_at(joined);
            let new_streams = self.streams(layer, start, entering)?;
            joined += entering;
            if layer + 1 == blocks.len() && self.only_ends_matter(earlier, start) {
                let earlier = resid.map(|resid| self.ends_of(block, layer, &resid, start)).transpose()?;
                let plan = self.plan(layer, new, 0, start, values)?;
                let through = |x| self.through(block, layer, x, self.frame(layer, entering, start)?, &plan);
                let new = new_streams.map(through).transpose()?;
                let new = new.map(|new| new.narrow(1, new.dim(1)? - 1, 1)).transpose()?;
                let ends: Vec<Tensor> = earlier.into_iter().chain(new).collect();
                return self.measure(&Tensor::cat(&ends, 0)?, cells.len(), self.corrupt().len() - 1);
            }
            let all: Vec<Tensor> = resid.into_iter().chain(new_streams).collect();
            let plan = self.plan(layer, &cells[..joined], joined - entering, start, values)?;
            let frame = self.frame(layer, joined, start)?;
            resid = Some(self.through(block, layer, Tensor::cat(&all, 0)?, frame, &plan)?);
        }
        match resid {
            Some(resid) => self.measure(&resid, cells.len(), start),
            None => Ok(Vec::new()),
        }
    }

    /// The corrupt run's stream at a layer, once for each of so many cells.
    fn streams(&self, layer: usize, start: usize, cells: usize) -> Result<Option<Tensor>> {
        let site = Site::resid_pre(layer);
        let stream = cell::from(self.corrupt.run.cache().get(site)?, site, start)?;
        Ok((cells > 0).then(|| stream.repeat((cells, 1, 1))).transpose()?)
    }

    fn through(&self, block: &Block, layer: usize, x: Tensor, mut frame: Frame, plan: &Plan) -> Result<Tensor> {
        block.forward(x, Here::new(Default::default(), layer), &mut frame, &mut Tap::new(plan))
    }

    /// Whether the last layer's stream is read at the last position only, and nothing is done there in these cells.
    fn only_ends_matter(&self, cells: &[&Cell], start: usize) -> bool {
        let (tokens, last) = (self.corrupt(), self.model.config().n_layers - 1);
        let in_last = |one: &Intervention| one.site().layer() == Some(last);
        let idle = !cells.iter().flat_map(|cell| &cell.interventions).any(in_last);
        let standing = self.corrupt.run.model().interventions().iter().any(in_last);
        let together = (0..tokens.batch()).all(|text| tokens.real(text).end == tokens.len());
        start + 1 < tokens.len() && together && idle && !standing
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

    /// What is done at this layer, in the rows of each cell: the standing interventions of the corrupt run, and what the
    /// cells do. Those from `entered` on begin here.
    fn plan(
        &self,
        layer: usize,
        cells: &[&Cell],
        entered: usize,
        start: usize,
        values: &ActivationCache,
    ) -> Result<Plan> {
        let (batch, len, config) = (self.corrupt().batch(), self.corrupt().len(), self.model.config());
        let sizes = Sizes { batch, source: len - start, target: len - start, past: start };
        let mut by_site: BTreeMap<Site, Vec<(usize, Intervention)>> = BTreeMap::new();
        let standing = self.corrupt.run.model().interventions();
        for standing in standing.iter().filter(|one| one.site().layer() == Some(layer)) {
            let Some(standing) = standing.clone().within(start..len) else { continue };
            let standing = standing.check(config, sizes)?;
            // The stream that a cell begins with was recorded after what is done to it here.
            let rows = if standing.site() == Site::resid_pre(layer) { entered } else { cells.len() };
            let of_all = (0..rows).map(|cell| (cell, standing.clone()));
            by_site.entry(standing.site()).or_default().extend(of_all);
        }
        for (index, cell) in cells.iter().enumerate() {
            for mut one in cell.in_layer(layer, start..len) {
                let site = one.site();
                if one.is_open() {
                    one = one.filled(cell::from(values.get(site)?, site, start)?);
                }
                by_site.entry(site).or_default().push((index, one.check(config, sizes)?));
            }
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

    pub(super) fn frame(&self, layer: usize, copies: usize, start: usize) -> Result<Frame> {
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
    /// `resid`: `[cell * batch, pos, d_model]`; result: `[metric][cell][batch]`.
    pub(super) fn measure(&self, resid: &Tensor, cells: usize, start: usize) -> Result<Vec<Vec<Vec<f32>>>> {
        let (_, pos, width) = resid.dims3()?;
        let batch = self.corrupt().batch();
        let end = |text: usize| self.corrupt().real(text).end;
        // A text that ended before `start` is as the corrupt run left it.
        let last = |row: usize| row * pos + end(row % batch).saturating_sub(start + 1);
        let rows: Vec<u32> = (0..cells * batch).map(|row| last(row) as u32).collect();
        let resid = resid.reshape((cells * batch * pos, width))?.index_select(&Tensor::new(rows, &Device::Cpu)?, 0)?;
        let one = |(metric, (_, corrupt)): (&Metric, &Baselines)| {
            let mut values = self.measure_one(metric, &resid, cells)?;
            for text in (0..batch).filter(|&text| end(text) <= start) {
                values.iter_mut().for_each(|values| values[text] = corrupt[text]);
            }
            Ok(values)
        };
        self.measured().map(one).collect()
    }

    /// # Shapes
    /// `resid`: `[cell * batch, d_model]`; result: `[cell][batch]`.
    fn measure_one(&self, metric: &Metric, resid: &Tensor, cells: usize) -> Result<Vec<Vec<f32>>> {
        let (config, readout) = (self.model.config(), &self.model.transformer().readout);
        let batch = self.corrupt().batch();
        match metric.looks_at() {
            Some(lists) => {
                let of = |ids: &&[u32]| readout.logits_of(config, resid, &ids.repeat(cells));
                let Some(logits) = lists.iter().map(of).collect::<Result<Option<Vec<_>>>>()? else {
                    return Err(RunError::NoUnembed { family: config.family.clone() }.into());
                };
                Ok(metric.combine(&logits).chunks(batch).map(<[f32]>::to_vec).collect())
            }
            None => {
                let logits = self.model.unembed(resid)?;
                (0..cells).map(|cell| metric.measure(&logits.narrow(0, cell * batch, batch)?)).collect()
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
