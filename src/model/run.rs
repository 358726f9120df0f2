//! [`Run`]: the result of running text through a model.

mod predictions;

use super::{Model, run_gradient::OwnGradients};
use crate::{
    Result,
    cache::{ActivationCache, bytes_of},
    error::RunError,
    hook::ToSite,
    index::{Counted, ToIndex},
    input::Input,
    order::larger,
    text::Tokens,
};
use candle_core::Tensor;
use std::fmt;

/// The result of one forward pass: tokens, logits, recorded activations, and gradients if they were asked for.
///
/// It is owned and cheap to clone.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
/// assert_eq!(run.logits()?.dims(), [1, 8, 374]); // [batch, pos, d_vocab]
/// assert_eq!(run.cache().get(Site::pattern(1))?.dims(), [1, 4, 8, 8]); // [batch, head, query, key]
/// # Ok::<(), glassbox::Error>(())
/// ```
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

/// A possible next token.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
/// let best = &run.predictions(-1, 3)?[0];
/// assert!(best.text == "owl" && best.probability > 0.9);
/// # Ok::<(), glassbox::Error>(())
/// ```
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
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox")?;
    /// assert_eq!(run.model().name(), "induction-2l");
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn model(&self) -> Model {
        self.model.clone()
    }

    /// The text that was run.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox")?;
    /// assert_eq!(run.tokens().strings(0), ["<bos>", "red", "fox"]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
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
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox")?;
    /// assert_eq!(run.cache().get(Site::z(0))?.dims(), [1, 3, 4, 16]); // [batch, pos, head, d_head]
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn cache(&self) -> ActivationCache {
        self.cache.clone()
    }

    /// The logits, at all positions or at those of [`Pass::logits_at`](super::Pass::logits_at).
    ///
    /// # Shapes
    /// `[batch, pos, d_vocab]`
    ///
    /// # Errors
    /// When the pass computed none, or the model has no unembedding.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox")?;
    /// assert_eq!(run.logits()?.dims(), [1, 3, 374]); // [batch, pos, d_vocab]
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn logits(&self) -> Result<Tensor> {
        let config = self.model.config();
        self.reading.logits.clone().ok_or_else(|| match config.heads.unembed {
            true => RunError::NoLogits.into(),
            false => RunError::NoUnembed { family: config.family.clone() }.into(),
        })
    }

    /// The residual stream after the last block that ran: where [`Pass::stop_at_layer`](super::Pass::stop_at_layer)
    /// stopped, or the input of the final norm.
    ///
    /// # Shapes
    /// `[batch, pos, d_model]`
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let run = model.run("red fox")?;
    /// let difference = (model.unembed(run.resid())? - run.logits()?)?.abs()?.max_all()?.to_scalar::<f32>()?;
    /// assert!(difference < 1e-5);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "stop_at_layer")]
    pub fn resid(&self) -> Tensor {
        self.reading.resid.clone()
    }

    /// The pooler's output for each text's first token, in an encoder.
    ///
    /// # Shapes
    /// `[batch, d_model]`
    ///
    /// # Errors
    /// When the model has no pooler.
    pub fn pooled(&self) -> Result<Tensor> {
        self.reading.pooled.clone().ok_or_else(|| self.no_head("pooler"))
    }

    /// The scores of next-sentence prediction: that the second sentence follows the first, and that it does not.
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

    /// The number of bytes that this run holds: activations, logits and gradients. A buffer that several tensors share
    /// counts once, and the model does not count.
    ///
    /// The memory is freed when the last clone of the run, and every tensor taken from it, is gone. In a notebook,
    /// `drop(run)` frees a variable.
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
    /// When the pass did not differentiate.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let pass = Model::open("induction-2l")?.pass("red fox blue owl red fox blue")?.logits_at([-1]);
    /// let run = pass.differentiate("*.hook_z", |logits| logits.max_all()).run()?; // the largest logit
    /// assert_eq!(run.gradients()?.len(), 2); // one for each layer
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias("grad", "backward"))]
    pub fn gradients(&self) -> Result<ActivationCache> {
        self.gradients.as_ref().map(|(at_sites, _)| at_sites.clone()).ok_or_else(|| RunError::NoGradients.into())
    }

    /// The gradient of the metric at one site.
    ///
    /// # Shapes
    /// The shape of the site
    ///
    /// # Errors
    /// As [`Run::gradients`], and when the site was not differentiated.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let pass = Model::open("induction-2l")?.pass("red fox blue owl red fox blue")?.logits_at([-1]);
    /// let run = pass.differentiate(Site::resid_pre(1), |logits| logits.max_all()).run()?;
    /// assert_eq!(run.gradient(Site::resid_pre(1))?.dims(), [1, 8, 64]); // [batch, pos, d_model]
    /// # Ok::<(), glassbox::Error>(())
    /// ```
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
