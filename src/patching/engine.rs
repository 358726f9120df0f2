//! Many cells of a map at once: from the corrupt run's stream, only the positions that can change, in growing batches.

use super::{
    Metric, Patching,
    cell::{self, Cell},
    pair::Baselines,
    readout::{at_end, before_end},
    rows::Rows,
};
use crate::{
    Model, Result,
    cache::ActivationCache,
    config::Sizes,
    hook::{Intervention, Site},
    model::{Architecture, Position, Run},
    net::{Frame, Here, Kept, Plan, Tap, parts::Block},
    ops::in_pool,
    text::Tokens,
};
use candle_core::Tensor;
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
        let (run, kept) = before_end(model, &tokens).record(streams).run_keeping()?;
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
        let values = self.source.values(&self.model, &self.corrupt(), sites)?;
        let causal = self.model.config().architecture == Architecture::Decoder;
        let untouched = |(_, (_, corrupt)): (&Metric, &Baselines)| vec![corrupt.clone(); cells.len()];
        let mut results: Vec<_> = self.measured().map(untouched).collect();
        let (mixed, last) = (self.mixed()?, self.answers()?.into_iter().max());
        let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (index, start) in self.starts(cells, &values)?.into_iter().enumerate() {
            let Some(start) = start else { continue };
            // What comes after all answers does nothing to them.
            match causal {
                true if Some(start) > last && mixed.is_empty() => continue,
                true => groups.entry(before(start, &mixed)).or_default().push(index),
                false => groups.entry(0).or_default().push(index),
            }
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
            if layer + 1 == blocks.len()
                && let Some(end) = self.only_end(earlier, start)?
            {
                let earlier = resid.map(|resid| self.ends_of(block, layer, &resid, start..end)).transpose()?;
                let plan = self.plan(layer, new, 0, start, values)?;
                let through = |x| self.through(block, layer, x, self.frame(layer, entering, start)?, &plan);
                let new = new_streams.map(through).transpose()?;
                let new = new.map(|new| new.narrow(1, end - start, 1)).transpose()?;
                let ends: Vec<Tensor> = earlier.into_iter().chain(new).collect();
                return self.measure(&Tensor::cat(&ends, 0)?, end);
            }
            let all: Vec<Tensor> = resid.into_iter().chain(new_streams).collect();
            let plan = self.plan(layer, &cells[..joined], joined - entering, start, values)?;
            let frame = self.frame(layer, joined, start)?;
            resid = Some(self.through(block, layer, Tensor::cat(&all, 0)?, frame, &plan)?);
        }
        match resid {
            Some(resid) => self.measure(&resid, start),
            None => Ok(Vec::new()),
        }
    }

    /// The corrupt run's stream at a layer, once for each of so many cells.
    fn streams(&self, layer: usize, start: usize, cells: usize) -> Result<Option<Tensor>> {
        let site = Site::resid_pre(layer);
        let stream = cell::from(&self.corrupt.run.cache().get(site)?, site, start)?;
        Ok((cells > 0).then(|| stream.repeat((cells, 1, 1))).transpose()?)
    }

    fn through(&self, block: &Block, layer: usize, x: Tensor, mut frame: Frame, plan: &Plan) -> Result<Tensor> {
        block.forward(x, Here::new(Default::default(), layer), &mut frame, &mut Tap::new(plan))
    }

    /// The one position behind `start` at which the last layer's stream is read, where there is one, nothing is done in
    /// that layer or behind it in these cells, and what comes after it is not looked at.
    fn only_end(&self, cells: &[&Cell], start: usize) -> Result<Option<usize>> {
        let (tokens, config) = (self.corrupt(), self.model.config());
        let in_last = |one: &Intervention| one.site().layer() == Some(config.n_layers - 1);
        let idle = !cells.iter().flat_map(|cell| &cell.interventions).any(in_last);
        let standing = self.corrupt.run.model().standing().iter().any(|one| in_last(one) || at_end(one));
        let answers = self.answers()?;
        let end = answers.first().copied().filter(|end| answers.iter().all(|other| other == end));
        // Keys of a text that is cut short may be turned by other angles.
        let long = matches!(&config.position, Position::Rotary(rotary) if rotary.long.is_some());
        let causal = config.architecture == Architecture::Decoder && !long;
        let sees_all = |end: &usize| causal || end + 1 == tokens.len();
        Ok(end.filter(|end| start < *end && idle && !standing && sees_all(end)))
    }

    /// The stream after the last layer at the position where `read` ends; of those in it only keys and values are worked
    /// out.
    ///
    /// # Shapes
    /// `[cell * batch, pos, d_model]` to `[cell * batch, 1, d_model]`.
    fn ends_of(&self, block: &Block, layer: usize, resid: &Tensor, read: Range<usize>) -> Result<Tensor> {
        let (copies, end) = (resid.dim(0)? / self.corrupt().batch(), read.end);
        let mut frame = self.frame(layer, copies, read.start)?;
        let here = Here::new(Default::default(), layer);
        let (k, v) = block.attention.keys_values(resid, &block.ln1, here, &mut frame)?;
        let kept = self.corrupt.kept.with_layer(layer, (k.narrow(1, 0, end)?, v.narrow(1, 0, end)?))?;
        let frame = self.frame_after(copies, end..end + 1, kept)?;
        self.through(block, layer, resid.narrow(1, read.len(), 1)?.contiguous()?, frame, &Plan::default())
    }

    /// What is done to several positions together whatever the cell: the first of them, and the last.
    fn mixed(&self) -> Result<Vec<(usize, usize)>> {
        let (len, config) = (self.corrupt().len(), self.model.config());
        let sizes = Sizes { batch: self.corrupt().batch(), source: len, target: len, past: 0 };
        let model = self.corrupt.run.model();
        let again = model.standing().iter().filter(|one| one.mixes() && (one.site().layer().is_some() || at_end(one)));
        let ends = |one: &Intervention| {
            let narrowed =
                one.indices(&config, sizes)?.into_iter().find(|(dim, _)| Some(*dim) == cell::along(one.site()));
            let positions = narrowed.map_or_else(|| vec![0, len - 1], |(_, positions)| positions);
            Ok((positions.iter().copied().min().unwrap_or(0), positions.into_iter().max().unwrap_or(0)))
        };
        again.map(ends).collect()
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
        let mut all = Rows::default();
        let model = self.corrupt.run.model();
        for standing in model.standing().iter().filter(|one| one.site().layer() == Some(layer)) {
            let Some(standing) = standing.clone().within(start..len) else { continue };
            let standing = standing.check(&config, sizes)?.reading(&self.corrupt(), start)?;
            // The stream that a cell begins with was recorded after what is done to it here.
            let rows = if standing.site() == Site::resid_pre(layer) { entered } else { cells.len() };
            (0..rows).for_each(|cell| all.put(cell, standing.clone()));
        }
        for (index, cell) in cells.iter().enumerate() {
            for mut one in cell.in_layer(layer, start..len) {
                if one.is_open() {
                    let site = one.site();
                    one = one.filled(cell::from(&values.get(site)?, site, start)?);
                }
                all.put(index, one.check(&config, sizes)?.reading(&self.corrupt(), start)?);
            }
        }
        Ok(all.plan(batch))
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
        let (config, stack) = (self.model.config(), &self.model.transformer().blocks);
        Frame::going_on(&config, stack, copies * tokens.batch(), positions, real, kept)
    }
}

/// Where to begin so that of what is done to several positions together, all are run or none.
fn before(start: usize, mixed: &[(usize, usize)]) -> usize {
    let earlier = mixed.iter().filter(|(first, last)| *first < start && start <= *last).map(|(first, _)| *first).min();
    earlier.map_or(start, |earlier| before(earlier, mixed))
}
