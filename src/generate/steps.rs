//! The generation loop: one forward pass for each new token.

use super::{Generated, Generation, NewToken, Steps, StopReason, writer::Writer};
use crate::{
    Result,
    cache::ActivationCache,
    config::Sizes,
    error::GenerateError,
    hook::{Intervention, Site},
    model::Pass,
    net::Kept,
    text::Tokens,
};
use candle_core::Tensor;
use std::ops::ControlFlow;

pub(super) type Listener<'a> = &'a mut dyn FnMut(&NewToken) -> ControlFlow<()>;

/// Generates until every text has ended.
pub(super) fn generate(generation: &Generation, listener: Listener) -> Result<Generated> {
    generation.check()?;
    let model = &generation.model;
    let mut tokens = generation.prefix.tokens();
    let mut kept = generation.prefix.kept.clone();
    let mut writers: Vec<Writer> = (0..tokens.batch())
        .map(|text| Writer::new(generation, text, &tokens.row(text).ids[tokens.real(text)]))
        .collect();
    let (mut caches, mut logits) = (Vec::new(), Vec::new());
    for step in 0..generation.max_new_tokens {
        let (cache, last, new) = generation.read(step, &tokens, kept.for_texts(&model.config(), &tokens))?;
        kept = if generation.keeps { new } else { Kept::default() };
        let mut next = vec![None; writers.len()];
        for (text, row) in last.to_vec2::<f32>()?.iter().enumerate() {
            let writer = &mut writers[text];
            if writer.reason.is_none() {
                next[text] = Some(writer.write(generation, row, &cache)?);
            }
        }
        tokens.push(&next, |id| model.token_text(id));
        if !generation.record.is_empty() {
            caches.push(cache);
        }
        if generation.keep_logits {
            logits.push(last);
        }
        tell(&mut writers, &next, step, listener);
        if writers.iter().all(|writer| writer.reason.is_some()) {
            break;
        }
    }
    let logits = if logits.is_empty() { None } else { Some(Tensor::stack(&logits, 1)?) };
    Ok(Generated::new(generation, tokens, writers, caches, logits))
}

/// Calls the listener with each new token, until it asks to stop.
fn tell(writers: &mut [Writer], next: &[Option<u32>], step: usize, listener: Listener) {
    for row in 0..writers.len() {
        let (Some(_), Some(token), Some(text)) = (next[row], writers[row].new.last(), writers[row].printed.last())
        else {
            continue;
        };
        let token = NewToken { text: text.clone(), row, step, token: token.clone() };
        if listener(&token).is_break() {
            for writer in writers {
                writer.reason.get_or_insert(StopReason::Interrupted);
            }
            return;
        }
    }
}

impl Generation {
    /// Reads the new tokens. Returns what was recorded, the last logits (`[batch, d_vocab]`), and the cached keys and
    /// values.
    fn read(&self, step: usize, tokens: &Tokens, kept: Kept) -> Result<(ActivationCache, Tensor, Kept)> {
        let (run, kept) = self.pass(step, tokens, kept)?.run_keeping()?;
        Ok((run.cache(), run.logits()?.squeeze(1)?, kept))
    }

    /// Returns the forward pass of a step. Interventions in the encoder act at step 0, the only step that runs it.
    fn pass(&self, step: usize, tokens: &Tokens, kept: Kept) -> Result<Pass> {
        let (first, end) = (kept.len, tokens.len());
        // Logits are computed at the last position only.
        let read = |site: Site| if site == Site::unembed_out() { end - 1..end } else { first..end };
        let pass = Pass::onward(&self.model, &self.prefix.input.clone().with_tokens(tokens.clone()), kept);
        let is_over = |steps: &Steps, site: Site| steps.contains(0) && pass.is_behind(site);
        let mut sites = Vec::new();
        for (steps, asked) in self.record.iter().filter(|(steps, _)| steps.contains(step)) {
            let asked = asked.among(&self.model.sites(), self.model.config().layers())?;
            sites.extend(asked.into_iter().filter(|&site| !is_over(steps, site)));
        }
        let now =
            self.interventions.iter().filter(|(steps, edit)| steps.contains(step) && !is_over(steps, edit.site()));
        let now: Vec<_> = now.filter_map(|(_, edit)| edit.clone().within(read(edit.site()))).collect();
        let pass = if sites.is_empty() { pass } else { pass.record(sites) };
        Ok(pass.intervene(now))
    }

