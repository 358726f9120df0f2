//! The run itself.

use super::{Logits, Onward, Pass};
use crate::{
    Result,
    cache::ActivationCache,
    error::RunError,
    hook::Site,
    model::{Run, run::Reading, run_gradient::OwnGradients},
    net::{Frame, Kept, Tap},
};
use candle_core::Tensor;
use std::sync::Arc;

impl Pass {
    pub(super) fn run_here(&self) -> Result<(Run, Kept)> {
        let Self { model, tokens, .. } = self;
        let (config, transformer) = (model.config(), model.transformer());
        let (start, stop) = self.layers()?;
        let plan = self.plan()?;
        let at = self.logit_positions()?;
        let mut tap = Tap::new(&plan);
        let mut frame = match &self.onward {
            None => Frame::new(&config, &transformer.blocks, tokens)?,
            Some(Onward { tokens, kept }) => Frame::after(&config, &transformer.blocks, tokens, kept.clone())?,
        };
        if let Some(source) = self.source.as_ref().filter(|_| !frame.has_encoded()) {
            let encoded = transformer.encode(&config, source, &mut tap)?;
            frame = encoded.map_or(frame.clone(), |encoded| frame.with_encoded(encoded, source));
        }
        let resid = match &self.start {
            Some((_, resid)) => resid.clone(),
            None => transformer.embed(&config, &tokens.to_tensor()?, &mut frame, &mut tap)?,
        };
        let resid = transformer.blocks.forward(resid, start..stop, &mut frame, &mut tap)?;
        let readout = &transformer.readout;
        let whole = self.stop_at.is_none();
        let pooled = if whole { readout.pooled(&resid, tokens, &mut tap)? } else { None };
        let next_sentence = pooled.as_ref().map(|pooled| readout.next_sentence(pooled, &mut tap)).transpose()?;
        let logits = match self.logits {
            _ if !whole => None,
            Logits::Nowhere => None,
            _ => readout.logits(&config, &resid, at.as_deref(), &mut tap)?,
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
        Ok((
            Run::new(model.clone(), reading, self.cache(recorded).with_positions(plan.positions.clone()), gradients),
            frame.into_kept(),
        ))
    }

    fn cache(&self, entries: Vec<(Site, Tensor)>) -> ActivationCache {
        ActivationCache::new(self.model.config().layers(), entries, self.tokens.clone(), self.source.clone())
    }

    fn backward(&self, logits: Option<&Tensor>, tap: &Tap) -> Result<Option<(ActivationCache, OwnGradients)>> {
        let Some((_, metric)) = &self.gradient else { return Ok(None) };
        let Some(logits) = logits else { return Err(RunError::NoLogits.into()) };
        let value = metric(logits).map_err(|why| why.of_closure("`differentiate`", logits.dims()))?;
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
        let at_sites = tap.deltas.iter().map(gradient).collect::<Result<_>>()?;
        Ok(Some((self.cache(at_sites), OwnGradients(Arc::new(gradients)))))
    }
}
