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

impl Pass {
    /// How many tokens were read before.
    pub(super) fn past(&self) -> usize {
        self.onward.as_ref().map_or(0, |onward| onward.kept.len)
    }

    /// What decides the shape of an activation.
    pub(super) fn sizes(&self, site: Site) -> Sizes {
        let (batch, all) = (self.tokens.batch(), self.tokens.len());
        let target = match &self.logits {
            Logits::At(positions) if site == Site::unembed_out() => positions.len(),
            Logits::Last if site == Site::unembed_out() => 1,
            _ => all,
        };
        Sizes { batch, source: self.source.as_ref().map_or(all, Tokens::len), target, past: self.past() }
    }

    /// The tokens whose activations a site has; `None` where it has those of chosen tokens, none of them padding.
    fn read_at(&self, site: Site) -> Option<&Tokens> {
        match self.logits {
            Logits::At(_) | Logits::Last if site == Site::unembed_out() => None,
            _ if self.model.config().is_of_encoder(site) => self.source.as_ref(),
            _ => Some(&self.tokens),
        }
    }

    /// The first block that runs, and the first that does not.
    pub(super) fn layers(&self) -> Result<(usize, usize)> {
        let n_layers = self.model.config().n_layers;
        let index = |layer: i64| Counted::before_layers(n_layers).index(layer);
        let start = self.start.as_ref().map_or(Ok(0), |(layer, _)| index(*layer))?;
        let stop = self.stop_at.map_or(Ok(n_layers), index)?;
        if start > stop {
            return Err(RunError::StartAfterStop { start, stop }.into());
        }
        let Some((_, resid)) = &self.start else { return Ok((start, stop)) };
        let expected = [self.tokens.batch(), self.tokens.len(), self.model.config().d_model];
        need_f32(|| format!("the residual stream that layer {start} starts with"), resid)?;
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
        let Some(positions) = &self.positions else { return Ok(None) };
        if positions.is_empty() {
            return Err(RunError::NoPositions.into());
        }
        let at = positions.iter().map(|&position| Ok(self.tokens.index(position)? as u32)).collect::<Result<_>>()?;
        let own = self.model.config().stacks().last().copied().unwrap_or_default();
        Ok(Some(Positions::new(at, own, matches!(self.logits, Logits::Everywhere))))
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
    pub(super) fn logit_positions(&self) -> Result<Option<Vec<Vec<u32>>>> {
        let positions = match &self.logits {
            Logits::At(positions) => positions,
            Logits::Last => return Ok(Some(vec![vec![self.tokens.len() as u32 - 1]; self.tokens.batch()])),
            Logits::Everywhere | Logits::Nowhere => return Ok(None),
        };
        let row = |text| positions.iter().map(|&at| Ok(self.tokens.index_in(text, at)? as u32)).collect();
        (0..self.tokens.batch()).map(row).collect::<Result<_>>().map(Some)
    }
}