    /// Checks everything that can be wrong before anything runs.
    fn check(&self) -> Result<()> {
        self.sampling.check()?;
        self.interventions.iter().try_for_each(|(_, edit)| edit.check_made())?;
        let (tokens, last) = (&self.prefix.tokens(), self.max_new_tokens.checked_sub(1).ok_or(GenerateError::Nothing)?);
        if self.stops.iter().any(String::is_empty) {
            return Err(GenerateError::EmptyStop.into());
        }
        let n_ctx = self.model.config().n_ctx;
        if let Some(len) = tokens.lengths().into_iter().find(|&len| len >= n_ctx) {
            return Err(GenerateError::Full { len, n_ctx }.into());
        }
        if self.ends_given {
            self.model.ids().all_at(&self.ends)?;
        }
        let asked =
            || self.interventions.iter().map(|(steps, _)| steps).chain(self.record.iter().map(|(steps, _)| steps));
        if let Some(never) = asked().find(|steps| steps.first_from(0).is_none_or(|first| first > last)) {
            return Err(GenerateError::NoSuchStep { steps: never.to_string(), last }.into());
        }
        self.check_indices()?;
        self.pass(0, tokens, self.prefix.kept.clone())?.plan()?;
        self.check_switch(last)?;
        let end = self.most_new_tokens();
        let later = |step: usize| {
            let mut ahead = tokens.clone();
            (0..step).for_each(|_| ahead.push(&vec![None; tokens.batch()], |_| String::new()));
            let kept = Kept::imagined(if self.keeps { ahead.len() - 1 } else { 0 });
            self.pass(step, &ahead, kept)?.plan().map(drop)
        };
        // Whether something fits two steps in a row does not depend on the number of tokens, so it then fits all steps.
        let two = |steps: &Steps| steps.first_from(1).map(|first| (first, steps.first_from(first + 1)));
        let asked = asked().filter_map(two).flat_map(|(first, next)| [Some(first), next]).flatten();
        let mut asked = asked.filter(|&step| step < end);
        asked.try_for_each(later).map_err(|why| GenerateError::LaterStep { why }.into())
    }

    /// The most new tokens any text can get, limited by the model's context.
    fn most_new_tokens(&self) -> usize {
        let shortest = self.prefix.tokens().lengths().into_iter().min().unwrap_or(0);
        self.max_new_tokens.min(self.model.config().n_ctx.saturating_sub(shortest))
    }

    /// Checks that interventions can be applied twice to the same token if a text grows so long that its rotary angles
    /// change and it is read again.
    fn check_switch(&self, last: usize) -> Result<()> {
        let Some(after) = self.model.config().long_after().filter(|_| self.keeps) else { return Ok(()) };
        // The text read at a step is longer than the prompt by the number of that step.
        let switch = |len: usize| (len <= after).then(|| after - len + 1).filter(|&step| step <= last);
        let Some(step) = self.prefix.tokens().lengths().into_iter().filter_map(switch).min() else { return Ok(()) };
        let again = |(steps, edit): &(Steps, Intervention)| edit.is_repeatable() && steps.are_all_to(last);
        match self.interventions.iter().find(|one| !again(one)) {
            Some((_, edit)) => {
                let (when, deed) = (format!("at step {step}"), format!("{edit:?}"));
                Err(GenerateError::Switch { when, after, deed }.into())
            }
            None => Ok(()),
        }
    }

    /// Checks that every index occurs before the end.
    fn check_indices(&self) -> Result<()> {
        let tokens = &self.prefix.tokens();
        // A text cannot grow longer than the model's context.
        let target = tokens.len() + self.most_new_tokens().min(self.model.config().n_ctx);
        let source = self.prefix.input.source().map_or(target, |source| source.len());
        let sizes = Sizes { batch: tokens.batch(), source, target, past: 0 };
        let check = |(_, edit): &(_, Intervention)| edit.indices(&self.model.config(), sizes).map(drop);
        self.interventions.iter().try_for_each(check)
    }
}
