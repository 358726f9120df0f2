//! [`Run`]: the result of running text through a model.

use super::{AnswerWord, LikelierReading, Model, run_gradient::OwnGradients};
use crate::{
    Result,
    cache::{ActivationCache, bytes_of},
    error::{RunError, TextError},
    hook::ToSite,
    index::{Counted, ToIndex},
    input::Input,
    model::{ToTokenIds, ids_after},
    order::{larger, top_k},
    text::Tokens,
};
use candle_core::Tensor;
use std::fmt;

/// What one forward pass gave: tokens, logits, the recorded activations, perhaps gradients.
///
/// Owned and cheap to clone.
#[derive(Clone)]
pub struct Run {
    model: Model,
    reading: Reading,
    cache: ActivationCache,
    gradients: Option<(ActivationCache, OwnGradients)>,
}

/// What was read from the last residual stream.
#[derive(Clone)]
pub(crate) struct Reading {
    pub(crate) logits: Option<Tensor>,
    /// The positions the logits are for, by text; `None` is all.
    pub(crate) at: Option<Vec<Vec<u32>>>,
    pub(crate) resid: Tensor,
    pub(crate) pooled: Option<Tensor>,
    pub(crate) next_sentence: Option<Tensor>,
}

/// A token that may come next.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Prediction {
    /// Its id.
    pub id: u32,
    /// How it prints.
    pub text: String,
    /// Its logit.
    pub logit: f32,
    /// Its probability, 0 to 1.
    pub probability: f32,
}

impl Run {
    pub(super) fn new(
        model: Model,
        reading: Reading,
        cache: ActivationCache,
        gradients: Option<(ActivationCache, OwnGradients)>,
    ) -> Self {
        Self { model, reading, cache, gradients }
    }

    /// The model that ran.
    pub fn model(&self) -> Model {
        self.model.clone()
    }

    /// The text that was run.
    pub fn tokens(&self) -> Tokens {
        self.cache.tokens()
    }

    /// The run of one text of a batch, counted from 0 (-1 is the last).
    ///
    /// # Errors
    /// When there is no such text.
    ///
    /// # Examples
    /// ```
    /// use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let both = model.run(["red fox blue red", "owl cat dog owl"])?;
    /// let second = both.text(1)?;
    /// assert_eq!(second.predictions(-1, 1)?[0].text, "cat");
    /// second.attention(1)?; // a picture of the second text
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn text(&self, text: impl ToIndex) -> Result<Self> {
        let (batch, Reading { logits, at, resid, pooled, next_sentence }) = (self.input().batch(), &self.reading);
        let text = Counted::new("text", "the batch has texts", batch).index(text)?;
        let part = |x: &Option<Tensor>| x.as_ref().map(|x| x.narrow(0, text, 1)).transpose();
        let reading = Reading {
            logits: part(logits)?,
            at: at.as_ref().map(|at| at[text..text + 1].to_vec()),
            resid: resid.narrow(0, text, 1)?,
            pooled: part(pooled)?,
            next_sentence: part(next_sentence)?,
        };
        let gradients = match &self.gradients {
            Some((cache, own)) => Some((cache.of_text(text)?, own.clone())),
            None => None,
        };
        let model = self.model.of_texts(&(text..text + 1), batch);
        Ok(Self { model, reading, cache: self.cache.of_text(text)?, gradients })
    }

    /// A title that names the text it is about, where there are several.
    pub(crate) fn titled(&self, title: impl fmt::Display) -> String {
        match self.input().batch() {
            1 => title.to_string(),
            batch => format!("{title}, text 0 of {batch}"),
        }
    }

    /// Everything that was read: the tokens, and the source of an encoder-decoder.
    pub fn input(&self) -> Input {
        self.cache.input()
    }

    /// The recorded activations.
    pub fn cache(&self) -> ActivationCache {
        self.cache.clone()
    }

    /// The logits, at every position or at those asked for with [`Pass::logits_at`](super::Pass::logits_at).
    ///
    /// # Shapes
    /// `[batch, pos, d_vocab]`
    ///
    /// # Errors
    /// When the pass was told to compute none, or the model has no unembedding.
    pub fn logits(&self) -> Result<Tensor> {
        let config = self.model.config();
        self.reading.logits.clone().ok_or_else(|| match config.heads.unembed {
            true => RunError::NoLogits.into(),
            false => RunError::NoUnembed { family: config.family.clone() }.into(),
        })
    }

    /// The residual stream after the last block that ran: what [`Pass::stop_at_layer`](super::Pass::stop_at_layer)
    /// leaves, or what the final norm reads.
    ///
    /// # Shapes
    /// `[batch, pos, d_model]`
    #[doc(alias = "stop_at_layer")]
    pub fn resid(&self) -> Tensor {
        self.reading.resid.clone()
    }

