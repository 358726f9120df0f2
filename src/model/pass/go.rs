//! The run itself.

use super::{Logits, Onward, Pass};
use crate::{
    Result,
    cache::ActivationCache,
    error::RunError,
    hook::Site,
    model::{Run, run::Reading, run_gradient::OwnGradients},
    net::{Frame, Kept, Tap, transformer::StackParts},
};
use candle_core::Tensor;
use std::sync::Arc;

impl Pass {
    pub(super) fn run_here(&self) -> Result<(Run, Kept)> {
        let Self { model, input, .. } = self;
        let (config, transformer, tokens) = (model.config(), model.transformer(), &input.tokens());
        let (encoder, last) = (transformer.encoder.as_ref(), &transformer.last);
        encoder.into_iter().chain([last]).try_for_each(|stack| self.given(stack.stack).map(drop))?;
        let plan = self.plan()?;
        let at = self.logit_positions()?;
        let mut tap = Tap::new(&plan);
        let mut frame = match &self.onward {
            None => Frame::new(&config, last, tokens)?,
            Some(Onward { tokens, kept }) => Frame::after(&config, last, tokens, kept.clone())?,
        };
        let mut resid = None;
        if let Some(encoder) = encoder.filter(|_| !frame.has_encoded()) {
            let source = input.of(encoder.stack);
            resid = self.through(encoder, &mut Frame::new(&config, encoder, source)?, &mut tap)?;
            if let (Some(stream), true) = (&resid, self.ends(encoder.stack)?) {
                frame = frame.with_encoded(encoder.finish(stream, &mut tap)?, source);
            }
        }
        // Where a pass ends in the encoder, that is the last stream.
        let resid = self.through(last, &mut frame, &mut tap)?.or(resid);
        let resid = resid.ok_or_else(|| candle_core::Error::Msg("a pass went through no stack".into()))?;
        let readout = &transformer.readout;
        let whole = self.ends(last.stack)?;
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

    /// The residual stream after the blocks of a stack that run; `None` where the pass ends before it.
    fn through(&self, stack: &StackParts, frame: &mut Frame, tap: &mut Tap) -> Result<Option<Tensor>> {
        let Some((start, stop)) = self.layers(stack.stack)? else { return Ok(None) };
        let resid = match self.given(stack.stack)? {
            Some(resid) => resid.clone(),
            None => stack.embed(&self.model.config(), &self.input.read_by(stack.stack)?, frame, tap)?,
        };
        stack.forward(resid, start..stop, frame, tap).map(Some)
    }

    fn cache(&self, entries: Vec<(Site, Tensor)>) -> ActivationCache {
        ActivationCache::new(self.model.config().layers(), entries, self.input.clone())
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
