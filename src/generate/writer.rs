//! [`Writer`]: the state of one text of a batch during a generation.

use super::{Generation, StopReason, pieces::Pieces, sampling::Sampler, stop::Written};
use crate::{
    Result,
    cache::ActivationCache,
    error::GenerateError,
    model::{Prediction, softmax},
};

/// One text of a batch during a generation.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    sampler: Sampler,
    pieces: Pieces,
    written: Written,
    /// The ids of the prompt and the new tokens.
    ids: Vec<u32>,
    pub(super) new: Vec<Prediction>,
    /// The printable text of each new token.
    pub(super) printed: Vec<String>,
    pub(super) reason: Option<StopReason>,
}

impl Writer {
    /// Makes the writer of the text at this index, which begins with `prompt`.
    pub(super) fn new(generation: &Generation, text: usize, prompt: &[u32]) -> Self {
        Self {
            sampler: Sampler::new(generation.sampling.clone(), text),
            pieces: Pieces::after(generation.model.tokenizer().as_ref(), prompt),
            written: Written::default(),
            ids: prompt.to_vec(),
            new: Vec::new(),
            printed: Vec::new(),
            reason: None,
        }
    }

    /// Chooses the next token and decides whether it is the last.
    pub(super) fn write(&mut self, generation: &Generation, logits: &[f32], cache: &ActivationCache) -> Result<u32> {
        let step = self.new.len();
        cache.check_numbers(|| format!("the logits of step {step}"), logits)?;
        let id = self.sampler.next(logits, &self.ids).ok_or(GenerateError::NoToken { step })?;
        let (logit, probability) = (logits[id], softmax(logits)[id]);
        let id = id as u32;
        self.ids.push(id);
        self.new.push(Prediction { id, text: generation.model.token_text(id), logit, probability });
        let ends = generation.ends.contains(&id);
        let piece = if ends { String::new() } else { self.pieces.push(id)? };
        let stop = self.written.push(&piece, &generation.stops);
        self.reason = match stop {
            _ if ends => Some(StopReason::EndOfText),
            Some(stop) => Some(StopReason::StopString(stop.to_owned())),
            None if self.ids.len() == generation.model.config().n_ctx => Some(StopReason::ContextFull),
            None if self.new.len() == generation.max_new_tokens => Some(StopReason::MaxNewTokens),
            None => None,
        };
        self.print(generation)?;
        Ok(id)
    }

    fn print(&mut self, generation: &Generation) -> Result<()> {
        let stops = &generation.stops;
        let piece = match &self.reason {
            None => self.written.take(stops),
            Some(StopReason::StopString(_)) => self.written.take_rest(),
            Some(_) => {
                // An incomplete character that no token will complete.
                if let Some(stop) = self.written.push(&self.pieces.rest()?, stops) {
                    self.reason = Some(StopReason::StopString(stop.to_owned()));
                }
                self.written.take_rest()
            }
        };
        self.printed.push(piece);
        Ok(())
    }
}
