//! [`Slice`]: as many texts as fit into a backward pass, and the values and gradients read from them.

use super::{
    Metric, Patching,
    passes::{before_end, pick},
    source::Source,
};
use crate::{
    Model, Result,
    cache::ActivationCache,
    error::PatchError,
    hook::{Intervention, Point, Site, replace},
    input::Input,
    model::Run,
};
use candle_core::Tensor;
use std::ops::Range;

/// What is worked out of a run with gradients, given the source's values and the corrupt ones.
type Each<'a> = dyn Fn(&Run, &ActivationCache, &ActivationCache) -> Result<Vec<Tensor>> + 'a;

/// Some texts of an experiment.
pub(super) struct Slice<'a> {
    whole: &'a Patching,
    pub(super) texts: Range<usize>,
    /// What the clean run, and what the corrupt one, is of.
    clean: Model,
    corrupt: Model,
    source: Source,
    input: Input,
}

/// The clean and the corrupt values and the gradients of some texts.
pub(super) struct Along {
    pub(super) source: ActivationCache,
    pub(super) corrupt: ActivationCache,
    /// The mean gradient of each metric at each site.
    pub(super) gradients: Vec<Vec<Tensor>>,
}

/// The same, with means of further values of each run.
pub(super) struct Averaged {
    source: ActivationCache,
    corrupt: ActivationCache,
    /// By metric.
    pub(super) means: Vec<Vec<Tensor>>,
}

impl Along {
    /// `[metric][site]`
    pub(super) fn slopes(self, sites: &[Site]) -> Result<Vec<Vec<Tensor>>> {
        let way = |&site: &Site| way(&self.source.get(site)?, &self.corrupt.get(site)?, site);
        let ways = sites.iter().map(way).collect::<Result<Vec<_>>>()?;
        let times = |(way, gradient): (&Tensor, &Tensor)| Ok((way * gradient)?);
        self.gradients.iter().map(|gradients| ways.iter().zip(gradients).map(times).collect()).collect()
    }
}

/// How far it is from one activation to another; between scores that are masked in both, nothing.
fn way(there: &Tensor, here: &Tensor, site: Site) -> Result<Tensor> {
    let way = (there - here)?;
    if !matches!(site.point(), Point::AttnScores | Point::CrossAttnScores) {
        return Ok(way);
    }
    let way = there.eq(here)?.where_cond(&way.zeros_like()?, &way)?;
    match way.abs()?.flatten_all()?.max(0)?.to_scalar::<f32>()?.is_finite() {
        true => Ok(way),
        false => Err(PatchError::NoFiniteWay { site: site.to_string() }.into()),
    }
}

impl<'a> Slice<'a> {
    pub(super) fn of(whole: &'a Patching, texts: Range<usize>) -> Self {
        let batch = whole.corrupt().batch();
        Self {
            clean: whole.experiment.model.of_texts(&texts, batch),
            corrupt: whole.baseline.corrupt.run.model().of_texts(&texts, batch),
            source: whole.experiment.source.of_texts(&texts),
            input: whole.corrupt_input().texts(&texts),
            whole,
            texts,
        }
    }

    /// The values of both runs at the sites `read`, and the mean gradient of every metric at the sites `at`, at these
    /// fractions of the way between the prompts. With the fraction 0 alone, one run of the corrupt prompt gives both.
    pub(super) fn along(&self, read: &[Site], at: &[Site], fractions: &[f64], still: &[Tensor]) -> Result<Along> {
        let gradient = |run: &Run, site: &Site| run.gradients()?.get(*site);
        let gradients = |run: &Run, _: &_, _: &_| at.iter().map(|site| gradient(run, site)).collect();
        let Averaged { source, corrupt, means } = self.averaged((read, &[]), at, fractions, still, &gradients)?;
        Ok(Along { source, corrupt, gradients: means })
    }

