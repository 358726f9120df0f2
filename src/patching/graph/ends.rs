//! [`Ends`]: the outputs of every part in two runs, and the stream of the first run.

use super::{Behind, Graph, LayerNorms, Receiver};
use crate::{
    Model, Result,
    cache::ActivationCache,
    hook::{Point, Site, Stack},
    net::parts::Block,
    patching::{Patching, baseline::Baseline, source::Source},
};
use candle_core::Tensor;
use std::{borrow::Cow, ops::Range};

/// How the outputs of a layer's heads are counted.
pub(super) struct Writing {
    /// The norms after parts, by layer, with their values in the run that is changed.
    norms: Vec<LayerNorms>,
    /// Whether these norms are held, so that each head has its own share of their output.
    held: bool,
}

/// Two runs of prompts of the same shape.
pub(super) struct Ends {
    pub(super) graph: Graph,
    pub(super) writing: Writing,
    /// The first run's stream at every site where it is read.
    pub(super) streams: ActivationCache,
    /// The senders' outputs in the first run, heads as in [`Writing::of_heads`]: `[sender, batch, pos, d_model]`.
    pub(super) here: Tensor,
    /// Their outputs in the other run minus those in the first.
    way: Tensor,
    /// By layer: keys and values of cross attention in the first run.
    pub(super) across: Vec<(Tensor, Tensor)>,
    /// The input of the first run's decoder, for the graph of an encoder.
    pub(super) decoded: Option<Tensor>,
}

/// One step from the senders' outputs to a receiver's input.
pub(super) enum Step {
    /// Some senders are added, through the norm after the attention of a layer if it is recomputed.
    Add(Range<usize>, Option<usize>),
    /// The stream passes a layer's norm: the one between attention and MLP, or the one at the end.
    Norm(usize, bool),
}

impl Patching {
    /// The run that is patched, and the run that the values come from.
    pub(super) fn corrupt_to_source(&self) -> Result<Ends> {
        let (corrupt, prompts) = (self.baseline.corrupt.run.model(), Source::Run(self.corrupt_input()));
        self.two_runs((&corrupt, &prompts), (&self.experiment.model, &self.experiment.source))
    }

    /// The run that a circuit explains, and the run that its other edges carry: the clean and the corrupt prompts; in
    /// an ablation, the prompts and the patched values.
    pub(super) fn intact_to_rest(&self) -> Result<Ends> {
        let (corrupt, prompts) = (self.baseline.corrupt.run.model(), Source::Run(self.corrupt_input()));
        match self.experiment.ablates {
            true => self.two_runs((&corrupt, &prompts), (&self.experiment.model, &self.experiment.source)),
            false => self.two_runs((&self.experiment.model, &self.experiment.source), (&corrupt, &prompts)),
        }
    }

