//! Path patching: the effect of one part on another, along chosen paths only.

use super::{Effect, Ends, Receiver, Sender, ToReceivers, ToSenders};
use crate::{
    Result,
    config::Sizes,
    error::PatchError,
    hook::{Point, Site, replace},
    net::{Here, Plan, Tap},
    ops::in_pool,
    patching::{PatchSweep, Patching, frames::LookedAt},
    tensor::from_values,
};
use candle_core::Tensor;
use std::collections::BTreeMap;

/// The parts between sender and receiver that are recomputed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Between {
    /// None: the edges alone.
    Nothing,
    /// MLPs.
    Mlps,
}

impl Patching {
    /// Path patching (Wang et al. 2023). The receivers read the stream as it would be if the senders wrote their output
    /// of the clean run, *all other heads were frozen*, and the MLPs in between were recomputed. From the receivers on
    /// the model runs normally. Everything is computed exactly, norms included.
    ///
    /// Senders and receivers are named as in [the module](super), or given as lists: senders `"a0.h0"`, `"m3"`,
    /// `"embed"`; receivers `"a1.h0.k"`, `"a1.h0"` (its query, key and value), `"m3"`, `"logits"`. Receivers in later
    /// layers do not read the changes that earlier receivers cause.
    ///
    /// # Errors
    /// When a name is wrong, a receiver reads none of the senders, or the model carries interventions.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{patching::{Metric, Patching}, prelude::*};
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let patching =
    ///     Patching::new(&model, "red fox blue owl tree red fox", "red owl blue fox tree red fox", metric)?;
    /// // The head that looks back tells the induction head's keys which token came before, and nothing else matters.
    /// assert!(patching.path("a0.h0", "a1.h0.k")?.recovered() > 0.75);
    /// assert!(patching.path("a0.h0", ["a1.h0.q", "a1.h0.v", "logits"])?.recovered().abs() < 0.01);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias("path_patching", "path_patch", "iter_path_patch"))]
    pub fn path(&self, senders: impl ToSenders, receivers: impl ToReceivers) -> Result<Effect> {
        self.one_path(
            &senders.senders(&self.experiment.model)?,
            &receivers.receivers(&self.experiment.model)?,
            Between::Mlps,
        )
    }

