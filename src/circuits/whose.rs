//! [`ToWeights`]: whose heads are read.

use crate::{Model, Result, error::CircuitsError, weights::WeightViews};
use candle_core::Tensor;

/// The weights whose heads are scored: a model of one stack, or one stack of an encoder-decoder, such as
/// `model.weights().decoder()?` or, for cross attention, `model.weights().cross_attention()?`.
///
/// # Examples
/// ```
/// use glassbox::{circuits::{ToWeights, copying_scores}, prelude::*};
/// let model = Model::open("induction-2l")?.processed(Processing::default())?;
/// assert_eq!(copying_scores(&model)?, copying_scores(model.to_weights())?);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no heads",
    note = "give a model, as in `&model`, or the weights of one of its stacks, as in `model.weights().decoder()?`"
)]
pub trait ToWeights {
    /// The weights.
    fn to_weights(&self) -> WeightViews;
}

impl ToWeights for Model {
    fn to_weights(&self) -> WeightViews {
        self.weights()
    }
}

impl ToWeights for WeightViews {
    fn to_weights(&self) -> WeightViews {
        self.clone()
    }
}

impl<T: ToWeights + ?Sized> ToWeights for &T {
    fn to_weights(&self) -> WeightViews {
        (**self).to_weights()
    }
}

/// The embedding of what keys and values read: in cross attention, the encoder's tokens.
///
/// # Shapes
/// `[d_vocab, d_model]`
pub(super) fn looked_at(weights: &WeightViews) -> Result<Tensor> {
    if weights.looks_across() { weights.encoder()?.w_e() } else { weights.w_e() }
}

/// Fails for cross attention, whose keys and values read the encoder's output, to which earlier heads of the decoder do
/// not write.
pub(super) fn need_one_stream(weights: &WeightViews, what: &'static str) -> Result<()> {
    if !weights.looks_across() {
        return Ok(());
    }
    Err(CircuitsError::ReadsTheEncoder { what }.into())
}

/// Fails for the encoder of an encoder-decoder, which the unembedding does not read.
pub(super) fn need_unembedding(weights: &WeightViews, what: &'static str) -> Result<()> {
    if !weights.is_encoder() {
        return Ok(());
    }
    Err(CircuitsError::EncoderHeads { what }.into())
}
