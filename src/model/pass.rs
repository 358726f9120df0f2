//! [`Pass`]: one forward pass, described before it happens.

use super::{
    Model, Run,
    tap::{Plan, Tap},
};
use crate::{
    Result,
    cache::ActivationCache,
    error::RunError,
    hook::{Intervention, Point, Site, Sites},
    text::Tokens,
};
use candle_core::Tensor;
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
    tokens: Tokens,
    record: Vec<Sites>,
    interventions: Vec<Intervention>,
    logits: Logits,
    stop_at: Option<usize>,
    gradient: Option<(Sites, Metric)>,
}

#[derive(Clone, Debug)]
enum Logits {
    Everywhere,
    At(Vec<i64>),
    Nowhere,
}

impl Pass {
    pub(super) fn new(model: Model, tokens: Tokens) -> Self {
        let (record, interventions) = (Vec::new(), Vec::new());
        Self { model, tokens, record, interventions, logits: Logits::Everywhere, stop_at: None, gradient: None }
    }

    /// Also records these sites: a [`Site`], a list, a pattern such as `"blocks.*.attn.hook_z"`, or
    /// [`Sites::filter`].
    pub fn record(mut self, sites: impl Into<Sites>) -> Self {
        self.record.push(sites.into());
        self
    }

    /// Also does these interventions, in this order.
    pub fn intervene(mut self, interventions: impl IntoIterator<Item = Intervention>) -> Self {
        self.interventions.extend(interventions);
        self
    }

    /// Computes logits only at these positions (-1 is the last). A large vocabulary makes the unembedding a large
    /// part of a short run.
    pub fn logits_at(mut self, positions: impl IntoIterator<Item = i64>) -> Self {
        self.logits = Logits::At(positions.into_iter().collect());
        self
    }

    /// Computes no logits.
    pub fn without_logits(mut self) -> Self {
        self.logits = Logits::Nowhere;
        self
    }

    /// Stops before block `layer`: nothing from there on is computed, logits included.
    pub fn stop_at_layer(mut self, layer: usize) -> Self {
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
        let Self { model, tokens, .. } = self;
        let (config, transformer) = (model.config(), model.transformer());
        let n_layers = config.n_layers;
        let stop_at = self.stop_at.unwrap_or(n_layers);
        if stop_at > n_layers {
            return Err(RunError::Layer { layer: stop_at, n_layers }.into());
        }
        let plan = self.plan()?;
        let positions = self.positions()?;
        let mut tap = Tap::new(&plan);
        let resid = transformer.residual(config, &tokens.to_tensor()?, stop_at, &mut tap)?;
        let logits = match (&self.logits, self.stop_at) {
            (Logits::Nowhere, _) | (_, Some(_)) => None,
            _ => Some(transformer.logits(&resid, positions.as_ref(), &mut tap)?),
        };
        let gradients = self.backward(logits.as_ref(), &tap)?;
        let recorded = tap.recorded.into_iter().map(|(site, x)| (site, x.detach())).collect();
        let at = positions.map(|positions| positions.to_vec1::<u32>()).transpose()?;
        Ok(Run::new(
            model.clone(),
            logits.map(|logits| logits.detach()),
            at,
            ActivationCache::new(recorded, tokens.clone()),
            gradients,
        ))
    }

    /// Everything the tap has to know, with every site and intervention checked.
    fn plan(&self) -> Result<Plan> {
        let config = self.model.config();
        let mut present = self.model.sites();
        present.retain(|&site| self.reached(site).is_ok());
        let mut plan = Plan::default();
        let mut among = |sites: &Sites| -> Result<Vec<Site>> {
            let sites = sites.among(&present)?;
            sites.iter().try_for_each(|&site| self.reached(site))?;
            Ok(sites)
        };
        for site in self.record.iter().map(&mut among).collect::<Result<Vec<_>>>()?.concat() {
            plan.order(site).record = true;
        }
        if let Some((sites, _)) = &self.gradient {
            // Token ids are whole numbers: nothing to differentiate.
            for site in among(sites)?.into_iter().filter(|site| *site != Site::tokens()) {
                plan.order(site).differentiate = true;
            }
        }
        for intervention in &self.interventions {
            self.reached(intervention.site())?;
            let checked = intervention.clone().check(config, self.tokens.batch(), self.tokens.len())?;
            plan.order(intervention.site()).edits.push(checked);
        }
        Ok(plan)
    }

    /// Fails for a site this model lacks, or that this pass would not come to.
    fn reached(&self, site: Site) -> Result<()> {
        self.model.config().check(site)?;
        let Some(stop_at) = self.stop_at else { return Ok(()) };
        let before = match site.layer() {
            Some(layer) => layer < stop_at,
            None => matches!(site.point(), Point::Tokens | Point::Embed | Point::PosEmbed),
        };
        let not_reached = || RunError::NotReached { site: site.to_string(), stop_at }.into();
        before.then_some(()).ok_or_else(not_reached)
    }

    /// The positions of the logits as a tensor, or `None` for all.
    fn positions(&self) -> Result<Option<Tensor>> {
        let Logits::At(positions) = &self.logits else { return Ok(None) };
        let indices = positions.iter().map(|&position| Ok(self.tokens.index(position)? as u32));
        let indices = indices.collect::<Result<Vec<_>>>()?;
        let count = indices.len();
        Ok(Some(Tensor::from_vec(indices, count, &candle_core::Device::Cpu)?))
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
            let gradient = gradients.get(delta.as_tensor());
            let gradient = gradient.ok_or_else(|| RunError::NoGradient { site: site.to_string() })?;
            Ok((*site, gradient.detach()))
        };
        let gradients = tap.deltas.iter().map(gradient).collect::<Result<_>>()?;
        Ok(Some(ActivationCache::new(gradients, self.tokens.clone())))
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
            .field("stop_at", &self.stop_at)
            .field("differentiate", &self.gradient.as_ref().map(|(sites, _)| sites))
            .finish()
    }
}
