//! [`Ends`]: what every part writes in two runs, and the stream of the first.

use super::Graph;
use crate::{
    Model, Result,
    cache::ActivationCache,
    hook::Site,
    patching::{Patching, source::Source},
};
use candle_core::Tensor;

/// Two runs of prompts of the same shape.
pub(super) struct Ends {
    pub(super) graph: Graph,
    /// What the first run's stream is, wherever it is read.
    pub(super) streams: ActivationCache,
    /// What the senders write in the first run: `[sender, batch, pos, d_model]`.
    pub(super) here: Tensor,
    /// How far that is from what they write in the other.
    way: Tensor,
}

impl Patching {
    /// The prompts that values are put into, and what is put in.
    pub(super) fn corrupt_to_source(&self) -> Result<Ends> {
        let (corrupt, prompts) = (self.corrupt.run.model(), Source::Run(self.corrupt().clone()));
        self.two_runs((corrupt, &prompts), (&self.model, &self.source))
    }

    /// What is to be explained, and what the rest of the model is given instead: clean and corrupt prompts; in an
    /// ablation the prompts and what is put into them.
    pub(super) fn intact_to_rest(&self) -> Result<Ends> {
        let (corrupt, prompts) = (self.corrupt.run.model(), Source::Run(self.corrupt().clone()));
        match self.ablates {
            true => self.two_runs((corrupt, &prompts), (&self.model, &self.source)),
            false => self.two_runs((&self.model, &self.source), (corrupt, &prompts)),
        }
    }

    fn two_runs(&self, first: (&Model, &Source), other: (&Model, &Source)) -> Result<Ends> {
        let graph = Graph::of(first.0)?;
        Graph::of(other.0)?;
        let writing = graph.writing_sites();
        let first = first.1.values(first.0, self.corrupt(), [writing.clone(), graph.stream_sites()].concat())?;
        let here = self.written(&graph, &first)?;
        let stream = |site| Ok((site, first.get(site)?.clone()));
        let streams = graph.stream_sites().into_iter().map(stream).collect::<Result<_>>()?;
        let streams = ActivationCache::new(streams, self.corrupt().clone(), None);
        let way = (self.written(&graph, &other.1.values(other.0, self.corrupt(), writing)?)? - &here)?;
        Ok(Ends { graph, streams, here, way })
    }

    /// What the senders write.
    ///
    /// # Shapes
    /// `[sender, batch, pos, d_model]`
    pub(super) fn written(&self, graph: &Graph, values: &ActivationCache) -> Result<Tensor> {
        let mut parts = Vec::new();
        for site in graph.writing_sites() {
            let value = values.get(site)?;
            parts.push(match site.layer() {
                Some(layer) if site == Site::result(layer) => {
                    self.model.transformer().blocks.blocks[layer].scaled(value.permute((2, 0, 1, 3))?)?
                }
                _ => value.unsqueeze(0)?,
            });
        }
        Ok(Tensor::cat(&parts, 0)?)
    }
}

impl Ends {
    /// The way from the first run to the other, for some of the senders.
    ///
    /// # Shapes
    /// `[sender, batch, pos, d_model]`
    pub(super) fn way(&self, from: usize, count: usize) -> Result<Tensor> {
        Ok(self.way.narrow(0, from, count)?)
    }
}
