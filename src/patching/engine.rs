//! Runs many cells of a map at once: from the corrupt run's stream, only at positions that can change, in batches that
//! grow from layer to layer.

use super::{
    Metric, Patching,
    baseline::Baselines,
    cell::{self, Cell},
    frames::LookedAt,
    passes::at_end,
    rows::Rows,
};
use crate::{
    Result,
    cache::ActivationCache,
    hook::{Intervention, Point, Site, Stack},
    model::{Architecture, Position},
    net::{Plan, Tap, transformer::StackParts},
    ops::in_pool,
};
use candle_core::Tensor;
use std::collections::BTreeMap;

/// Cells that run in one batch, ordered by their first block.
struct Group<'a> {
    cells: &'a [&'a Cell],
    /// The first position of what the last stack reads that is run.
    start: usize,
    values: &'a ActivationCache,
}

impl Patching {
    /// The metrics of every text with each cell patched.
    ///
    /// # Shapes
    /// `[metric, cell, batch]`
    pub(super) fn run_cells(&self, cells: &[Cell]) -> Result<Vec<Vec<Vec<f32>>>> {
        let mut sites: Vec<Site> = cells.iter().flat_map(Cell::sites).collect();
        sites.sort();
        sites.dedup();
        let (input, config) = (self.corrupt_input(), self.experiment.model.config());
        let values = self.experiment.source.values(&self.experiment.model, &input, sites)?;
        let causal = config.architecture != Architecture::Encoder;
        let encoder_layers = config.encoder.as_ref().map_or(0, |encoder| encoder.n_layers);
        let untouched = |(_, (_, corrupt)): (&Metric, &Baselines)| vec![corrupt.clone(); cells.len()];
        let mut results: Vec<_> = self.measured().map(untouched).collect();
        let (mixed, last) = (self.mixed()?, self.answers()?.into_iter().max());
        // Cells of an encoder beside a decoder run apart from those of the decoder, which look at what it gave before.
        let mut groups: BTreeMap<(bool, usize), Vec<usize>> = BTreeMap::new();
        for (index, start) in self.starts(cells, &values)?.into_iter().enumerate() {
            let (Some(start), decodes) = (start, cells[index].block >= encoder_layers) else { continue };
            // What comes after all answers does nothing to them.
            match causal {
                true if Some(start) > last && mixed.is_empty() => continue,
                true => groups.entry((decodes, before(start, &mixed))).or_default().push(index),
                false => groups.entry((decodes, 0)).or_default().push(index),
            }
        }
        for ((decodes, start), mut group) in groups {
            group.sort_by_key(|&index| cells[index].block);
            let source = if decodes { 0 } else { input.of(Stack::Encoder).len() };
            let positions = source.max(self.corrupt().len() - start) * input.batch();
            let at_once = (self.budget / positions).max(1);
            for chunk in group.chunks(at_once) {
                let chosen: Vec<&Cell> = chunk.iter().map(|&index| &cells[index]).collect();
                let together = Group { cells: &chosen, start, values: &values };
                let together = in_pool(|| self.run_together(&together, !decodes))?;
                for (results, of_metric) in results.iter_mut().zip(together) {
                    chunk.iter().zip(of_metric).for_each(|(&index, values)| results[index] = values);
                }
            }
        }
        Ok(results)
    }

    /// Runs a group of cells from the first block that any of them changes. `encodes`: whether that block is in an
    /// encoder beside a decoder, which then runs as a whole.
    fn run_together(&self, group: &Group, encodes: bool) -> Result<Vec<Vec<Vec<f32>>>> {
        let transformer = self.experiment.model.transformer();
        let of_encoder = transformer.encoder.as_ref().filter(|_| encodes);
        let encoded = match of_encoder {
            None => None,
            Some(encoder) => {
                let Some(stream) = self.run_stack(encoder, group, None)? else { return Ok(Vec::new()) };
                let plan = self.plan_between(group)?;
                Some(encoder.finish(&stream, &mut Tap::new(&plan))?)
            }
        };
        match self.run_last(&transformer.last, group, encoded.as_ref())? {
            Some((resid, start)) => self.measure(&resid, start),
            None => Ok(Vec::new()),
        }
    }

