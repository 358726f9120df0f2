//! [`Slopes`]: what attribution goes along, from as many texts at a time as memory is for.

use super::{
    Patching,
    cell::{self, Cell},
    metric::last_logits,
    source::Source,
};
use crate::{
    Model, Result,
    cache::ActivationCache,
    error::PatchError,
    hook::{Point, Site, replace},
    model::{Config, Sizes},
    text::Tokens,
};
use candle_core::{D, Tensor};
use std::ops::Range;

/// What the sweeps read: where gradients are taken.
const POINTS: [Point; 9] = [
    Point::ResidPre,
    Point::ResidMid,
    Point::AttnOut,
    Point::MlpOut,
    Point::Z,
    Point::Q,
    Point::K,
    Point::V,
    Point::Pattern,
];

/// At each site, what is put in less what was there, times the metric's gradient.
#[derive(Clone, Debug)]
pub(super) struct Slopes {
    /// By what they were found, for titles.
    pub(super) how: String,
    by_site: ActivationCache,
    /// The metric of each corrupt prompt.
    corrupt: Vec<f32>,
}

impl Slopes {
    /// The metric of every text if it went on as straight as it sets out.
    ///
    /// # Shapes
    /// `[cell][batch]`
    pub(super) fn follow(&self, cells: &[Cell], config: &Config, sizes: Sizes) -> Result<Vec<Vec<f32>>> {
        let value = |cell: &Cell| {
            let mut values = self.corrupt.clone();
            for one in &cell.interventions {
                let effects = cell::part(one, &self.by_site, config, sizes)?;
                let effects = effects.flatten_from(1)?.sum(D::Minus1)?.to_vec1::<f32>()?;
                values.iter_mut().zip(effects).for_each(|(value, effect)| *value += effect);
            }
            Ok(values)
        };
        cells.iter().map(value).collect()
    }
}

impl Patching {
    /// The mean gradient at these fractions of the way from the corrupt to the clean prompt, for as many texts at a
    /// time as the budget is for.
    pub(super) fn along(&self, fractions: &[f64], how: &str) -> Result<Self> {
        let logits = last_logits(&self.corrupt.run)?;
        let parts = self.slices().map(|slice| slice.slopes(fractions, &logits)).collect::<Result<Vec<_>>>()?;
        let joined = |nth: usize, site: Site| {
            let of_texts = parts.iter().filter_map(|part| part.get(nth)).map(|(_, slope)| slope).collect::<Vec<_>>();
            Ok((site, Tensor::cat(&of_texts, 0)?))
        };
        let sites = parts.first().into_iter().flatten().map(|(site, _)| *site).enumerate();
        let entries = sites.map(|(nth, site)| joined(nth, site)).collect::<Result<Vec<_>>>()?;
        let by_site = ActivationCache::new(entries, self.corrupt().clone(), None);
        let slopes = Slopes { how: how.to_owned(), by_site, corrupt: self.corrupt_metric().to_vec() };
        Ok(Self { slopes: Some(slopes), more: Vec::new(), ..self.clone() })
    }
}

impl Patching {
    /// The texts, as many at a time as the budget is for.
    pub(super) fn slices(&self) -> impl Iterator<Item = Slice<'_>> {
        let batch = self.corrupt().batch();
        let at_once = (self.budget / self.corrupt().len()).max(1);
        (0..batch).step_by(at_once).map(move |start| Slice::of(self, start..(start + at_once).min(batch)))
    }
}

/// Some texts of an experiment.
pub(super) struct Slice<'a> {
    whole: &'a Patching,
    pub(super) texts: Range<usize>,
    /// What the clean run, and what the corrupt one, is of.
    clean: Model,
    corrupt: Model,
    source: Source,
    pub(super) tokens: Tokens,
}

impl<'a> Slice<'a> {
    fn of(whole: &'a Patching, texts: Range<usize>) -> Self {
        let batch = whole.corrupt().batch();
        Self {
            clean: whole.model.of_texts(&texts, batch),
            corrupt: whole.corrupt.run.model().of_texts(&texts, batch),
            source: whole.source.of_texts(&texts),
            tokens: whole.corrupt().texts(texts.clone()),
            whole,
            texts,
        }
    }

    fn sites(&self) -> Vec<Site> {
        let in_layer = |layer| POINTS.map(|point| Site::in_block(Default::default(), layer, point));
        let sites = (0..self.clean.config().n_layers).flat_map(in_layer);
        sites.filter(|&site| self.clean.has(site)).collect()
    }

    /// `logits`: those at the ends of all corrupt prompts, `[batch, d_vocab]`.
    fn slopes(&self, fractions: &[f64], logits: &Tensor) -> Result<Vec<(Site, Tensor)>> {
        let sites = self.sites();
        let source = self.source.values(&self.clean, &self.tokens, sites.clone())?;
        let corrupt = Source::Run(self.tokens.clone()).values(&self.corrupt, &self.tokens, sites.clone())?;
        let way = |&site: &Site| Ok((site, (source.get(site)? - corrupt.get(site)?)?));
        let ways = sites.iter().map(way).collect::<Result<Vec<_>>>()?;
        let mut slopes = ways.iter().map(|(site, way)| Ok((*site, way.zeros_like()?))).collect::<Result<Vec<_>>>()?;
        for &fraction in fractions {
            let start = if fraction > 0.0 { Some(self.mixed(fraction, &source, &corrupt)?) } else { None };
            let gradients = self.gradients(&sites, start, logits)?;
            for ((site, sum), (_, way)) in slopes.iter_mut().zip(&ways) {
                *sum = (&*sum + ((way * gradients.get(*site)?)? / fractions.len() as f64)?)?;
            }
        }
        Ok(slopes)
    }

    /// What enters the first block on the way from the corrupt to the clean prompt.
    pub(super) fn mixed(&self, fraction: f64, source: &ActivationCache, corrupt: &ActivationCache) -> Result<Tensor> {
        let first = Site::resid_pre(0);
        let source_name = match &self.source {
            Source::Run(_) => {
                let (there, here) = (source.get(first)?, corrupt.get(first)?);
                return Ok((here + ((there - here)? * fraction)?)?);
            }
            Source::Zero => "zeros",
            Source::Mean(_) => "means",
            Source::Nothing => "nothing",
        };
        Err(PatchError::NoLine { source_name }.into())
    }

    /// The gradient of the sum over these texts; each text's metric depends on its own logits alone. A metric is given
    /// the logits of all texts, of which the others stand still.
    pub(super) fn gradients(&self, sites: &[Site], start: Option<Tensor>, logits: &Tensor) -> Result<ActivationCache> {
        let (metric, texts, logits) = (self.whole.metric.clone(), self.texts.clone(), logits.clone());
        let batch = logits.dim(0)?;
        let start = start.map(|start| replace(Site::resid_pre(0), start));
        let pass = self.corrupt.pass(&self.tokens)?.logits_at([-1]).intervene(start);
        let pass = pass.differentiate(sites.to_vec(), move |own| {
            let (before, after) = (0..texts.start, texts.end..batch);
            let still = |texts: Range<usize>| (!texts.is_empty()).then(|| logits.narrow(0, texts.start, texts.len()));
            let all: Vec<Tensor> = [still(before), Some(own.squeeze(1)), still(after)]
                .into_iter()
                .flatten()
                .collect::<candle_core::Result<_>>()?;
            let all = Tensor::cat(&all, 0)?;
            Ok(metric.tensor(&all)?.narrow(0, texts.start, texts.len())?.sum_all()?)
        });
        Ok(pass.run()?.gradients()?.clone())
    }
}
