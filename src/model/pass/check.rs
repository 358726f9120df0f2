//! What is asked of a pass, checked before anything runs.

use super::{Logits, Pass};
use crate::{
    Result,
    cache::Positions,
    config::Sizes,
    error::{RunError, SiteError, need_f32},
    hook::{Point, Site, Sites, Stack, Stage},
    index::Counted,
    model::Architecture,
    net::Plan,
    text::Tokens,
};
use candle_core::Tensor;

impl Pass {
    /// How many tokens were read before.
    pub(super) fn past(&self) -> usize {
        self.onward.as_ref().map_or(0, |onward| onward.kept.len)
    }

    /// What decides the shape of an activation.
    pub(super) fn sizes(&self, site: Site) -> Sizes {
        let sizes = self.input.sizes();
        let target = match &self.logits {
            Logits::At(positions) if site == Site::unembed_out() => positions.len(),
            Logits::Last if site == Site::unembed_out() => 1,
            _ => sizes.target,
        };
        Sizes { target, past: self.past(), ..sizes }
    }

    /// The tokens whose activations a site has; `None` where it has those of chosen tokens, none of them padding.
    fn read_at(&self, site: Site) -> Option<&Tokens> {
        match self.logits {
            Logits::At(_) | Logits::Last if site == Site::unembed_out() => None,
            _ => Some(self.input.of(self.model.config().reads_at(site))),
        }
    }

    /// The first block of a stack that runs, and the first that does not; `None` where the pass ends before the stack.
    pub(super) fn layers(&self, stack: Stack) -> Result<Option<(usize, usize)>> {
        let config = self.model.config();
        let counted = |stack, layer: i64| Counted::before_layers(config.layers_of(stack)).index(layer);
        let start = match &self.start {
            Some(start) if self.named(start.stack)? == stack => counted(stack, start.layer)?,
            _ => 0,
        };
        let stop = match self.stop_at {
            Some((at, layer)) if self.named(at)? == stack => counted(stack, layer)?,
            Some((Some(Stack::Encoder), layer)) => {
                let stop = counted(Stack::Encoder, layer)?;
                let starts_later = self.start.as_ref().is_some_and(|start| start.stack.is_none());
                return if starts_later { Err(RunError::StartAfterStop { start, stop }.into()) } else { Ok(None) };
            }
            _ => config.layers_of(stack),
        };
        match start <= stop {
            true => Ok(Some((start, stop))),
            false => Err(RunError::StartAfterStop { start, stop }.into()),
        }
    }

    /// A stack as it was named; the last where none was.
    ///
    /// # Errors
    /// When this model has no such stack.
    fn named(&self, stack: Option<Stack>) -> Result<Stack> {
        let config = self.model.config();
        match stack {
            None => Ok(config.last_stack()),
            Some(stack) if config.stacks().contains(&stack) => Ok(stack),
            Some(_) => Err(RunError::NoEncoder { family: config.family.clone() }.into()),
        }
    }

    /// Whether a stack begins with what it reads: not where the pass starts inside it.
    fn begins(&self, stack: Stack) -> Result<bool> {
        let at = self.start.as_ref().map(|start| self.named(start.stack)).transpose()?;
        Ok(self.layers(stack)?.is_some() && at != Some(stack))
    }

    /// Whether a stack runs to its end.
    pub(super) fn ends(&self, stack: Stack) -> Result<bool> {
        let at = self.stop_at.map(|(at, _)| self.named(at)).transpose()?;
        Ok(self.layers(stack)?.is_some() && at != Some(stack))
    }

    /// The stream that a stack starts with, where the pass starts inside it.
    pub(super) fn given(&self, stack: Stack) -> Result<Option<&Tensor>> {
        let Some(start) = &self.start else { return Ok(None) };
        if self.named(start.stack)? != stack {
            return Ok(None);
        }
        let tokens = self.input.of(stack);
        let expected = [tokens.batch(), tokens.len(), self.model.config().d_model];
        let layer = self.layers(stack)?.map_or(0, |(start, _)| start);
        need_f32(|| format!("the residual stream that layer {layer} starts with"), &start.resid)?;
        match start.resid.dims() == expected {
            true => Ok(Some(&start.resid)),
            false => {
                let site = Site::in_block(stack, layer, Point::ResidPre).to_string();
                Err(SiteError::Shape { site, got: start.resid.dims().to_vec(), expected: expected.to_vec() }.into())
            }
        }
    }

