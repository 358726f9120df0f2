//! A run in which every edge carries what it is told to: the sender's output in this very run, or in another.

use super::Ends;
use crate::{
    Result,
    hook::{Site, replace},
    net::{Here, Plan, Tap},
    patching::{Patching, frames::EncoderOutput},
};
use candle_core::{Device, Tensor};

impl Patching {
    /// The metrics of every text of the first run when only the kept edges carry what their senders write, and all others
    /// what those write in the other run.
    ///
    /// Each receiver reads its own sum. It is the first run's stream, moved along each kept edge by what the sender has
    /// changed on the way, and along each other edge to the other run: one product of matrices for all receivers of a
    /// kind in a layer.
    ///
    /// # Shapes
    /// `kept`: by indices of sender and receiver; result: `[metric][one][batch]`.
    pub(super) fn flow(&self, ends: &Ends, kept: &dyn Fn(usize, usize) -> bool) -> Result<Vec<Vec<Vec<f32>>>> {
        let (graph, sizes) = (&ends.graph, self.corrupt_input().sizes());
        let stack = &self.experiment.model.transformer().last;
        // By how much each sender differs from the first run: the embedding by nothing.
        let mut moved = vec![ends.here.narrow(0, 0, 1)?.zeros_like()?];
        for (layer, block) in stack.blocks.iter().enumerate() {
            let here = Here::new(Default::default(), layer);
            let mut plan = Plan::default();
            for site in [Site::q_input(layer), Site::k_input(layer), Site::v_input(layer)] {
                let read = replace(site, ends.heard(site, &moved, kept)?);
                plan.order(site).edits.push(read.check(&self.experiment.model.config(), sizes)?);
            }
            plan.order(Site::z(layer)).record = true;
            let (mut frame, mut tap) = (self.frame(stack, layer, 1, 0, EncoderOutput::Unseen)?, Tap::new(&plan));
            let stream = ends.streams.get(Site::resid_pre(layer))?;
            block.attention.forward(&stream, &block.ln1, here, &mut frame, &mut tap)?;
            let first = graph.before_layer(layer);
            for (_, z) in tap.recorded {
                let wrote = ends.writing.of_heads(block, layer, &block.attention.head_results(&z)?)?;
                moved.push((wrote - ends.here.narrow(0, first, block.attention.n_heads)?)?);
            }
            if let Some(mlp) = &block.mlp {
                let read = ends.heard(Site::mlp_in(layer), &moved, kept)?.squeeze(2)?;
                let wrote = block.feed(mlp, read, here, &mut Tap::idle())?.unsqueeze(0)?;
                moved.push((wrote - ends.here.narrow(0, first + block.attention.n_heads, 1)?)?);
            }
        }
        let last = ends.heard(graph.last_stream(), &moved, kept)?.squeeze(2)?;
        self.measure(&last, 0)
    }
}

impl Ends {
    /// What the receivers at a site read.
    ///
    /// # Shapes
    /// `moved`: `[sender, batch, pos, d_model]` in pieces; result: `[batch, pos, receiver, d_model]`.
    fn heard(&self, site: Site, moved: &[Tensor], kept: &dyn Fn(usize, usize) -> bool) -> Result<Tensor> {
        let receivers = self.graph.receivers().into_iter().enumerate();
        let here: Vec<_> = receivers.filter(|(_, receiver)| receiver.site(self.graph.layers).0 == site).collect();
        let Some(&(_, receiver)) = here.first() else {
            return Err(candle_core::Error::Msg(format!("no part reads at {site}")).into());
        };
        let senders = self.graph.before(receiver);
        let own = Tensor::cat(moved, 0)?;
        let mut heard = self.streams.get(self.graph.stream_of(receiver))?.unsqueeze(2)?;
        for (group, layer) in self.writing.groups(&self.graph, senders) {
            let (first, count) = (group.start, group.len());
            let both = Tensor::cat(&[&own.narrow(0, first, count)?, &self.way(first, count)?], 0)?;
            let (_, batch, pos, width) = both.dims4()?;
            let row = |&(receiver, _): &(usize, _)| {
                let keeps = group.clone().map(move |sender| f32::from(kept(sender, receiver)));
                keeps.clone().chain(keeps.map(|keeps| 1.0 - keeps)).collect::<Vec<_>>()
            };
            let weights: Vec<f32> = here.iter().flat_map(row).collect();
            let weights = Tensor::from_vec(weights, (here.len(), 2 * count), &Device::Cpu)?;
            let moves = weights.matmul(&both.reshape((2 * count, batch * pos * width))?)?;
            let moves = moves.reshape((here.len(), batch, pos, width))?;
            let moves = layer.map_or(Ok(moves.clone()), |layer| self.writing.changed(layer, moves))?;
            heard = heard.broadcast_add(&moves.permute((1, 2, 0, 3))?)?;
        }
        Ok(heard.contiguous()?)
    }
}
