//! [`Generated`]: what was written.

use super::{Generation, StopReason, writer::Writer};
use crate::{
    Result,
    cache::ActivationCache,
    error::GenerateError,
    index::{ToIndex, place},
    model::{Model, Prediction},
    text::{Padding, Tokens},
};
use candle_core::Tensor;

/// What a generation wrote: texts, tokens, how sure the model was of each, and what was recorded on the way.
///
/// Owned and cheap to clone. In a notebook it shows the text with the new part told apart.
#[derive(Clone)]
pub struct Generated {
    model: Model,
    tokens: Tokens,
    texts: Vec<Text>,
    caches: Vec<ActivationCache>,
    logits: Option<Tensor>,
}

#[derive(Clone, Debug)]
struct Text {
    new: Vec<Prediction>,
    ids: Vec<u32>,
    continuation: String,
    reason: StopReason,
}

impl Generated {
    pub(super) fn new(
        generation: &Generation,
        mut tokens: Tokens,
        writers: Vec<Writer>,
        caches: Vec<ActivationCache>,
        logits: Option<Tensor>,
    ) -> Self {
        for (text, writer) in writers.iter().enumerate() {
            tokens.write(text, &writer.printed);
        }
        let text = |writer: Writer| Text {
            ids: writer.new.iter().map(|token| token.id).collect(),
            new: writer.new,
            continuation: writer.printed.concat(),
            reason: writer.reason.unwrap_or(StopReason::MaxNewTokens),
        };
        let texts = writers.into_iter().map(text).collect();
        Self { model: generation.model.clone(), tokens: tokens.padded(Padding::Right), texts, caches, logits }
    }

    /// The model that wrote.
    pub fn model(&self) -> Model {
        self.model.clone()
    }

    /// Prompt and new tokens, padded on the right: what a model can run again. The decoder's, in a model with an
    /// encoder.
    pub fn tokens(&self) -> Tokens {
        self.tokens.clone()
    }

    /// Each text with its continuation. Tokens that end a text are not written, nor is a stop string or anything
    /// after it.
    pub fn texts(&self) -> Vec<String> {
        let whole = |text: usize| match self.tokens.text(text) {
            Some(written) => written,
            None => self.spelled(text) + &self.texts[text].continuation,
        };
        (0..self.texts.len()).map(whole).collect()
    }

    /// A prompt that was given as ids. Half a character at its end is written with what comes after.
    fn spelled(&self, text: usize) -> String {
        let real = self.tokens.real(text);
        let prompt = &self.tokens.row(text).ids[real.start..real.end - self.texts[text].ids.len()];
        let strings = || prompt.iter().map(|&id| self.model.token_text(id)).collect::<Vec<_>>().join(" ");
        let spelled = self.model.to_string(prompt).unwrap_or_else(|_| strings());
        spelled.trim_end_matches(char::REPLACEMENT_CHARACTER).to_owned()
    }

    /// [`texts`](Self::texts) as one: the text with its continuation, and of several, each on lines of its own.
    pub fn text(&self) -> String {
        self.texts().join("\n")
    }

    /// [`continuations`](Self::continuations) as one: what was written behind the text, and of several, each on lines of its
    /// own.
    pub fn continuation(&self) -> String {
        self.continuations().join("\n")
    }

    /// What was written behind each text.
    pub fn continuations(&self) -> Vec<String> {
        self.texts.iter().map(|text| text.continuation.clone()).collect()
    }

    /// The new tokens of one text, one that ended it included; none where there is no such text.
    pub fn new_ids(&self, text: impl ToIndex) -> Vec<u32> {
        self.of(text).map_or_else(Vec::new, |text| text.ids.clone())
    }

    /// The new tokens of one text with the logit and the probability that the model gave each, before any penalty or
    /// temperature; none where there is no such text.
    pub fn chosen(&self, text: impl ToIndex) -> Vec<Prediction> {
        self.of(text).map_or_else(Vec::new, |text| text.new.clone())
    }

    /// Why a text ended.
    ///
    /// # Errors
    /// When there is no such text.
    pub fn stop_reason(&self, text: impl ToIndex) -> Result<StopReason> {
        let (text, texts) = (text.to_index(), self.texts.len());
        Ok(self.of(text).map(|text| text.reason.clone()).ok_or(GenerateError::NoSuchText { text, texts })?)
    }

    /// The logits that each step's token was chosen from, before any penalty or temperature. What comes after the end
    /// of a text means nothing.
    ///
    /// # Shapes
    /// `[batch, step, d_vocab]`
    ///
    /// # Errors
    /// Unless asked for with [`Generation::keep_logits`].
    pub fn logits(&self) -> Result<Tensor> {
        Ok(self.logits.clone().ok_or(GenerateError::NoLogits)?)
    }

    /// What was recorded at a step. Its tokens are those that the step read.
    ///
    /// # Errors
    /// When there was no such step or nothing was to be recorded.
    pub fn cache(&self, step: impl ToIndex) -> Result<ActivationCache> {
        let step = step.to_index();
        let recorded = self.caches.len();
        Ok(place(step, recorded)
            .map(|at| self.caches[at].clone())
            .ok_or(GenerateError::NoSuchRecord { step, recorded })?)
    }

    /// What was recorded, step by step; empty when nothing was to be.
    pub fn caches(&self) -> Vec<ActivationCache> {
        self.caches.clone()
    }
}

impl Generated {
    /// One text; -1 is the last.
    fn of(&self, text: impl ToIndex) -> Option<&Text> {
        self.texts.get(place(text.to_index(), self.texts.len())?)
    }

    pub(super) fn brief(&self) -> String {
        format!("Generated by {}: {:?}", self.model.name(), self.texts())
    }
}
