//! [`Pass`]: one forward pass, described before it happens.

use super::{
    Architecture, Frame, Kept, Model, Run, Sizes,
    run::Reading,
    tap::{Plan, Tap},
};
use crate::{
    Result,
    cache::ActivationCache,
    error::{RunError, SiteError},
    hook::{Intervention, Point, Site, Sites, Stack, Stage},
    ops::in_pool,
    text::{ToTokens, Tokens},
};
use candle_core::{Device, Tensor};
use std::{fmt, sync::Arc};

type Metric = Arc<dyn Fn(&Tensor) -> Result<Tensor> + Send + Sync>;

/// One forward pass, described before it happens; only what is asked for is computed and kept.
///
/// Made by [`Model::pass`], ended by [`Pass::run`].
///
/// # Examples
/// One gradient per site from a single backward pass:
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?;
/// let (owl, red) = (model.to_single_token("owl")? as usize, model.to_single_token("red")? as usize);
/// let run = model
///     .pass("red fox blue owl red fox blue")?
///     .logits_at([-1])
///     .differentiate([Site::z(1)], move |logits| {
///         let last = logits.squeeze(1)?.squeeze(0)?;
///         Ok((last.get(owl)? - last.get(red)?)?)
///     })
///     .run()?;
/// assert_eq!(run.gradients()?.get(Site::z(1))?.dims()[..2], [1, 8]);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone)]
pub struct Pass {
    model: Model,
    /// What the decoder, or the only stack, reads.
    tokens: Tokens,
    /// What the encoder of an encoder-decoder reads.
    source: Option<Tokens>,
    record: Vec<Sites>,
    positions: Option<Vec<i64>>,
    interventions: Vec<Intervention>,
    logits: Logits,
    start: Option<(i64, Tensor)>,
    stop_at: Option<i64>,
    gradient: Option<(Sites, Metric)>,
    onward: Option<Onward>,
}

/// What a pass goes on after.
#[derive(Clone)]
struct Onward {
    /// Those read before and those to be read.
    tokens: Tokens,
    kept: Kept,
}

#[derive(Clone, Debug)]
enum Logits {
    Everywhere,
    At(Vec<i64>),
    /// At the last position of all texts together, be it padding or not.
    Last,
    Nowhere,
}

impl Pass {
    pub(super) fn new(model: Model, tokens: Tokens, source: Option<Tokens>) -> Self {
        let interventions = model.interventions().to_vec();
        Self {
            model,
            tokens,
            source,
            record: Vec::new(),
            positions: None,
            interventions,
            logits: Logits::Everywhere,
            start: None,
            stop_at: None,
            gradient: None,
            onward: None,
        }
    }

    /// Reads those of the tokens that come after the ones kept. Does no interventions but those it is given, and
    /// computes logits at the last position.
    pub(crate) fn onward(model: &Model, tokens: &Tokens, source: Option<Tokens>, kept: Kept) -> Self {
        let new = tokens.columns(kept.len..tokens.len());
        let onward = Some(Onward { tokens: tokens.clone(), kept });
        Self { interventions: Vec::new(), logits: Logits::Last, onward, ..Self::new(model.clone(), new, source) }
    }

    /// What the decoder of an encoder-decoder reads. Ids are taken as they are; of a text it reads its starting token
    /// and the text, without the end that the tokenizer would put to it. Without this it reads its starting token
    /// alone.
    ///
    /// # Errors
    /// When the model has no encoder, the input cannot be read, or there are not as many texts as the encoder reads.
    pub fn target(mut self, input: impl ToTokens) -> Result<Self> {
        let Some(source) = &self.source else {
            return Err(RunError::NoEncoder { family: self.model.config().family.clone() }.into());
        };
        let target = self.model.target_tokens(input)?;
        if target.batch() != source.batch() {
            return Err(RunError::Batches { source: source.batch(), target: target.batch() }.into());
        }
        self.tokens = target;
        Ok(self)
    }