    /// The experiment whose run is explained. With an alignment, in which lengths may differ, it is the inverse
    /// experiment.
    pub(super) fn explained(&self) -> Result<Cow<'_, Self>> {
        let Source::Aligned(clean, counterparts) = &self.experiment.source else { return Ok(Cow::Borrowed(self)) };
        if self.experiment.ablates {
            return Ok(Cow::Borrowed(self));
        }
        let source = Source::Aligned(self.corrupt_input(), counterparts.inverse(clean));
        let turned =
            Self::between(&self.experiment.model, source, clean.clone(), self.for_clean(&self.baseline.first.0)?)?;
        let more = self.baseline.more.iter().map(|(metric, old)| Ok((self.for_clean(metric)?, old.clone())));
        let (more, hold_ln, part) = (more.collect::<Result<_>>()?, self.hold_ln, self.part);
        Ok(Cow::Owned(Self { baseline: Baseline { more, ..turned.baseline }, hold_ln, part, ..turned }))
    }

    fn two_runs(&self, first: (&Model, &Source), other: (&Model, &Source)) -> Result<Ends> {
        let graph = Graph::of(first.0, self.part.stack)?;
        Graph::of(other.0, self.part.stack)?;
        let looking = if graph.cross_heads() > 0 { 0..graph.layers } else { 0..0 };
        let at = |layer| [Point::CrossK, Point::CrossV].map(|point| graph.site(layer, point));
        let across: Vec<Site> = looking.clone().flat_map(at).collect();
        let norms = LayerNorms::sites(first.0, graph.stack);
        let after = [Site::resid_pre(0).in_decoder()];
        let after = if graph.stack == Stack::Encoder { &after[..] } else { &[] };
        let mut sites = [graph.writing_sites(), norms, graph.stream_sites(), across, after.to_vec()].concat();
        sites.sort();
        sites.dedup();
        let first = first.1.values(first.0, &self.corrupt_input(), sites)?;
        let writing = self.writing(&first)?;
        let here = self.written(&graph, &first, &writing)?;
        let stream = |site| Ok((site, first.get(site)?));
        let streams = graph.stream_sites().into_iter().map(stream).collect::<Result<_>>()?;
        let streams = ActivationCache::new(first.layers(), streams, self.corrupt_input());
        let other = other.1.values(other.0, &self.corrupt_input(), graph.writing_sites())?;
        let way = (self.written(&graph, &other, &writing)? - &here)?;
        let pair = |layer| {
            let [k, v] = [Point::CrossK, Point::CrossV].map(|point| first.get(graph.site(layer, point)));
            Ok((k?, v?))
        };
        let across = looking.map(pair).collect::<Result<_>>()?;
        let decoded = after.first().map(|&site| first.get(site)).transpose()?;
        Ok(Ends { graph, writing, streams, here, way, across, decoded })
    }

    /// How heads are counted, with the norms after attention of a run.
    pub(super) fn writing(&self, values: &ActivationCache) -> Result<Writing> {
        let norms = LayerNorms::of_run(&self.experiment.model, self.part.stack, values)?;
        Ok(Writing { norms, held: self.hold_ln })
    }

    /// The outputs of the senders, heads as in [`Writing::of_heads`].
    ///
    /// # Shapes
    /// `[sender, batch, pos, d_model]`
    pub(super) fn written(&self, graph: &Graph, values: &ActivationCache, writing: &Writing) -> Result<Tensor> {
        let mut parts = Vec::new();
        for site in graph.writing_sites() {
            let value = values.get(site)?;
            parts.push(match (site.point(), site.layer()) {
                (Point::Result, Some(layer)) => {
                    let block = &self.experiment.model.transformer().stack(graph.stack).blocks[layer];
                    writing.of_heads(block, layer, &value)?
                }
                (Point::CrossResult, _) => of_cross_heads(&value)?,
                _ => value.unsqueeze(0)?,
            });
        }
        Ok(Tensor::cat(&parts, 0)?)
    }
}

impl Writing {
    /// The contribution of each head of a layer to the stream or, if a norm after attention is recomputed, to the sum
    /// that it reads.
    ///
    /// # Shapes
    /// `results`: `[batch, pos, head, d_model]`; result: `[head, batch, pos, d_model]`.
    pub(super) fn of_heads(&self, block: &Block, layer: usize, results: &Tensor) -> Result<Tensor> {
        let results = results.permute((2, 0, 1, 3))?;
        match self.norms.get(layer).and_then(|norms| norms.attention.as_ref()) {
            None => block.scaled(results),
            Some(behind) if self.held => behind.held(&results),
            Some(_) => Ok(results),
        }
    }

    /// The norm after a layer's attention, if it is recomputed.
    fn anew(&self, layer: usize) -> Option<&Behind> {
        self.norms.get(layer).and_then(|norms| norms.attention.as_ref()).filter(|_| !self.held)
    }

    /// The norm on the stream in the middle of a layer, or at its end.
    fn on_stream(&self, layer: usize, mid: bool) -> Option<&Behind> {
        self.norms.get(layer).and_then(|norms| if mid { norms.mid.as_ref() } else { norms.end.as_ref() })
    }