    /// The stream of all cells after a stack that is not the last.
    fn run_stack(&self, stack: &StackParts, group: &Group, encoded: Option<&Tensor>) -> Result<Option<Tensor>> {
        let mut resid = None;
        let mut joined = 0;
        for layer in 0..stack.blocks.len() {
            let entering = self.entering(stack, layer, group, joined, encoded);
            resid = self.next(stack, layer, group, (resid, joined, entering), encoded)?;
            joined += entering;
        }
        Ok(resid)
    }

    /// The stream of all cells after the last stack, and its first position.
    fn run_last(&self, stack: &StackParts, group: &Group, encoded: Option<&Tensor>) -> Result<Option<(Tensor, usize)>> {
        let (mut resid, mut joined, start): (Option<Tensor>, _, _) = (None, 0, group.start);
        for layer in 0..stack.blocks.len() {
            let entering = self.entering(stack, layer, group, joined, encoded);
            let (earlier, new) = group.cells[..joined + entering].split_at(joined);
            if layer + 1 == stack.blocks.len()
                && let Some(end) = self.only_end(earlier, start)?
            {
                // EncoderOutput by cell, it is given to those in question.
                let of = |first: usize, count: usize| self.encoded_of(encoded, first, count);
                let earlier = match &resid {
                    Some(resid) => Some(self.ends_of(stack, layer, resid, (start, end), of(0, joined)?)?),
                    None => None,
                };
                let alone = Group { cells: new, ..*group };
                let new = self.next(stack, layer, &alone, (None, 0, entering), of(joined, entering)?.as_ref())?;
                let new = new.map(|new| new.narrow(1, end - start, 1)).transpose()?;
                let ends: Vec<Tensor> = earlier.into_iter().chain(new).collect();
                return Ok(Some((Tensor::cat(&ends, 0)?, end)));
            }
            resid = self.next(stack, layer, group, (resid, joined, entering), encoded)?;
            joined += entering;
        }
        Ok(resid.map(|resid| (resid, start)))
    }

    /// The number of cells that start at a layer. If each cell has its own encoder output, all start at the first
    /// layer.
    fn entering(
        &self,
        stack: &StackParts,
        layer: usize,
        group: &Group,
        joined: usize,
        encoded: Option<&Tensor>,
    ) -> usize {
        let config = self.experiment.model.config();
        let block = config.block_at(Site::in_block(stack.stack, layer, Point::ResidPre));
        match encoded {
            Some(_) => group.cells.len() - joined,
            None => group.cells[joined..].iter().take_while(|cell| Some(cell.block) == block).count(),
        }
    }

    /// The stream after one more layer, for the cells that run already and for those that start here with the corrupt
    /// run's stream.
    ///
    /// # Shapes
    /// `[cell * batch, pos, d_model]`
    fn next(
        &self,
        stack: &StackParts,
        layer: usize,
        group: &Group,
        (resid, joined, entering): (Option<Tensor>, usize, usize),
        encoded: Option<&Tensor>,
    ) -> Result<Option<Tensor>> {
        let cells = joined + entering;
        if cells == 0 {
            return Ok(None);
        }
        let start = self.first_position(stack.stack, group.start);
        let new = self.streams(stack.stack, layer, start, entering)?;
        let all: Vec<Tensor> = resid.into_iter().chain(new).collect();
        let anew = encoded.map_or(LookedAt::Before, LookedAt::Encoded);
        let plan = self.plan((stack.stack, layer), group, cells, joined, encoded.is_some())?;
        let mut frame = self.frame(stack, layer, cells, start, anew)?;
        stack.run_block(layer, Tensor::cat(&all, 0)?, &mut frame, &mut Tap::new(&plan)).map(Some)
    }