    /// Everything the tap has to know, with every site and intervention checked.
    pub(crate) fn plan(&self) -> Result<Plan> {
        let config = &self.model.config();
        let mut plan = Plan::default();
        let among = |sites: &Sites| -> Result<Vec<Site>> {
            let mut present = self.model.sites();
            present.retain(|&site| self.reached(site).is_ok());
            let sites = sites.among(&present, config.layers())?;
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
        let placed = self.interventions.iter().map(|intervention| intervention.placed(among));
        for intervention in placed.collect::<Result<Vec<_>>>()?.concat() {
            let site = intervention.site();
            self.reached(site)?;
            intervention.check_gradient(self.gradient.is_some())?;
            let checked = intervention.check(config, self.sizes(site))?;
            let checked = match self.read_at(site) {
                Some(tokens) => checked.reading(tokens, 0)?,
                None => checked,
            };
            plan.order(site).edits.push(checked);
        }
        plan.positions = self.recorded_positions()?;
        Ok(plan)
    }

    /// The positions that are recorded, where not all are.
    pub(super) fn recorded_positions(&self) -> Result<Option<Positions>> {
        if self.positions.is_none() && self.source_positions.is_none() {
            return Ok(None);
        }
        let config = self.model.config();
        if self.source_positions.is_some() {
            self.named(Some(Stack::Encoder))?;
        }
        let indices = |positions: &Option<Vec<i64>>, tokens: &Tokens| match positions {
            Some(positions) if positions.is_empty() => Err(RunError::NoPositions.into()),
            Some(positions) => {
                let index = |&position: &i64| Ok(tokens.index(position)? as u32);
                positions.iter().map(index).collect::<Result<Vec<u32>>>().map(Some)
            }
            None => Ok(None),
        };
        let own = indices(&self.positions, self.input.of(config.last_stack()))?;
        let source = indices(&self.source_positions, self.input.of(Stack::Encoder))?;
        Ok(Some(Positions::new(config.stacks().len() > 1, own, source, matches!(self.logits, Logits::Everywhere))))
    }

    /// Whether the pass goes on after one that ran the encoder, and the site is the encoder's or made of what it gave.
    pub(crate) fn is_behind(&self, site: Site) -> bool {
        let both = self.model.config().architecture == Architecture::EncoderDecoder;
        let of_encoder = match site.layer() {
            Some(_) => site.stack() == Stack::Encoder || matches!(site.point(), Point::CrossK | Point::CrossV),
            None => !matches!(site.point().stage(), Stage::BeforeDecoder | Stage::End),
        };
        both && of_encoder && self.past() > 0
    }

    /// Fails for a site this model lacks, or that this pass would not come to.
    fn reached(&self, site: Site) -> Result<()> {
        self.model.config().check(site)?;
        let config = self.model.config();
        let (first, last) = (config.stacks().first().copied().unwrap_or_default(), config.last_stack());
        let comes = match site.layer() {
            Some(layer) => self.layers(site.stack())?.is_some_and(|(start, stop)| (start..stop).contains(&layer)),
            None => match site.point().stage() {
                Stage::Start => self.begins(first)?,
                Stage::AfterEncoder => self.ends(Stack::Encoder)?,
                Stage::BeforeDecoder => self.begins(last)?,
                Stage::End => self.ends(last)? && (!matches!(self.logits, Logits::Nowhere) || site.is_pooled()),
            },
        };
        let stack = if site.layer().is_some() { site.stack() } else { last };
        let (start, stop) = self.layers(stack)?.unwrap_or_default();
        let not_reached = || RunError::NotReached { site: site.to_string(), start, stop }.into();
        (comes && !self.is_behind(site)).then_some(()).ok_or_else(not_reached)
    }

    /// The positions of the logits in each text, or `None` for all.
    pub(super) fn logit_positions(&self) -> Result<Option<Vec<Vec<u32>>>> {
        let tokens = self.input.tokens();
        let positions = match &self.logits {
            Logits::At(positions) => positions,
            Logits::Last => return Ok(Some(vec![vec![tokens.len() as u32 - 1]; tokens.batch()])),
            Logits::Everywhere | Logits::Nowhere => return Ok(None),
        };
        let row = |text| positions.iter().map(|&at| Ok(tokens.index_in(text, at)? as u32)).collect();
        (0..tokens.batch()).map(row).collect::<Result<_>>().map(Some)
    }
}