    /// Also records these sites: a [`Site`], a list, a pattern such as `"blocks.*.attn.hook_z"`, or
    /// [`Sites::filter`].
    pub fn record(mut self, sites: impl Into<Sites>) -> Self {
        self.record.push(sites.into());
        self
    }

    /// Keeps only these positions (-1 is the last) of what is recorded: rows of patterns and scores, positions of
    /// everything else. Positions are counted along the tensor, padding included, and the axis stays. What an encoder
    /// records for its decoder is kept whole.
    pub fn positions(mut self, positions: impl IntoIterator<Item = i64>) -> Self {
        self.positions = Some(positions.into_iter().collect());
        self
    }

    /// Also does these interventions, in this order.
    pub fn intervene(mut self, interventions: impl IntoIterator<Item = Intervention>) -> Self {
        self.interventions.extend(interventions);
        self
    }

    /// Computes logits only at these positions of each text (-1 is the last that is no padding). A large vocabulary
    /// makes the unembedding a large part of a short run.
    pub fn logits_at(mut self, positions: impl IntoIterator<Item = i64>) -> Self {
        self.logits = Logits::At(positions.into_iter().collect());
        self
    }

    /// Computes no logits.
    pub fn without_logits(mut self) -> Self {
        self.logits = Logits::Nowhere;
        self
    }

    /// Starts at block `layer` (-1 is the last) with this residual stream in place of everything before.
    ///
    /// # Shapes
    /// `resid`: `[batch, pos, d_model]`, as [`Site::resid_pre`] of that block.
    pub fn start_at_layer(mut self, layer: i64, resid: &Tensor) -> Self {
        self.start = Some((layer, resid.clone()));
        self
    }

    /// Stops before block `layer` (-1 is the last): nothing from there on is computed, logits included.
    /// [`Run::resid`] has what would have entered it.
    pub fn stop_at_layer(mut self, layer: i64) -> Self {
        self.stop_at = Some(layer);
        self
    }

    /// Also takes the gradient of a metric with respect to the activations at these sites, all from one backward
    /// pass. The metric is given the logits, `[batch, pos, d_vocab]` (the positions asked for), and returns one
    /// number. Weights get no gradient, and none is worked out.
    pub fn differentiate(
        mut self,
        sites: impl Into<Sites>,
        metric: impl Fn(&Tensor) -> Result<Tensor> + Send + Sync + 'static,
    ) -> Self {
        self.gradient = Some((sites.into(), Arc::new(metric)));
        self
    }

    /// Runs it.
    ///
    /// # Errors
    /// When a site, an intervention, a position or a layer does not fit the model and the text (found before
    /// anything runs), when a closure fails, or when the metric is not one number or does not depend on a site.
    pub fn run(&self) -> Result<Run> {
        Ok(self.run_keeping()?.0)
    }

    /// As [`Pass::run`], with what is kept for a pass that goes on.
    pub(crate) fn run_keeping(&self) -> Result<(Run, Kept)> {
        in_pool(|| self.run_here())
    }