    /// The change of the stream after such a norm, for a change before it; unchanged if there is no norm.
    ///
    /// # Shapes
    /// `[.., batch, pos, d_model]` in and out.
    pub(super) fn through(&self, layer: usize, mid: bool, by: Tensor) -> Result<Tensor> {
        match self.on_stream(layer, mid) {
            None => Ok(by),
            Some(norm) if self.held => norm.held(&by),
            Some(norm) => norm.changed(&by),
        }
    }

    /// The derivative of [`Writing::through`].
    ///
    /// # Shapes
    /// `[.., batch, pos, d_model]` in and out.
    pub(super) fn slope_through(&self, layer: usize, mid: bool, way: Tensor) -> Result<Tensor> {
        match self.on_stream(layer, mid) {
            None => Ok(way),
            Some(norm) if self.held => norm.held(&way),
            Some(norm) => norm.slope(&way),
        }
    }

    /// The change of the stream for a joint change of the outputs of a layer's heads.
    ///
    /// # Shapes
    /// `[.., batch, pos, d_model]` in and out.
    pub(super) fn changed(&self, layer: usize, by: Tensor) -> Result<Tensor> {
        self.anew(layer).map_or(Ok(by.clone()), |behind| behind.changed(&by))
    }

    /// The derivative of the stream where each sender's change is added.
    ///
    /// # Shapes
    /// `[sender, batch, pos, d_model]` in and out.
    pub(super) fn slopes(&self, graph: &Graph, ways: &Tensor) -> Result<Tensor> {
        let mut slopes = Vec::new();
        for step in self.steps(graph, Receiver::Logits) {
            let Step::Add(senders, layer) = step else { continue };
            let ways = ways.narrow(0, senders.start, senders.len())?;
            let behind = layer.and_then(|layer| self.anew(layer));
            slopes.push(behind.map_or(Ok(ways.clone()), |behind| behind.slope(&ways))?);
        }
        Ok(Tensor::cat(&slopes, 0)?)
    }

    /// The steps from the senders' outputs to a receiver's input, in order. Senders whose changes add up are one step.
    pub(super) fn steps(&self, graph: &Graph, receiver: Receiver) -> Vec<Step> {
        let mut steps = vec![Step::Add(0..1, None)];
        for layer in 0..graph.layers {
            let (first, at) = (graph.before_layer(layer), receiver.layer() == Some(layer));
            let late = matches!(receiver, Receiver::CrossQuery { .. })
                || matches!(receiver, Receiver::Mlp { .. }) && graph.is_serial(layer);
            if at && !late {
                break;
            }
            add(&mut steps, first..first + graph.heads(), self.anew(layer).map(|_| layer));
            if at && matches!(receiver, Receiver::CrossQuery { .. }) {
                break;
            }
            add(&mut steps, first + graph.heads()..first + graph.attending(), None);
            if at {
                break;
            }
            let norm = |mid: bool| self.on_stream(layer, mid).map(|_| Step::Norm(layer, mid));
            steps.extend(norm(true));
            add(&mut steps, first + graph.attending()..graph.before_layer(layer + 1), None);
            steps.extend(norm(false));
        }
        steps
    }
}

/// Adds some senders as a new step, or to the last one.
fn add(steps: &mut Vec<Step>, senders: Range<usize>, layer: Option<usize>) {
    match steps.last_mut() {
        _ if senders.is_empty() => {}
        Some(Step::Add(before, None)) if layer.is_none() => before.end = senders.end,
        _ => steps.push(Step::Add(senders, layer)),
    }
}

/// The contribution of each head of cross attention to the stream.
///
/// # Shapes
/// `results`: `[batch, pos, head, d_model]`; result: `[head, batch, pos, d_model]`.
pub(super) fn of_cross_heads(results: &Tensor) -> Result<Tensor> {
    Ok(results.permute((2, 0, 1, 3))?)
}

impl Ends {
    /// The other run's outputs minus the first run's, for some of the senders.
    ///
    /// # Shapes
    /// `[sender, batch, pos, d_model]`
    pub(super) fn way(&self, from: usize, count: usize) -> Result<Tensor> {
        Ok(self.way.narrow(0, from, count)?)
    }
}