    /// The corrupt run's stream at a layer, repeated for this many cells.
    fn streams(&self, stack: Stack, layer: usize, start: usize, cells: usize) -> Result<Option<Tensor>> {
        let site = Site::in_block(stack, layer, Point::ResidPre);
        let stream = cell::from(&self.baseline.corrupt.run.cache().get(site)?, site, start)?;
        Ok((cells > 0).then(|| stream.repeat((cells, 1, 1))).transpose()?)
    }

    /// The encoder's output in some of the cells, if each cell has its own.
    fn encoded_of(&self, encoded: Option<&Tensor>, first: usize, count: usize) -> Result<Option<Tensor>> {
        let batch = self.corrupt().batch();
        let some = |encoded: &Tensor| Ok(encoded.narrow(0, first * batch, count * batch)?.contiguous()?);
        encoded.filter(|_| count > 0).map(some).transpose()
    }

    /// The first position of a stack's text that is run. An encoder beside a decoder runs all positions.
    fn first_position(&self, stack: Stack, start: usize) -> usize {
        if stack == Stack::Encoder { 0 } else { start }
    }

    /// The single position after `start` whose last stream is read, if there is one, and if no intervention of these
    /// cells acts in or after the last layer.
    fn only_end(&self, cells: &[&Cell], start: usize) -> Result<Option<usize>> {
        let (tokens, config) = (self.corrupt(), self.experiment.model.config());
        let last = (config.last_stack(), config.n_layers.checked_sub(1));
        let in_last = |one: &Intervention| (one.site().stack(), one.site().layer()) == last;
        let idle = !cells.iter().flat_map(|cell| &cell.interventions).any(in_last);
        let model = self.baseline.corrupt.run.model();
        let standing = model.standing().iter().any(|one| in_last(one) || at_end(one));
        let answers = self.answers()?;
        let end = answers.first().copied().filter(|end| answers.iter().all(|other| other == end));
        // Keys of a text that is cut short may be turned by other angles.
        let long = matches!(&config.position, Position::Rotary(rotary) if rotary.long.is_some());
        let causal = config.architecture != Architecture::Encoder && !long;
        let sees_all = |end: &usize| causal || end + 1 == tokens.len();
        Ok(end.filter(|end| start < *end && idle && !standing && sees_all(end)))
    }

    /// The stream after the last layer at the position `end`. At the other positions from `start` on, only keys and
    /// values are computed.
    ///
    /// # Shapes
    /// `[cell * batch, pos, d_model]` to `[cell * batch, 1, d_model]`.
    fn ends_of(
        &self,
        stack: &StackParts,
        layer: usize,
        resid: &Tensor,
        (start, end): (usize, usize),
        encoded: Option<Tensor>,
    ) -> Result<Tensor> {
        let copies = resid.dim(0)? / self.corrupt().batch();
        let mut frame = self.frame(stack, layer, copies, start, LookedAt::Nothing)?;
        let Some((k, v)) = stack.keys_values(layer, resid, &mut frame)? else { return Ok(resid.clone()) };
        let kept = self.baseline.corrupt.kept.with_layer(layer, (k.narrow(1, 0, end)?, v.narrow(1, 0, end)?))?;
        let anew = encoded.as_ref().map_or(LookedAt::Before, LookedAt::Encoded);
        let mut frame = self.frame_after(stack, layer, copies, end..end + 1, kept, anew)?;
        let read = resid.narrow(1, end - start, 1)?.contiguous()?;
        stack.run_block(layer, read, &mut frame, &mut Tap::idle())
    }