    fn run_here(&self) -> Result<(Run, Kept)> {
        let Self { model, tokens, .. } = self;
        let (config, transformer) = (model.config(), model.transformer());
        let (start, stop) = self.layers()?;
        let plan = self.plan()?;
        let at = self.logit_positions()?;
        let mut tap = Tap::new(&plan);
        let mut frame = match &self.onward {
            None => Frame::new(config, tokens)?,
            Some(Onward { tokens, kept }) => Frame::after(config, tokens, kept.clone())?,
        };
        if let Some(source) = self.source.as_ref().filter(|_| !frame.has_encoded()) {
            let mut encoder_frame = Frame::new(config, source)?;
            let encoded = transformer.encode(config, &source.to_tensor()?, &mut encoder_frame, &mut tap)?;
            frame = encoded.map_or(frame.clone(), |encoded| frame.with_encoded(encoded, source));
        }
        let resid = match &self.start {
            Some((_, resid)) => resid.clone(),
            None => transformer.embed(config, &tokens.to_tensor()?, &frame, &mut tap)?,
        };
        let resid = transformer.blocks.forward(resid, start..stop, &mut frame, &mut tap)?;
        let readout = &transformer.readout;
        let whole = self.stop_at.is_none();
        let pooled = if whole { readout.pooled(&resid, &mut tap)? } else { None };
        let next_sentence = pooled.as_ref().map(|pooled| readout.next_sentence(pooled, &mut tap)).transpose()?;
        let logits = match self.logits {
            _ if !whole => None,
            Logits::Nowhere => None,
            _ => readout.logits(config, &resid, at.as_deref(), &mut tap)?,
        };
        let gradients = self.backward(logits.as_ref(), &tap)?;
        let recorded = tap.recorded.into_iter().map(|(site, x)| (site, x.detach())).collect();
        let detached = |x: Option<Tensor>| x.map(|x| x.detach());
        let reading = Reading {
            logits: detached(logits),
            at,
            resid: resid.detach(),
            pooled: detached(pooled),
            next_sentence: detached(next_sentence.flatten()),
        };
        Ok((Run::new(model.clone(), reading, self.cache(recorded), gradients), frame.into_kept()))
    }

    fn cache(&self, entries: Vec<(Site, Tensor)>) -> ActivationCache {
        ActivationCache::new(entries, self.tokens.clone(), self.source.clone())
    }

    /// How many tokens were read before.
    fn past(&self) -> usize {
        self.onward.as_ref().map_or(0, |onward| onward.kept.len)
    }

    /// What decides the shape of an activation.
    fn sizes(&self, site: Site) -> Sizes {
        let (batch, all) = (self.tokens.batch(), self.tokens.len());
        let target = match &self.logits {
            Logits::At(positions) if site == Site::unembed_out() => positions.len(),
            Logits::Last if site == Site::unembed_out() => 1,
            _ => all,
        };
        Sizes { batch, source: self.source.as_ref().map_or(all, Tokens::len), target, past: self.past() }
    }

    /// The first block that runs, and the first that does not.
    fn layers(&self) -> Result<(usize, usize)> {
        let n_layers = self.model.config().n_layers;
        let index = |layer: i64| {
            let counted = if layer < 0 { layer + n_layers as i64 } else { layer };
            let index = usize::try_from(counted).ok().filter(|&index| index <= n_layers);
            index.ok_or(RunError::Layer { layer, n_layers })
        };
        let start = self.start.as_ref().map_or(Ok(0), |(layer, _)| index(*layer))?;
        let stop = self.stop_at.map_or(Ok(n_layers), index)?;
        if start > stop {
            return Err(RunError::StartAfterStop { start, stop }.into());
        }
        let Some((_, resid)) = &self.start else { return Ok((start, stop)) };
        let expected = [self.tokens.batch(), self.tokens.len(), self.model.config().d_model];
        match resid.dims() == expected {
            true => Ok((start, stop)),
            false => {
                let stack = self.model.config().stacks().last().copied().unwrap_or_default();
                let site = Site::in_block(stack, start, Point::ResidPre).to_string();
                Err(SiteError::Shape { site, got: resid.dims().to_vec(), expected: expected.to_vec() }.into())
            }
        }
    }

    /// Everything the tap has to know, with every site and intervention checked.
    pub(crate) fn plan(&self) -> Result<Plan> {
        let config = self.model.config();
        let mut plan = Plan::default();
        let among = |sites: &Sites| -> Result<Vec<Site>> {
            let mut present = self.model.sites();
            present.retain(|&site| self.reached(site).is_ok());
            let sites = sites.among(&present)?;
            sites.iter().try_for_each(|&site| self.reached(site))?;
            Ok(sites)
        };
        for site in self.record.iter().map(among).collect::<Result<Vec<_>>>()?.concat() {
            plan.order(site).record = true;
        }
        if let Some((sites, _)) = &self.gradient {
            for site in among(sites)?.into_iter().filter(|site| site.is_differentiable()) {
                plan.order(site).differentiate = true;
            }
        }
        for intervention in &self.interventions {
            self.reached(intervention.site())?;
            let checked = intervention.clone().check(config, self.sizes(intervention.site()))?;
            plan.order(intervention.site()).edits.push(checked);
        }
        if let Some(positions) = &self.positions {
            let own = config.stacks().last().copied().unwrap_or_default();
            let indices = positions.iter().map(|&position| Ok(self.tokens.index(position)? as u32));
            plan.positions = Some((own, Tensor::new(indices.collect::<Result<Vec<_>>>()?, &Device::Cpu)?));
        }
        Ok(plan)
    }

