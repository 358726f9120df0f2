//! [`Ends`]: what every part writes in two runs, and the stream of the first.

use super::{Behind, Graph};
use crate::{
    Model, Result,
    cache::ActivationCache,
    hook::Site,
    net::parts::Block,
    patching::{Patching, baseline::Baseline, source::Source},
};
use candle_core::Tensor;
use std::{borrow::Cow, ops::Range};

/// How what the heads of each layer write is counted.
pub(super) struct Writing {
    /// Norms behind attention, as they stand in the run that is changed.
    behind: Vec<Option<Behind>>,
    /// Whether these are held fast, so that each head's share of what they make is its own.
    held: bool,
}

/// Two runs of prompts of the same shape.
pub(super) struct Ends {
    pub(super) graph: Graph,
    pub(super) writing: Writing,
    /// What the first run's stream is, wherever it is read.
    pub(super) streams: ActivationCache,
    /// What the senders write in the first run, heads as [`Writing::of_heads`] has it: `[sender, batch, pos, d_model]`.
    pub(super) here: Tensor,
    /// How far that is from what they write in the other.
    way: Tensor,
}

impl Patching {
    /// The prompts that values are put into, and what is put in.
    pub(super) fn corrupt_to_source(&self) -> Result<Ends> {
        let (corrupt, prompts) = (self.baseline.corrupt.run.model(), Source::Run(self.corrupt_input()));
        self.two_runs((&corrupt, &prompts), (&self.experiment.model, &self.experiment.source))
    }

    /// What is to be explained, and what the rest of the model is given instead: clean and corrupt prompts; in an
    /// ablation the prompts and what is put into them.
    pub(super) fn intact_to_rest(&self) -> Result<Ends> {
        let (corrupt, prompts) = (self.baseline.corrupt.run.model(), Source::Run(self.corrupt_input()));
        match self.experiment.ablates {
            true => self.two_runs((&corrupt, &prompts), (&self.experiment.model, &self.experiment.source)),
            false => self.two_runs((&self.experiment.model, &self.experiment.source), (&corrupt, &prompts)),
        }
    }

    /// The experiment in which what is to be explained is run: where prompts are aligned by a rule, and may differ in length,
    /// the one the other way round.
    pub(super) fn explained(&self) -> Result<Cow<'_, Self>> {
        let Source::Aligned(clean, counterparts) = &self.experiment.source else { return Ok(Cow::Borrowed(self)) };
        if self.experiment.ablates {
            return Ok(Cow::Borrowed(self));
        }
        let source = Source::Aligned(self.corrupt_input(), counterparts.inverse(clean));
        let turned =
            Self::between(&self.experiment.model, source, clean.clone(), self.for_clean(&self.baseline.first.0)?)?;
        let more = self.baseline.more.iter().map(|(metric, old)| Ok((self.for_clean(metric)?, old.clone())));
        let (more, hold_ln) = (more.collect::<Result<_>>()?, self.hold_ln);
        Ok(Cow::Owned(Self { baseline: Baseline { more, ..turned.baseline }, hold_ln, ..turned }))
    }

    fn two_runs(&self, first: (&Model, &Source), other: (&Model, &Source)) -> Result<Ends> {
        let graph = Graph::of(first.0)?;
        Graph::of(other.0)?;
        let sites = [graph.writing_sites(), Behind::sites(first.0), graph.stream_sites()].concat();
        let first = first.1.values(first.0, &self.corrupt_input(), sites)?;
        let writing = self.writing(&first)?;
        let here = self.written(&graph, &first, &writing)?;
        let stream = |site| Ok((site, first.get(site)?));
        let streams = graph.stream_sites().into_iter().map(stream).collect::<Result<_>>()?;
        let streams = ActivationCache::new(first.layers(), streams, self.corrupt_input());
        let other = other.1.values(other.0, &self.corrupt_input(), graph.writing_sites())?;
        let way = (self.written(&graph, &other, &writing)? - &here)?;
        Ok(Ends { graph, writing, streams, here, way })
    }

    /// How heads are counted, with the norms behind attention as they stand in a run.
    pub(super) fn writing(&self, values: &ActivationCache) -> Result<Writing> {
        Ok(Writing { behind: Behind::of_run(&self.experiment.model, values)?, held: self.hold_ln })
    }

    /// What the senders write, heads as [`Writing::of_heads`] has it.
    ///
    /// # Shapes
    /// `[sender, batch, pos, d_model]`
    pub(super) fn written(&self, graph: &Graph, values: &ActivationCache, writing: &Writing) -> Result<Tensor> {
        let mut parts = Vec::new();
        for site in graph.writing_sites() {
            let value = values.get(site)?;
            parts.push(match site.layer() {
                Some(layer) if site == Site::result(layer) => {
                    writing.of_heads(&self.experiment.model.transformer().last.blocks[layer], layer, &value)?
                }
                _ => value.unsqueeze(0)?,
            });
        }
        Ok(Tensor::cat(&parts, 0)?)
    }
}

