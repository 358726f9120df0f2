//! [`Run`]: the result of running text through a model.

use super::{Architecture, Model, run_gradient::OwnGradients};
use crate::{
    Result,
    cache::ActivationCache,
    error::{RunError, TextError},
    index::ToIndex,
    order::{larger, top_k},
    text::Tokens,
};
use candle_core::{D, Device, Tensor};
use candle_nn::ops::log_softmax;

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
#[derive(Clone, Debug, PartialEq)]
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
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The text that was run.
    pub fn tokens(&self) -> &Tokens {
        self.cache.tokens()
    }

    /// The recorded activations.
    pub fn cache(&self) -> &ActivationCache {
        &self.cache
    }

    /// The logits, at every position or at those asked for with [`Pass::logits_at`](super::Pass::logits_at).
    ///
    /// # Shapes
    /// `[batch, pos, d_vocab]`
    ///
    /// # Errors
    /// When the pass was told to compute none, or the model has no unembedding.
    pub fn logits(&self) -> Result<&Tensor> {
        let config = self.model.config();
        self.reading.logits.as_ref().ok_or_else(|| match config.heads.unembed {
            true => RunError::NoLogits.into(),
            false => RunError::NoUnembed { family: config.family.clone() }.into(),
        })
    }

    /// The residual stream after the last block that ran: what [`Pass::stop_at_layer`](super::Pass::stop_at_layer)
    /// leaves, or what the final norm reads.
    ///
    /// # Shapes
    /// `[batch, pos, d_model]`
    pub fn resid(&self) -> &Tensor {
        &self.reading.resid
    }

    /// The stream of each text's first token through the pooler of an encoder.
    ///
    /// # Shapes
    /// `[batch, d_model]`
    ///
    /// # Errors
    /// When the model has no pooler.
    pub fn pooled(&self) -> Result<&Tensor> {
        self.reading.pooled.as_ref().ok_or_else(|| self.no_head("pooler"))
    }

    /// Scores of "the second sentence follows the first" and of "it does not".
    ///
    /// # Shapes
    /// `[batch, class]`
    ///
    /// # Errors
    /// When the model has no such head.
    pub fn next_sentence(&self) -> Result<&Tensor> {
        self.reading.next_sentence.as_ref().ok_or_else(|| self.no_head("next-sentence head"))
    }

    fn no_head(&self, part: &'static str) -> crate::Error {
        RunError::NoHead { family: self.model.config().family.clone(), part }.into()
    }

    /// The gradients of the metric given to [`Pass::differentiate`](super::Pass::differentiate), by site.
    ///
    /// # Errors
    /// When none were asked for.
    pub fn gradients(&self) -> Result<&ActivationCache> {
        self.gradients.as_ref().map(|(at_sites, _)| at_sites).ok_or_else(|| RunError::NoGradients.into())
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

    /// The `k` tokens that the logits at a position (-1 is the last) of the first text make likeliest, likeliest
    /// first: those that may follow it, or, in an encoder, stand there.
    ///
    /// # Errors
    /// When the position is outside the text, its logits were not computed, or one of them is NaN or inf: the error
    /// names the first recorded site at which there is no number.
    pub fn predictions(&self, position: impl ToIndex, k: usize) -> Result<Vec<Prediction>> {
        self.predictions_in(0, position, k)
    }

    /// As [`Run::predictions`], for one text of a batch.
    ///
    /// # Errors
    /// As there; also when there is no such text.
    pub fn predictions_in(&self, text: impl ToIndex, position: impl ToIndex, k: usize) -> Result<Vec<Prediction>> {
        let (text, position) = (self.tokens().text_at(text)?, position.to_index());
        let logits = self.logits_at(text, position)?;
        self.cache.check_numbers(|| format!("the logits at position {position} of text {text}"), &logits)?;
        let probabilities = softmax(&logits);
        let prediction = |id: usize| Prediction {
            id: id as u32,
            text: self.model.token_text(id as u32),
            logit: logits[id],
            probability: probabilities[id],
        };
        Ok(top_k(&logits, k).into_iter().map(prediction).collect())
    }

    /// The probability that the token `text` follows a position (-1 is the last) of the first text.
    ///
    /// # Errors
    /// When `text` is not a single token, or the position is outside the text.
    pub fn probability(&self, text: &str, position: impl ToIndex) -> Result<f32> {
        let id = self.model.to_single_token(text)? as usize;
        Ok(softmax(&self.logits_at(0, position)?)[id])
    }

    /// The logit of `text` at a position less that of `other`, for the first text.
    ///
    /// # Errors
    /// When either is not a single token, or the position is outside the text.
    pub fn logit_diff(&self, text: &str, other: &str, position: impl ToIndex) -> Result<f32> {
        let logits = self.logits_at(0, position)?;
        Ok(logits[self.model.to_single_token(text)? as usize] - logits[self.model.to_single_token(other)? as usize])
    }

    /// -log P(token | what came before) of every token but the first, in nats; 0 where this token or the one before
    /// is padding.
    ///
    /// # Shapes
    /// `[batch, pos - 1]`
    ///
    /// # Errors
    /// When the text is a single token, not all logits were computed, or the model is an encoder.
    pub fn token_losses(&self) -> Result<Tensor> {
        let (batch, len) = (self.tokens().batch(), self.tokens().len());
        let config = self.model.config();
        if config.architecture == Architecture::Encoder {
            return Err(RunError::NotCausal { family: config.family.clone() }.into());
        }
        if len < 2 {
            return Err(TextError::OneToken.into());
        }
        let logits = self.logits()?;
        if let Some(at) = &self.reading.at {
            return Err(RunError::NotComputed { position: 0, computed: format!("{at:?}") }.into());
        }
        let next = self.tokens().to_tensor()?.narrow(1, 1, len - 1)?.contiguous()?.unsqueeze(2)?;
        let log_probabilities = log_softmax(&logits.narrow(1, 0, len - 1)?, D::Minus1)?;
        let losses = log_probabilities.gather(&next, 2)?.reshape((batch, len - 1))?.neg()?;
        match self.tokens().is_padded() {
            true => Ok((losses * self.predicted()?)?),
            false => Ok(losses),
        }
    }

    /// 1 where a token was predicted from a real token before it, 0 elsewhere.
    fn predicted(&self) -> Result<Tensor> {
        let tokens = self.tokens();
        let (batch, len) = (tokens.batch(), tokens.len());
        let is_predicted = |text: usize, at: usize| tokens.real(text).start < at && at < tokens.real(text).end;
        let values = (0..batch).flat_map(|text| (1..len).map(move |at| f32::from(is_predicted(text, at))));
        Ok(Tensor::from_vec(values.collect::<Vec<_>>(), (batch, len - 1), &Device::Cpu)?)
    }

    /// The mean of [`Run::token_losses`] over the tokens that were predicted.
    ///
    /// # Errors
    /// As there; also when each of several texts is a single token.
    pub fn loss(&self) -> Result<f64> {
        let losses = self.token_losses()?.sum_all()?.to_scalar::<f32>()?;
        let count = self.predicted()?.sum_all()?.to_scalar::<f32>()?;
        if count == 0.0 {
            return Err(TextError::OneToken.into());
        }
        Ok(f64::from(losses) / f64::from(count))
    }
}

/// Probabilities from logits; all NaN where one of these is.
pub(crate) fn softmax(logits: &[f32]) -> Vec<f32> {
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, larger);
    let exp: Vec<f64> = logits.iter().map(|logit| f64::from(logit - max).exp()).collect();
    let total: f64 = exp.iter().sum();
    exp.into_iter().map(|value| (value / total) as f32).collect()
}
