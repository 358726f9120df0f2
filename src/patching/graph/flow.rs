//! A run in which every edge carries the sender's output of this run or of another.

use super::{Ends, Receiver, Step, of_cross_heads};
use crate::{
    Result,
    hook::{Point, Site, replace},
    net::{Here, Plan, Tap},
    patching::{Patching, frames::LookedAt},
    tensor::from_values,
};
use candle_core::Tensor;
use std::ops::Range;

impl Patching {
    /// The metrics of every text of the first run when the kept edges carry their sender's output in this run, and all
    /// others its output in the other run.
    ///
    /// Each receiver reads its own sum: the first run's stream, plus the sender's change along each kept edge, plus the
    /// difference to the other run along each other edge. This is one matrix product for all receivers of a kind in a
    /// layer.
    ///
    /// # Shapes
    /// `kept`: by indices of sender and receiver; result: `[metric, one, batch]`.
    pub(super) fn flow(&self, ends: &Ends, kept: &dyn Fn(usize, usize) -> bool) -> Result<Vec<Vec<Vec<f32>>>> {
        let (graph, sizes) = (&ends.graph, self.corrupt_input().sizes());
        let stack = self.experiment.model.transformer().stack(graph.stack);
        // By how much each sender differs from the first run: the embedding by nothing.
        let mut moved = vec![ends.here.narrow(0, 0, 1)?.zeros_like()?];
        for (layer, block) in stack.blocks.iter().enumerate() {
            let here = Here::new(graph.stack, layer);
            let mut plan = Plan::default();
            for site in [Point::QInput, Point::KInput, Point::VInput].map(|point| graph.site(layer, point)) {
                let read = replace(site, ends.heard(site, &moved, kept)?);
                plan.order(site).edits.push(read.check(&self.experiment.model.config(), sizes)?);
            }
            for point in [Point::Z, Point::CrossZ] {
                plan.order(graph.site(layer, point)).record = true;
            }
            let encoded = ends.across.get(layer).map_or(LookedAt::Nothing, LookedAt::KeysValues);
            let (mut frame, mut tap) = (self.frame(stack, layer, 1, 0, encoded)?, Tap::new(&plan));
            let stream = ends.streams.get(graph.site(layer, Point::ResidPre))?;
            block.attention.forward(&stream, &block.ln1, here, &mut frame, &mut tap)?;
            let first = graph.before_layer(layer);
            for (_, z) in std::mem::take(&mut tap.recorded) {
                let wrote = ends.writing.of_heads(block, layer, &block.attention.head_results(&z)?)?;
                moved.push((wrote - ends.here.narrow(0, first, graph.heads())?)?);
            }
            if let Some(cross) = &block.cross {
                let read = ends.heard(graph.site(layer, Point::CrossAttnIn), &moved, kept)?.squeeze(2)?;
                cross.attention.forward(&read, &cross.ln, here.across(), &mut frame, &mut tap)?;
                for (_, z) in std::mem::take(&mut tap.recorded) {
                    let wrote = of_cross_heads(&cross.attention.head_results(&z)?)?;
                    moved.push((wrote - ends.here.narrow(0, first + graph.heads(), graph.heads())?)?);
                }
            }
            if let Some(mlp) = &block.mlp {
                let read = ends.heard(graph.site(layer, Point::MlpIn), &moved, kept)?.squeeze(2)?;
                let wrote = block.feed_stream(mlp, &read, here)?.unsqueeze(0)?;
                moved.push((wrote - ends.here.narrow(0, first + graph.attending(), 1)?)?);
            }
        }
        let last = ends.heard(graph.last_stream(), &moved, kept)?.squeeze(2)?;
        self.measure_after(ends, &last)
    }
}

impl Ends {
    /// The inputs of the receivers at a site.
    ///
    /// # Shapes
    /// `moved`: `[sender, batch, pos, d_model]` in pieces; result: `[batch, pos, receiver, d_model]`.
    fn heard(&self, site: Site, moved: &[Tensor], kept: &dyn Fn(usize, usize) -> bool) -> Result<Tensor> {
        let receivers = self.graph.receivers().into_iter().enumerate();
        let here: Vec<_> = receivers.filter(|(_, receiver)| self.graph.site_of(*receiver).0 == site).collect();
        let Some(&(_, receiver)) = here.first() else {
            return Err(candle_core::Error::Msg(format!("no part reads at {site}")).into());
        };
        let own = Tensor::cat(moved, 0)?;
        let mut change: Option<Tensor> = None;
        for step in self.writing.steps(&self.graph, receiver) {
            change = Some(match (step, change.take()) {
                (Step::Norm(layer, mid), Some(change)) => self.writing.through(layer, mid, change)?,
                (Step::Norm(..), None) => continue,
                (Step::Add(senders, layer), change) => {
                    let moves = self.moves(&own, senders, &here, kept)?;
                    let moves = layer.map_or(Ok(moves.clone()), |layer| self.writing.changed(layer, moves))?;
                    change.map_or(Ok(moves.clone()), |change| change + moves)?
                }
            });
        }
        let stream = self.streams.get(self.graph.stream_of(receiver))?.unsqueeze(2)?;
        let heard = match change {
            Some(change) => stream.broadcast_add(&change.permute((1, 2, 0, 3))?)?,
            None => stream,
        };
        Ok(heard.contiguous()?)
    }

    /// The changes that some senders add to each receiver's input: their own along a kept edge, the difference to the
    /// other run along any other.
    ///
    /// # Shapes
    /// `own`: `[sender, batch, pos, d_model]`; result: `[receiver, batch, pos, d_model]`.
    fn moves(
        &self,
        own: &Tensor,
        senders: Range<usize>,
        receivers: &[(usize, Receiver)],
        kept: &dyn Fn(usize, usize) -> bool,
    ) -> Result<Tensor> {
        let (first, count) = (senders.start, senders.len());
        let both = Tensor::cat(&[&own.narrow(0, first, count)?, &self.way(first, count)?], 0)?;
        let (_, batch, pos, width) = both.dims4()?;
        let row = |&(receiver, _): &(usize, _)| {
            let keeps = senders.clone().map(move |sender| f32::from(kept(sender, receiver)));
            keeps.clone().chain(keeps.map(|keeps| 1.0 - keeps)).collect::<Vec<_>>()
        };
        let weights: Vec<f32> = receivers.iter().flat_map(row).collect();
        let weights = from_values(weights, (receivers.len(), 2 * count))?;
        let moves = weights.matmul(&both.reshape((2 * count, batch * pos * width))?)?;
        Ok(moves.reshape((receivers.len(), batch, pos, width))?)
    }
}