impl Writing {
    /// What each head of a layer adds to the stream; where a norm stands behind attention that is not held fast, to the
    /// sum that it reads.
    ///
    /// # Shapes
    /// `results`: `[batch, pos, head, d_model]`; result: `[head, batch, pos, d_model]`.
    pub(super) fn of_heads(&self, block: &Block, layer: usize, results: &Tensor) -> Result<Tensor> {
        let results = results.permute((2, 0, 1, 3))?;
        match self.behind.get(layer).and_then(Option::as_ref) {
            None => block.scaled(results),
            Some(behind) if self.held => behind.held(&results),
            Some(_) => Ok(results),
        }
    }

    /// The norm that is worked out anew from what the heads of a layer write.
    fn anew(&self, layer: usize) -> Option<&Behind> {
        self.behind.get(layer).and_then(Option::as_ref).filter(|_| !self.held)
    }

    /// By how much the stream changes when what the heads of a layer write, all together, changes by so much.
    ///
    /// # Shapes
    /// `[change, batch, pos, d_model]` in and out.
    pub(super) fn changed(&self, layer: usize, by: Tensor) -> Result<Tensor> {
        self.anew(layer).map_or(Ok(by.clone()), |behind| behind.changed(&by))
    }

    /// How each sender's way changes the stream as it sets out.
    ///
    /// # Shapes
    /// `[sender, batch, pos, d_model]` in and out.
    pub(super) fn slopes(&self, graph: &Graph, ways: &Tensor) -> Result<Tensor> {
        let slope = |(senders, layer): (Range<usize>, Option<usize>)| {
            let ways = ways.narrow(0, senders.start, senders.len())?;
            layer.and_then(|layer| self.anew(layer)).map_or(Ok(ways.clone()), |behind| behind.slope(&ways))
        };
        let groups = self.groups(graph, ways.dim(0)?).into_iter();
        Ok(Tensor::cat(&groups.map(slope).collect::<Result<Vec<_>>>()?, 0)?)
    }

    /// The first so many senders, in groups whose changes add up before they reach the stream: the heads of a layer behind
    /// whose attention a norm is worked out anew, and all that is between.
    pub(super) fn groups(&self, graph: &Graph, senders: usize) -> Vec<(Range<usize>, Option<usize>)> {
        let (mut groups, mut done) = (Vec::new(), 0);
        for layer in (0..graph.layers).filter(|&layer| self.anew(layer).is_some()) {
            let first = graph.before_layer(layer);
            if first >= senders {
                break;
            }
            groups.extend([(done..first, None), (first..first + graph.heads(), Some(layer))]);
            done = first + graph.heads();
        }
        groups.push((done..senders, None));
        groups.retain(|(range, _)| !range.is_empty());
        groups
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