    /// As [`Slice::along`], with the mean of what `each` computes from a run with gradients, the source's values and
    /// the corrupt ones. These runs also record the sites `own`.
    pub(super) fn averaged(
        &self,
        (read, own): (&[Site], &[Site]),
        at: &[Site],
        fractions: &[f64],
        still: &[Tensor],
        each: &Each<'_>,
    ) -> Result<Averaged> {
        let goes = fractions != [0.0];
        let firsts = self.firsts().into_iter().filter(|first| goes && !read.contains(first));
        let sites: Vec<Site> = read.iter().copied().chain(firsts).collect();
        let source = self.source.values(&self.clean, &self.input, sites.clone())?;
        let mut corrupt = None;
        if goes {
            corrupt = Some(before_end(&self.corrupt, &self.input).record(sites.clone()).run()?.cache());
        }
        let mut means = Vec::new();
        for ((metric, _), still) in self.whole.measured().zip(still) {
            let mut mean: Vec<Tensor> = Vec::new();
            for &fraction in fractions {
                let ends = corrupt.as_ref().filter(|_| goes);
                let start = ends.map(|corrupt| self.mixed(fraction, &source, corrupt)).transpose()?.unwrap_or_default();
                let record = if corrupt.is_none() { [&sites, own].concat() } else { own.to_vec() };
                let run = self.differentiated(at, &record, start, (metric, still))?;
                let shares = each(&run, &source, corrupt.get_or_insert_with(|| run.cache()))?;
                let shares = shares.into_iter().map(|share| Ok((share / fractions.len() as f64)?));
                let shares = shares.collect::<Result<Vec<_>>>()?;
                mean = match mean.is_empty() {
                    true => shares,
                    false => mean.iter().zip(&shares).map(|(sum, share)| Ok((sum + share)?)).collect::<Result<_>>()?,
                };
            }
            means.push(mean);
        }
        let corrupt = corrupt.unwrap_or_else(|| ActivationCache::new(source.layers(), Vec::new(), self.input.clone()));
        Ok(Averaged { source, corrupt, means })
    }

    /// The sites of the first block's input in each stack.
    fn firsts(&self) -> Vec<Site> {
        let stacks = self.clean.config().stacks();
        stacks.iter().map(|&stack| Site::in_block(stack, 0, Point::ResidPre)).collect()
    }

    /// The input of the first block in each stack, mixed between the corrupt and the clean prompt.
    fn mixed(&self, fraction: f64, source: &ActivationCache, corrupt: &ActivationCache) -> Result<Vec<Intervention>> {
        let source_name = match &self.source {
            Source::Run(_) | Source::Aligned(..) => {
                let between = |first: Site| {
                    let (there, here) = (source.get(first)?, corrupt.get(first)?);
                    Ok(replace(first, (&here + ((there - &here)? * fraction)?)?))
                };
                return self.firsts().into_iter().map(between).collect();
            }
            Source::Zero => "zeros",
            Source::Mean(_) => "means",
            Source::Nothing => "nothing",
        };
        Err(PatchError::NoLine { source_name }.into())
    }

    /// A run with the gradient of the metric summed over these texts. Each text's metric depends on its own logits
    /// only.
    fn differentiated(
        &self,
        at: &[Site],
        record: &[Site],
        start: Vec<Intervention>,
        (metric, still): (&Metric, &Tensor),
    ) -> Result<Run> {
        let (metric, texts, still, batch) = (metric.clone(), self.texts.clone(), still.clone(), still.dim(0)?);
        let answers: Vec<u32> =
            metric.answers(&self.whole.corrupt())?[texts.clone()].iter().map(|&at| at as u32).collect();
        let pass = self.corrupt.pass(&self.input)?.record(record.to_vec());
        let pass = pass.intervene(start);
        // What is done to the logits themselves counts positions, so all of them are there.
        let whole = self.corrupt.standing().iter().any(|one| one.site() == Site::unembed_out());
        let pass = match metric.one_position().filter(|_| !whole) {
            Some(position) => pass.logits_at([position]),
            None => pass,
        };
        let pass = pass.differentiate(at.to_vec(), move |logits| {
            let own = if logits.dim(1)? == 1 { logits.squeeze(1)? } else { pick(logits, &answers)? };
            let (before, after) = (0..texts.start, texts.end..batch);
            let still = |texts: Range<usize>| (!texts.is_empty()).then(|| still.narrow(0, texts.start, texts.len()));
            let all: Vec<Tensor> = [still(before), Some(Ok(own)), still(after)]
                .into_iter()
                .flatten()
                .collect::<candle_core::Result<_>>()?;
            let all = Tensor::cat(&all, 0)?;
            metric.tensor(&all)?.narrow(0, texts.start, texts.len())?.sum_all()
        });
        pass.run()
    }
}