    /// As [`Patching::path`], with the MLPs in between frozen too: exactly the edges from the senders to the receivers
    /// (Goldowsky-Dill et al. 2023).
    ///
    /// # Errors
    /// As [`Patching::path`].
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let (clean, corrupt) = ("red fox blue owl tree red fox", "red owl blue fox tree red fox");
    /// let patching = Patching::new(&model, clean, corrupt, metric)?;
    /// assert!(patching.direct_path("a0.h0", "a1.h0.k")?.recovered() > 0.75);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn direct_path(&self, senders: impl ToSenders, receivers: impl ToReceivers) -> Result<Effect> {
        self.one_path(
            &senders.senders(&self.experiment.model)?,
            &receivers.receivers(&self.experiment.model)?,
            Between::Nothing,
        )
    }

    /// [`Patching::path`] from every head to the receivers: `[layer, head]`. A head that no receiver reads has no
    /// effect.
    ///
    /// # Errors
    /// As [`Patching::path`].
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let (clean, corrupt) = ("red fox blue owl tree red fox", "red owl blue fox tree red fox");
    /// let patching = Patching::new(&model, clean, corrupt, metric)?;
    /// let map = patching.paths_to("a1.h0.k")?.mean(); // [layer, head]
    /// assert!(map[[0, 0]] > 0.75 && map[[0, 1]].abs() < 0.1); // only the previous-token head
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn paths_to(&self, receivers: impl ToReceivers) -> Result<PatchSweep> {
        self.of_every_head(&receivers.receivers(&self.experiment.model)?, Between::Mlps)
    }

    /// [`Patching::direct_path`] from every head to the receivers: `[layer, head]`.
    ///
    /// # Errors
    /// As [`Patching::path`].
    pub fn direct_paths_to(&self, receivers: impl ToReceivers) -> Result<PatchSweep> {
        self.of_every_head(&receivers.receivers(&self.experiment.model)?, Between::Nothing)
    }

    fn one_path(&self, senders: &[Sender], receivers: &[Receiver], between: Between) -> Result<Effect> {
        let ends = self.corrupt_to_source()?;
        if senders.is_empty() || receivers.is_empty() {
            return Err(PatchError::NoEnds { senders: senders.len(), receivers: receivers.len() }.into());
        }
        for &receiver in receivers {
            let hears = |&sender: &Sender| ends.graph.has_edge(sender, receiver);
            if !senders.iter().map(hears).collect::<Result<Vec<_>>>()?.contains(&true) {
                ends.graph.check_edge(senders[0], receiver)?;
            }
        }
        let cell = senders.iter().map(|&sender| ends.graph.sender_index(sender)).collect::<Result<Vec<_>>>()?;
        let values = self.along_paths(&ends, &[cell], receivers, between)?;
        let name = format!("{} → {}", listed(senders), listed(receivers));
        Ok(Effect(self.mapped((&self.experiment.deed, &name), Vec::new(), values)?))
    }

    fn of_every_head(&self, receivers: &[Receiver], between: Between) -> Result<PatchSweep> {
        let ends = self.corrupt_to_source()?;
        if receivers.is_empty() {
            return Err(PatchError::NoEnds { senders: ends.here.dim(0)?, receivers: 0 }.into());
        }
        receivers.iter().try_for_each(|&receiver| ends.graph.receiver_index(receiver).map(drop))?;
        let is_head = |(_, sender): &(usize, Sender)| matches!(sender, Sender::Head { .. });
        let senders = ends.graph.senders().into_iter().enumerate().filter(is_head);
        let cells: Vec<_> = senders.map(|(index, _)| vec![index]).collect();
        let values = self.along_paths(&ends, &cells, receivers, between)?;
        let how = if between == Between::Nothing { "directly " } else { "" };
        let name = format!("path from each head {how}to {}", listed(receivers));
        self.mapped((&self.experiment.deed, &name), vec![self.layer_axis(), self.head_axis("head")], values)
    }

    /// The metrics of every text when the other run's outputs of each cell's senders reach the receivers.
    ///
    /// # Shapes
    /// `cells`: indices of senders; result: `[metric, cell, batch]`.
    pub(super) fn along_paths(
        &self,
        ends: &Ends,
        cells: &[Vec<usize>],
        receivers: &[Receiver],
        between: Between,
    ) -> Result<Vec<Vec<Vec<f32>>>> {
        let positions = self.corrupt().len() * self.corrupt().batch();
        let mut results = vec![Vec::new(); self.measured().count()];
        for cells in cells.chunks((self.budget / positions.max(1)).max(1)) {
            let values = in_pool(|| {
                let arriving = self.arriving(ends, cells, receivers, between)?;
                self.received(ends, cells.len(), receivers, &arriving)
            })?;
            results.iter_mut().zip(values).for_each(|(all, values)| all.extend(values));
        }
        Ok(results)
    }

    /// The change of each receiver's input, by its site.
    ///
    /// # Shapes
    /// `[cell * batch, pos, d_model]`
    fn arriving(
        &self,
        ends: &Ends,
        cells: &[Vec<usize>],
        receivers: &[Receiver],
        between: Between,
    ) -> Result<BTreeMap<Site, Tensor>> {
        let graph = &ends.graph;
        let wanted: Vec<Site> = receivers.iter().map(|&receiver| graph.stream_of(receiver)).collect();
        let last = receivers.iter().map(|receiver| receiver.layer().unwrap_or(graph.layers)).max().unwrap_or(0);
        let mut moved = self.moved_by(ends, cells, 0, 1)?;
        let mut arriving = BTreeMap::new();
        let mut keep = |site: Site, moved: &Tensor| {
            if wanted.contains(&site) {
                arriving.insert(site, moved.clone());
            }
        };
        let blocks = &self.experiment.model.transformer().stack(graph.stack).blocks;
        let at = |layer, point| graph.site(layer, point);
        for (layer, block) in blocks.iter().enumerate().take(last + 1) {
            keep(at(layer, Point::ResidPre), &moved);
            let (first, heads, attending) = (graph.before_layer(layer), graph.heads(), graph.attending());
            let by_heads = self.moved_by(ends, cells, first, heads)?;
            let changed = self.each(by_heads, |by| ends.writing.changed(layer, by))?;
            let mut with_heads = (&moved + changed)?;
            if block.cross.is_some() {
                keep(at(layer, Point::ResidMid), &with_heads);
                with_heads = (with_heads + self.moved_by(ends, cells, first + heads, attending - heads)?)?;
            }
            let Some(mlp) = &block.mlp else {
                moved = with_heads;
                continue;
            };
            let site = graph.stream_of(Receiver::Mlp { layer });
            let read = if block.parallel { &moved } else { &with_heads };
            keep(site, read);
            let told = self.moved_by(ends, cells, first + attending, 1)?;
            let made = match between {
                Between::Nothing => told,
                Between::Mlps => {
                    let stream = repeated(&ends.streams.get(site)?, cells.len())?;
                    let out = block.feed_stream(mlp, &(stream + read)?, Here::new(graph.stack, layer))?;
                    let was = repeated(&ends.here.get(first + attending)?, cells.len())?;
                    // An MLP that is itself a sender says what it is told to.
                    let own = self.share(cells, first + attending, 1, |is_sender| f32::from(!is_sender))?;
                    (told + (out - was)?.broadcast_mul(&own)?)?
                }
            };
            let past_mid = self.each(with_heads, |by| ends.writing.through(layer, true, by))?;
            moved = self.each((past_mid + made)?, |by| ends.writing.through(layer, false, by))?;
        }
        keep(graph.last_stream(), &moved);
        Ok(arriving)
    }

    /// The change by `count` senders from `first` on, in the cells that they belong to.
    ///
    /// # Shapes
    /// `[cell * batch, pos, d_model]`
    fn moved_by(&self, ends: &Ends, cells: &[Vec<usize>], first: usize, count: usize) -> Result<Tensor> {
        let way = ends.way(first, count)?;
        let (_, batch, pos, width) = way.dims4()?;
        let among =
            |cell: &Vec<usize>| (first..first + count).map(|at| f32::from(cell.contains(&at))).collect::<Vec<_>>();
        let chosen: Vec<f32> = cells.iter().flat_map(among).collect();
        let chosen = from_values(chosen, (cells.len(), count))?;
        let moved = chosen.matmul(&way.reshape((count, batch * pos * width))?)?;
        Ok(moved.reshape((cells.len() * batch, pos, width))?)
    }

    /// The output of a norm for a change in every cell.
    ///
    /// # Shapes
    /// `[cell * batch, pos, d_model]` in and out; for `of`: `[cell, batch, pos, d_model]`.
    fn each(&self, by: Tensor, of: impl Fn(Tensor) -> Result<Tensor>) -> Result<Tensor> {
        let (rows, pos, width) = by.dims3()?;
        let batch = self.corrupt().batch();
        let by = by.reshape((rows / batch.max(1), batch, pos, width))?;
        Ok(of(by)?.reshape((rows, pos, width))?)
    }

    /// 1 for each row whose cell has the sender, 0 for the others.
    ///
    /// # Shapes
    /// `[cell * batch, one, one]`
    fn share(&self, cells: &[Vec<usize>], first: usize, count: usize, value: impl Fn(bool) -> f32) -> Result<Tensor> {
        let batch = self.corrupt().batch();
        let of_cell = |cell: &Vec<usize>| vec![value((first..first + count).any(|at| cell.contains(&at))); batch];
        let values: Vec<f32> = cells.iter().flat_map(of_cell).collect();
        Ok(from_values(values, (cells.len() * batch, 1, 1))?)
    }

    /// The metrics when the receivers read their changed inputs, and everything after them runs normally.
    fn received(
        &self,
        ends: &Ends,
        cells: usize,
        receivers: &[Receiver],
        arriving: &BTreeMap<Site, Tensor>,
    ) -> Result<Vec<Vec<Vec<f32>>>> {
        let graph = &ends.graph;
        let read = |site: Site| -> Result<Tensor> {
            let stream = repeated(&ends.streams.get(site)?, cells)?;
            Ok(arriving.get(&site).map_or(Ok(stream.clone()), |moved| &stream + moved)?)
        };
        // The last stream is what it is, whatever else is received.
        if receivers.contains(&Receiver::Logits) {
            return self.measure_after(ends, &read(graph.stream_of(Receiver::Logits))?);
        }
        let (input, stack) = (self.corrupt_input(), self.experiment.model.transformer().stack(graph.stack));
        let sizes = Sizes { batch: cells * input.batch(), ..input.sizes() };
        let mut plan = Plan::default();
        for &receiver in receivers {
            let (site, head) = graph.site_of(receiver);
            let value = read(graph.stream_of(receiver))?;
            let put = match (receiver, head) {
                (_, Some(head)) => replace(site, value.unsqueeze(2)?).head(head as i64),
                // Where a norm stands on the stream in front of the MLP, the stream passes the same hook.
                (Receiver::Mlp { layer }, _) if graph.is_on_sum() => {
                    let (block, here) = (&stack.blocks[layer], Here::new(graph.stack, layer));
                    let made = block.mlp.as_ref().map(|mlp| block.feed_stream(mlp, &value, here)).transpose()?;
                    replace(graph.site(layer, Point::MlpOut), made.unwrap_or(value))
                }
                _ => replace(site, value),
            };
            plan.order(put.site()).edits.push(put.check(&self.experiment.model.config(), sizes)?);
        }
        let first = receivers.iter().filter_map(|receiver| receiver.layer()).min().unwrap_or(0);
        let mut resid = repeated(&ends.streams.get(graph.site(first, Point::ResidPre))?, cells)?;
        for layer in first..stack.blocks.len() {
            let mut frame = self.frame(stack, layer, cells, 0, LookedAt::Before)?;
            resid = stack.run_block(layer, resid, &mut frame, &mut Tap::new(&plan))?;
        }
        self.measure_after(ends, &resid)
    }
}

/// The same texts for every cell.
fn repeated(x: &Tensor, cells: usize) -> Result<Tensor> {
    Ok(x.repeat((cells, 1, 1))?)
}

fn listed(parts: &[impl ToString]) -> String {
    parts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
