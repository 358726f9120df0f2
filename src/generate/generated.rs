//! [`Generated`]: the result of a generation.

use super::{Generation, StopReason, writer::Writer};
use crate::{
    Result,
    cache::ActivationCache,
    error::GenerateError,
    index::{ToIndex, from_either_end},
    model::{Model, Prediction},
    text::{Padding, Tokens},
};
use candle_core::Tensor;

/// The result of a generation: texts, tokens, the model's probability for each token, and what was recorded.
///
/// It is owned and cheap to clone. In a notebook it shows the text with the new part highlighted.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let text = Model::open("induction-2l")?.generate("red fox blue owl red")?.max_new_tokens(2).run()?;
/// assert_eq!(text.text(), "red fox blue owl red fox blue"); // highlighted, in a notebook
/// # Ok::<(), glassbox::Error>(())
/// ```
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

    /// The model that generated the text.
    pub fn model(&self) -> Model {
        self.model.clone()
    }

    /// The prompt and the new tokens, padded on the right, ready to be run again.
    ///
    /// In an encoder-decoder model these are the decoder's tokens.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let text = model.generate("red fox blue owl red")?.max_new_tokens(2).run()?;
    /// assert!(model.run(text.tokens())?.loss()? > 0.0); // run the whole text again
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn tokens(&self) -> Tokens {
        self.tokens.clone()
    }

    /// Each text with its continuation, without the end token.
    ///
    /// A stop string and anything after it are left out.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let text = Model::open("induction-2l")?.generate(["red fox red", "owl ant owl"])?.max_new_tokens(1).run()?;
    /// assert_eq!(text.texts(), ["red fox red fox", "owl ant owl ant"]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn texts(&self) -> Vec<String> {
        let whole = |text: usize| match self.tokens.text(text) {
            Some(written) => written,
            None => self.spelled(text) + &self.texts[text].continuation,
        };
        (0..self.texts.len()).map(whole).collect()
    }

    /// The text of a prompt given as ids. A character that is incomplete at the end is written with the tokens that
    /// follow.
    fn spelled(&self, text: usize) -> String {
        let real = self.tokens.real(text);
        let prompt = &self.tokens.row(text).ids[real.start..real.end - self.texts[text].ids.len()];
        let strings = || prompt.iter().map(|&id| self.model.token_text(id)).collect::<Vec<_>>().join(" ");
        let spelled = self.model.to_string(prompt).unwrap_or_else(|_| strings());
        spelled.trim_end_matches(char::REPLACEMENT_CHARACTER).to_owned()
    }

    /// [`texts`](Self::texts) as one string.
    ///
    /// Several texts are separated by line breaks.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let text = Model::open("induction-2l")?.generate("red fox red")?.max_new_tokens(1).run()?;
    /// assert_eq!(text.text(), "red fox red fox");
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn text(&self) -> String {
        self.texts().join("\n")
    }

    /// [`continuations`](Self::continuations) as one string.
    ///
    /// Several continuations are separated by line breaks.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let text = Model::open("induction-2l")?.generate("red fox blue owl red")?.max_new_tokens(2).run()?;
    /// assert_eq!(text.continuation(), " fox blue");
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn continuation(&self) -> String {
        self.continuations().join("\n")
    }

    /// The continuation of each text.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let text = Model::open("induction-2l")?.generate(["red fox red", "owl ant owl"])?.max_new_tokens(1).run()?;
    /// assert_eq!(text.continuations(), [" fox", " ant"]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn continuations(&self) -> Vec<String> {
        self.texts.iter().map(|text| text.continuation.clone()).collect()
    }

    /// The new tokens of one text, including an end token; empty if there is no such text.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let text = model.generate("red fox red")?.max_new_tokens(1).run()?;
    /// assert_eq!(text.new_ids(0), [model.to_single_token("fox")?]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn new_ids(&self, text: impl ToIndex) -> Vec<u32> {
        self.of(text).map_or_else(Vec::new, |text| text.ids.clone())
    }

    /// The new tokens of one text with the logit and probability that the model gave each, before any penalty or
    /// temperature.
    ///
    /// Empty if there is no such text.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let text = Model::open("induction-2l")?.generate("red fox blue owl red")?.max_new_tokens(2).run()?;
    /// assert!(text.chosen(0).iter().all(|token| token.probability > 0.5));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn chosen(&self, text: impl ToIndex) -> Vec<Prediction> {
        self.of(text).map_or_else(Vec::new, |text| text.new.clone())
    }

    /// Returns why a text ended.
    ///
    /// # Errors
    /// Fails when there is no such text.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{generate::StopReason, prelude::*};
    /// let text = Model::open("induction-2l")?.generate("red fox red")?.max_new_tokens(1).run()?;
    /// assert_eq!(text.stop_reason(0)?, StopReason::MaxNewTokens);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn stop_reason(&self, text: impl ToIndex) -> Result<StopReason> {
        let (text, texts) = (text.to_index(), self.texts.len());
        Ok(self.of(text).map(|text| text.reason.clone()).ok_or(GenerateError::NoSuchText { text, texts })?)
    }

    /// Returns the logits that each step's token was chosen from, before any penalty or temperature.
    ///
    /// After the end of a text its logits have no meaning.
    ///
    /// # Shapes
    /// `[batch, step, d_vocab]`
    ///
    /// # Errors
    /// Fails unless the generation used [`Generation::keep_logits`].
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let text = Model::open("induction-2l")?.generate("red fox red")?.max_new_tokens(2).keep_logits().run()?;
    /// assert_eq!(text.logits()?.dims(), [1, 2, 374]); // [batch, step, d_vocab]
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn logits(&self) -> Result<Tensor> {
        Ok(self.logits.clone().ok_or(GenerateError::NoLogits)?)
    }

    /// Returns what was recorded at a step.
    ///
    /// The cache's tokens are those that the step read.
    ///
    /// # Errors
    /// Fails when there was no such step, or nothing was to be recorded.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let generation = Model::open("induction-2l")?.generate("red fox red")?.max_new_tokens(2);
    /// let text = generation.record([Site::resid_post(1)]).run()?;
    /// assert_eq!(text.cache(0)?.get(Site::resid_post(1))?.dims(), [1, 4, 64]); // the prompt
    /// assert_eq!(text.cache(1)?.get(Site::resid_post(1))?.dims(), [1, 1, 64]); // the first new token
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn cache(&self, step: impl ToIndex) -> Result<ActivationCache> {
        let step = step.to_index();
        let recorded = self.caches.len();
        Ok(from_either_end(step, recorded)
            .map(|at| self.caches[at].clone())
            .ok_or(GenerateError::NoSuchRecord { step, recorded })?)
    }

    /// What was recorded at each step; empty if nothing was to be recorded.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let generation = Model::open("induction-2l")?.generate("red fox red")?.max_new_tokens(2);
    /// assert_eq!(generation.record([Site::z(1)]).run()?.caches().len(), 2); // one for each step
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn caches(&self) -> Vec<ActivationCache> {
        self.caches.clone()
    }
}

impl Generated {
    /// Returns one text; -1 is the last.
    fn of(&self, text: impl ToIndex) -> Option<&Text> {
        self.texts.get(from_either_end(text.to_index(), self.texts.len())?)
    }

    pub(super) fn brief(&self) -> String {
        format!("Generated by {}: {:?}", self.model.name(), self.texts())
    }
}