    /// The stream of each text's first token through the pooler of an encoder.
    ///
    /// # Shapes
    /// `[batch, d_model]`
    ///
    /// # Errors
    /// When the model has no pooler.
    pub fn pooled(&self) -> Result<Tensor> {
        self.reading.pooled.clone().ok_or_else(|| self.no_head("pooler"))
    }

    /// Scores of "the second sentence follows the first" and of "it does not".
    ///
    /// # Shapes
    /// `[batch, class]`
    ///
    /// # Errors
    /// When the model has no such head.
    pub fn next_sentence(&self) -> Result<Tensor> {
        self.reading.next_sentence.clone().ok_or_else(|| self.no_head("next-sentence head"))
    }

    /// The positions of each text that the logits are for; `None` is all.
    pub(super) fn computed_at(&self) -> Option<&[Vec<u32>]> {
        self.reading.at.as_deref()
    }

    /// How many bytes this run holds: its activations, logits and gradients, each buffer once, however many tensors share
    /// it. Not counted is the model, which is there anyway. They are free again when the last clone of the run is gone,
    /// and of each tensor that was taken from it; in a notebook, `drop(run)` lets go of a variable.
    ///
    /// # Examples
    /// ```
    /// use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let (run, small) = (model.run("red fox blue")?, model.pass("red fox blue")?.record([Site::z(0)]).run()?);
    /// assert!(small.bytes() < run.bytes());
    /// let of_z = small.cache().get(Site::z(0))?.elem_count() * 4; // four bytes a number
    /// assert_eq!(small.cache().bytes(), of_z);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn bytes(&self) -> usize {
        let Reading { logits, resid, pooled, next_sentence, .. } = &self.reading;
        let read = [logits.as_ref(), Some(resid), pooled.as_ref(), next_sentence.as_ref()];
        let recorded = [Some(&self.cache), self.gradients.as_ref().map(|(at_sites, _)| at_sites)].into_iter().flatten();
        bytes_of(
            recorded
                .flat_map(|cache| cache.iter().map(|(_, tensor)| tensor))
                .chain(read.into_iter().flatten().cloned()),
        )
    }

    fn no_head(&self, part: &'static str) -> crate::Error {
        RunError::NoHead { family: self.model.config().family.clone(), part }.into()
    }

    /// The gradients of the metric given to [`Pass::differentiate`](super::Pass::differentiate), by site.
    ///
    /// # Errors
    /// When none were asked for.
    #[doc(alias("grad", "backward"))]
    pub fn gradients(&self) -> Result<ActivationCache> {
        self.gradients.as_ref().map(|(at_sites, _)| at_sites.clone()).ok_or_else(|| RunError::NoGradients.into())
    }

    /// The gradient of that metric at one site.
    ///
    /// # Shapes
    /// Those of the site.
    ///
    /// # Errors
    /// As [`Run::gradients`]; also when the site was not among those differentiated.
    pub fn gradient(&self, site: impl ToSite) -> Result<Tensor> {
        self.gradients()?.get(site)
    }

    pub(super) fn own_gradients(&self) -> Option<&OwnGradients> {
        self.gradients.as_ref().map(|(_, own)| own)
    }

    /// The logits of one text at one position.
    pub(crate) fn logits_at(&self, text: usize, position: impl ToIndex) -> Result<Vec<f32>> {
        let index = self.tokens().index_in(text, position)?;
        let row = match self.reading.at.as_ref().and_then(|at| at.get(text)) {
            None => index,
            Some(at) => at
                .iter()
                .position(|&have| have as usize == index)
                .ok_or_else(|| RunError::NotComputed { position: index, computed: format!("{at:?}") })?,
        };
        Ok(self.logits()?.get(text)?.get(row)?.to_vec1()?)
    }

    /// The same where they are numbers to go by.
    fn numbers_at(&self, text: usize, position: i64) -> Result<Vec<f32>> {
        let logits = self.logits_at(text, position)?;
        self.cache.check_numbers(|| format!("the logits at position {position} of text {text}"), &logits)?;
        Ok(logits)
    }

    /// The `k` tokens that the logits at a position (-1 is the last) of the first text make likeliest, likeliest
    /// first: those that may follow it, or, in an encoder, stand there.
    ///
    /// # Errors
    /// When the position is outside the text, its logits were not computed, or one of them is NaN or inf: the error
    /// names the first recorded site at which there is no number.
    #[doc(alias("get_top_k", "topk"))]
    pub fn predictions(&self, position: impl ToIndex, k: usize) -> Result<Vec<Prediction>> {
        self.predictions_in(0, position, k)
    }

    /// As [`Run::predictions`], for one text of a batch.
    ///
    /// # Errors
    /// As there; also when there is no such text.
    pub fn predictions_in(&self, text: impl ToIndex, position: impl ToIndex, k: usize) -> Result<Vec<Prediction>> {
        let (text, position) = (self.tokens().text_at(text)?, position.to_index());
        let logits = self.numbers_at(text, position)?;
        let probabilities = softmax(&logits);
        let prediction = |id: usize| Prediction {
            id: id as u32,
            text: self.model.token_text(id as u32),
            logit: logits[id],
            probability: probabilities[id],
        };
        Ok(top_k(&logits, k).into_iter().map(prediction).collect())
    }

    /// The probability that an answer follows a position (-1 is the last) of the first text, or, in an encoder, stands
    /// there. A word is read as the text would go on with it: see [the rule](AnswerWord#the-space-before-a-word).
    ///
    /// # Errors
    /// When `text` is not a single token, the position is outside the text, or a logit there is NaN or inf.
    pub fn probability(&self, answer: impl ToTokenIds, position: impl ToIndex) -> Result<f32> {
        let (logits, [id]) = self.asked([answer.answer_words().as_slice()], position.to_index())?;
        Ok(softmax(&logits)[id])
    }

    /// The logit of an answer at a position (-1 is the last) less that of another, for the first text. Words are read as
    /// the text would go on with them: see [the rule](AnswerWord#the-space-before-a-word).
    ///
    /// # Errors
    /// When either is not a single token, the position is outside the text, or a logit there is NaN or inf.
    #[doc(alias("get_logit_diff", "logits_to_ave_logit_diff"))]
    pub fn logit_diff(&self, answer: impl ToTokenIds, other: impl ToTokenIds, position: impl ToIndex) -> Result<f32> {
        let words = [&answer.answer_words(), &other.answer_words()];
        let (logits, [answer, other]) = self.asked(words.map(Vec::as_slice), position.to_index())?;
        Ok(logits[answer] - logits[other])
    }

    /// [`logit_diff`](Self::logit_diff) of every text: the answer and the other token of each, as pairs.
    ///
    /// # Errors
    /// When there are not as many pairs as texts; otherwise as [`logit_diff`](Self::logit_diff).
    ///
    /// # Examples
    /// ```
    /// use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run(["red fox blue owl red fox blue", "owl fox owl"])?;
    /// let differences = run.logit_diffs([("owl", "red"), ("fox", "owl")], -1)?;
    /// assert!(differences.len() == 2 && differences[0] > 5.0);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias("get_logit_diff", "logits_to_ave_logit_diff"))]
    pub fn logit_diffs<A: Into<AnswerWord>>(
        &self,
        pairs: impl IntoIterator<Item = (A, A)>,
        position: impl ToIndex,
    ) -> Result<Vec<f32>> {
        let (answers, others): (Vec<AnswerWord>, Vec<AnswerWord>) =
            pairs.into_iter().map(|(answer, other)| (answer.into(), other.into())).unzip();
        let (tokens, position) = (self.tokens(), position.to_index());
        let at = |text: usize| tokens.index_in(text, position);
        // One pair would do for all texts of a batch, were it not checked.
        if answers.len() != tokens.batch() {
            return Err(TextError::Answers { count: answers.len(), batch: tokens.batch() }.into());
        }
        let ids = [ids_after(&self.model, &answers, &tokens, at)?, ids_after(&self.model, &others, &tokens, at)?];
        let difference = |text: usize| {
            let logits = self.numbers_at(text, position)?;
            Ok(logits[ids[0][text] as usize] - logits[ids[1][text] as usize])
        };
        (0..tokens.batch()).map(difference).collect()
    }

    /// The logits at a position of the first text, and the tokens of some answers there. Warns of an answer
    /// whose other reading is much likelier.
    fn asked<const N: usize>(&self, answers: [&[AnswerWord]; N], position: i64) -> Result<(Vec<f32>, [usize; N])> {
        let logits = self.numbers_at(0, position)?;
        let at = self.tokens().index_in(0, position)?;
        let mut ids = [0; N];
        for (id, words) in ids.iter_mut().zip(answers) {
            let of_first = ids_after(&self.model, words, &self.tokens().texts(0..1), |_| Ok(at))?;
            *id = of_first.first().copied().unwrap_or(0) as usize;
            let is_word = words.iter().any(AnswerWord::is_word);
            let likelier = is_word.then(|| self.model.likelier_reading(*id as u32, &logits)).flatten();
            likelier.iter().for_each(LikelierReading::say);
        }
        Ok((logits, ids))
    }
}

/// Probabilities from logits; all NaN where one of these is.
pub(crate) fn softmax(logits: &[f32]) -> Vec<f32> {
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, larger);
    let exp: Vec<f64> = logits.iter().map(|logit| f64::from(logit - max).exp()).collect();
    let total: f64 = exp.iter().sum();
    exp.into_iter().map(|value| (value / total) as f32).collect()
}

impl crate::plot::NamedValue for Prediction {
    type Value = f32;

    fn pair(self) -> (String, f32) {
        (self.text, self.probability)
    }
}
