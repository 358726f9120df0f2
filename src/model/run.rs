//! [`Run`]: the result of running text through a model.

use super::Model;
use crate::{
    Result,
    cache::ActivationCache,
    error::{RunError, TextError},
    text::Tokens,
};
use candle_core::{D, Tensor};
use candle_nn::ops::log_softmax;

/// What one forward pass gave: tokens, logits, the recorded activations, perhaps gradients.
///
/// Owned and cheap to clone.
#[derive(Clone)]
pub struct Run {
    model: Model,
    logits: Option<Tensor>,
    /// The positions the logits are for; `None` is all.
    at: Option<Vec<u32>>,
    cache: ActivationCache,
    gradients: Option<ActivationCache>,
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
        logits: Option<Tensor>,
        at: Option<Vec<u32>>,
        cache: ActivationCache,
        gradients: Option<ActivationCache>,
    ) -> Self {
        Self { model, logits, at, cache, gradients }
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
    /// When the pass was told to compute none.
    pub fn logits(&self) -> Result<&Tensor> {
        self.logits.as_ref().ok_or_else(|| RunError::NoLogits.into())
    }

    /// The gradients of the metric given to [`Pass::differentiate`](super::Pass::differentiate), by site.
    ///
    /// # Errors
    /// When none were asked for.
    pub fn gradients(&self) -> Result<&ActivationCache> {
        self.gradients.as_ref().ok_or_else(|| RunError::NoGradients.into())
    }

    /// The logits of the first text at one position.
    fn logits_at(&self, position: i64) -> Result<Vec<f32>> {
        let index = self.tokens().index_in(0, position)?;
        let row = match &self.at {
            None => index,
            Some(at) => at
                .iter()
                .position(|&have| have as usize == index)
                .ok_or_else(|| RunError::NotComputed { position: index, computed: format!("{at:?}") })?,
        };
        Ok(self.logits()?.get(0)?.get(row)?.to_vec1()?)
    }

    /// The `k` tokens most likely to follow a position (-1 is the last) of the first text, likeliest first.
    ///
    /// # Errors
    /// When the position is outside the text or its logits were not computed.
    pub fn predictions(&self, position: i64, k: usize) -> Result<Vec<Prediction>> {
        let logits = self.logits_at(position)?;
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
    pub fn probability(&self, text: &str, position: i64) -> Result<f32> {
        let id = self.model.to_single_token(text)? as usize;
        Ok(softmax(&self.logits_at(position)?)[id])
    }

    /// The logit of `text` at a position less that of `other`, for the first text.
    ///
    /// # Errors
    /// When either is not a single token, or the position is outside the text.
    pub fn logit_diff(&self, text: &str, other: &str, position: i64) -> Result<f32> {
        let logits = self.logits_at(position)?;
        Ok(logits[self.model.to_single_token(text)? as usize] - logits[self.model.to_single_token(other)? as usize])
    }

    /// -log P(token | what came before) of every token but the first, in nats.
    ///
    /// # Shapes
    /// `[batch, pos - 1]`
    ///
    /// # Errors
    /// When the text is a single token or not all logits were computed.
    pub fn token_losses(&self) -> Result<Tensor> {
        let (batch, len) = (self.tokens().batch(), self.tokens().len());
        if len < 2 {
            return Err(TextError::OneToken.into());
        }
        let logits = self.logits()?;
        if logits.dim(1)? != len {
            return Err(RunError::NotComputed { position: 0, computed: format!("{:?}", self.at) }.into());
        }
        let next = self.tokens().to_tensor()?.narrow(1, 1, len - 1)?.contiguous()?.unsqueeze(2)?;
        let log_probabilities = log_softmax(&logits.narrow(1, 0, len - 1)?, D::Minus1)?;
        Ok(log_probabilities.gather(&next, 2)?.reshape((batch, len - 1))?.neg()?)
    }

    /// The mean of [`Run::token_losses`].
    ///
    /// # Errors
    /// As there.
    pub fn loss(&self) -> Result<f64> {
        Ok(self.token_losses()?.mean_all()?.to_scalar::<f32>()? as f64)
    }
}

/// The indices of the `k` largest values, largest first; equal values in order of index.
pub(crate) fn top_k(values: &[f32], k: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    let larger = |a: &usize, b: &usize| values[*b].total_cmp(&values[*a]).then(a.cmp(b));
    let k = k.min(order.len());
    if k < order.len() {
        order.select_nth_unstable_by(k, larger);
        order.truncate(k);
    }
    order.sort_unstable_by(larger);
    order
}

/// Probabilities from logits.
pub(crate) fn softmax(logits: &[f32]) -> Vec<f32> {
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exp: Vec<f64> = logits.iter().map(|logit| f64::from(logit - max).exp()).collect();
    let total: f64 = exp.iter().sum();
    exp.into_iter().map(|value| (value / total) as f32).collect()
}