    /// The position ranges of interventions that act on several positions jointly, in every cell: first and last
    /// position.
    fn mixed(&self) -> Result<Vec<(usize, usize)>> {
        let (len, config) = (self.corrupt().len(), self.experiment.model.config());
        let sizes = self.corrupt_input().sizes();
        let model = self.baseline.corrupt.run.model();
        // What is done in an encoder beside a decoder is done to all of it.
        let own = |one: &&Intervention| one.site().layer().is_some() && !config.is_of_encoder(one.site());
        let again = model.standing().iter().filter(|one| one.mixes() && (own(one) || at_end(one)));
        let ends = |one: &Intervention| {
            let narrowed =
                one.indices(&config, sizes)?.into_iter().find(|(dim, _)| Some(*dim) == cell::along(one.site()));
            let positions = narrowed.map_or_else(|| vec![0, len - 1], |(_, positions)| positions);
            Ok((positions.iter().copied().min().unwrap_or(0), positions.into_iter().max().unwrap_or(0)))
        };
        again.map(ends).collect()
    }

    /// The plan for a layer, in the rows of each running cell: the interventions of the corrupt run's model, then those
    /// of the cells. Cells from `entered` on start here. `anew`: whether each cell has its own encoder output, so that
    /// the keys and values of cross attention are recomputed.
    fn plan(
        &self,
        (stack, layer): (Stack, usize),
        group: &Group,
        cells: usize,
        entered: usize,
        anew: bool,
    ) -> Result<Plan> {
        let read = self.first_position(stack, group.start)..self.corrupt().len();
        let mut all = Rows::default();
        let model = self.baseline.corrupt.run.model();
        for standing in model.standing() {
            let site = standing.site();
            // Keys and values that the corrupt run made of what its encoder gave have been changed already.
            let done = stack == Stack::Decoder && !anew && matches!(site.point(), Point::CrossK | Point::CrossV);
            if (site.stack(), site.layer()) != (stack, Some(layer)) || done {
                continue;
            }
            let Some(standing) = standing.clone().within(read.clone()) else { continue };
            let standing = self.checked(standing, group.start)?;
            // The stream that a cell begins with was recorded after what is done to it here.
            let rows = if site == Site::in_block(stack, layer, Point::ResidPre) { entered } else { cells };
            (0..rows).for_each(|cell| all.put(cell, standing.clone()));
        }
        for (index, cell) in group.cells[..cells].iter().enumerate() {
            for mut one in cell.in_layer((stack, layer), read.clone()) {
                if one.is_open() {
                    let site = one.site();
                    one = one.filled(cell::from(&group.values.get(site)?, site, read.start)?);
                }
                all.put(index, self.checked(one, group.start)?);
            }
        }
        Ok(all.plan(self.corrupt().batch()))
    }

    /// The interventions of the corrupt run's model on the encoder's output, in every cell.
    fn plan_between(&self, group: &Group) -> Result<Plan> {
        let mut all = Rows::default();
        let model = self.baseline.corrupt.run.model();
        let between = |one: &&Intervention| one.site().layer().is_none() && one.site().is_after_encoder();
        for standing in model.standing().iter().filter(between) {
            let standing = self.checked(standing.clone(), 0)?;
            (0..group.cells.len()).for_each(|cell| all.put(cell, standing.clone()));
        }
        Ok(all.plan(self.corrupt().batch()))
    }

    /// An intervention for runs that read the last stack's text from `start` on.
    fn checked(&self, one: Intervention, start: usize) -> Result<Intervention> {
        let (input, config) = (self.corrupt_input(), self.experiment.model.config());
        let stack = config.reads_at(one.site());
        let start_here = self.first_position(stack, start);
        one.check(&config, input.sizes_from(start))?.reading(input.of(stack), start_here)
    }
}

/// Moves the start so that positions that are changed jointly are all run, or none of them.
fn before(start: usize, mixed: &[(usize, usize)]) -> usize {
    let earlier = mixed.iter().filter(|(first, last)| *first < start && start <= *last).map(|(first, _)| *first).min();
    earlier.map_or(start, |earlier| before(earlier, mixed))
}