    /// Whether the pass goes on after one that ran the encoder, and the site is the encoder's or made of what it gave.
    pub(crate) fn is_behind(&self, site: Site) -> bool {
        let both = self.model.config().architecture == Architecture::EncoderDecoder;
        let of_encoder = match site.layer() {
            Some(_) => site.stack() == Stack::Encoder || matches!(site.point(), Point::CrossK | Point::CrossV),
            None => site.point().stage() != Stage::End,
        };
        both && of_encoder && self.past() > 0
    }

    /// Fails for a site this model lacks, or that this pass would not come to.
    fn reached(&self, site: Site) -> Result<()> {
        self.model.config().check(site)?;
        let (start, stop) = self.layers()?;
        let stops = self.stop_at.is_some();
        let comes = match site.layer() {
            Some(layer) => site.stack() == Stack::Encoder || (start..stop).contains(&layer),
            None => match site.point().stage() {
                Stage::Start => self.start.is_none() || self.source.is_some(),
                Stage::AfterEncoder => true,
                Stage::End => !stops && (!matches!(self.logits, Logits::Nowhere) || site.is_pooled()),
            },
        };
        let not_reached = || RunError::NotReached { site: site.to_string(), start, stop }.into();
        (comes && !self.is_behind(site)).then_some(()).ok_or_else(not_reached)
    }

    /// The positions of the logits in each text, or `None` for all.
    fn logit_positions(&self) -> Result<Option<Vec<Vec<u32>>>> {
        let positions = match &self.logits {
            Logits::At(positions) => positions,
            Logits::Last => return Ok(Some(vec![vec![self.tokens.len() as u32 - 1]; self.tokens.batch()])),
            Logits::Everywhere | Logits::Nowhere => return Ok(None),
        };
        let row = |text| positions.iter().map(|&at| Ok(self.tokens.index_in(text, at)? as u32)).collect();
        (0..self.tokens.batch()).map(row).collect::<Result<_>>().map(Some)
    }

    fn backward(&self, logits: Option<&Tensor>, tap: &Tap) -> Result<Option<ActivationCache>> {
        let Some((_, metric)) = &self.gradient else { return Ok(None) };
        let Some(logits) = logits else { return Err(RunError::NoLogits.into()) };
        let value = metric(logits)?;
        if value.elem_count() != 1 {
            return Err(RunError::NotScalar { shape: value.dims().to_vec() }.into());
        }
        let gradients = value.sum_all()?.backward()?;
        let gradient = |(site, delta): &(Site, candle_core::Var)| {
            // An expert that no token chose has no rows, and a gradient of none.
            let gradient = gradients.get(delta).or((delta.elem_count() == 0).then_some(delta));
            let gradient = gradient.ok_or_else(|| RunError::NoGradient { site: site.to_string() })?;
            Ok((*site, gradient.detach()))
        };
        let gradients = tap.deltas.iter().map(gradient).collect::<Result<_>>()?;
        Ok(Some(self.cache(gradients)))
    }
}

impl fmt::Debug for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pass")
            .field("model", &self.model.name())
            .field("tokens", &self.tokens.len())
            .field("record", &self.record)
            .field("interventions", &self.interventions)
            .field("logits", &self.logits)
            .field("start", &self.start.as_ref().map(|(layer, _)| layer))
            .field("stop_at", &self.stop_at)
            .field("differentiate", &self.gradient.as_ref().map(|(sites, _)| sites))
            .finish()
    }
}
