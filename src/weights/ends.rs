//! Views of the embedding and the unembedding.

use super::WeightViews;
use crate::{
    Result,
    net::parts::{Embed, Front, Linear},
    tensor::ones,
};
use candle_core::Tensor;

/// Weights that occur once in a model.
impl WeightViews {
    /// Returns `W_E`: the vector that each token adds to the residual stream, including the embedding's scale (Gemma's
    /// `sqrt(d_model)`).
    ///
    /// In an encoder-decoder whose decoder has its own table, only the decoder's weights return that table.
    ///
    /// # Shapes
    /// `[d_vocab, d_model]`, or as wide as the embeddings where these are projected to `d_model` afterwards
    ///
    /// # Errors
    /// Fails when memory runs out.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// assert_eq!(Model::open("induction-2l")?.weights().w_e()?.dims(), [374, 64]); // [d_vocab, d_model]
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "W_E")]
    pub fn w_e(&self) -> Result<Tensor> {
        let tokens = &self.embedding("W_E")?.tokens;
        match self.model.config().embed_scale {
            1.0 => Ok(tokens.clone()),
            scale => Ok((tokens * scale)?),
        }
    }

    /// Returns `W_pos`.
    ///
    /// # Shapes
    /// `[pos, d_model]`, a row for each position of the longest text
    ///
    /// # Errors
    /// Fails when the model does not have learned position vectors.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// assert_eq!(model.weights().w_pos()?.dims(), [model.config().n_ctx, 64]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "W_pos")]
    pub fn w_pos(&self) -> Result<Tensor> {
        let positions = match self.model.transformer().encoder.as_ref().map(|encoder| &encoder.front) {
            Some(Front::Sound(front)) if self.is_encoder() => Some(front.positions.clone()),
            _ => self.embedding("W_pos")?.positions.clone(),
        };
        positions.ok_or_else(|| self.absent("W_pos", "its positions are no learned vectors"))
    }

    /// Returns `W_E` with `W_pos` below it: all vectors that the residual stream can start from.
    ///
    /// # Shapes
    /// `[d_vocab + pos, d_model]`
    ///
    /// # Errors
    /// Fails when the model does not have learned position vectors.
    #[doc(alias = "W_E_pos")]
    pub fn w_e_pos(&self) -> Result<Tensor> {
        Ok(Tensor::cat(&[self.w_e()?, self.w_pos()?], 0)?)
    }

    /// Returns `W_U`.
    ///
    /// # Shapes
    /// `[d_model, d_vocab]`
    ///
    /// # Errors
    /// Fails when the model does not have an unembedding.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// assert_eq!(Model::open("induction-2l")?.weights().w_u()?.dims(), [64, 374]); // [d_model, d_vocab]
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "W_U")]
    pub fn w_u(&self) -> Result<Tensor> {
        Ok(self.unembed("W_U")?.weight.clone())
    }

    /// Returns `b_U`.
    ///
    /// # Shapes
    /// `[d_vocab]`
    ///
    /// # Errors
    /// Fails when the model does not have an unembedding.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// assert_eq!(Model::open("induction-2l")?.weights().b_u()?.dims(), [374]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "b_U")]
    pub fn b_u(&self) -> Result<Tensor> {
        self.bias_or_zero(&self.unembed("b_U")?.bias, self.model.config().d_vocab)
    }

    /// Returns the weight of the norm before the unembedding.
    ///
    /// # Shapes
    /// `[d_model]`
    ///
    /// # Errors
    /// Fails when the model does not have such a norm.
    pub fn ln_final_w(&self) -> Result<Tensor> {
        let norm = &self.model.transformer().readout.ln_final;
        match (&norm.weight, norm.is_none()) {
            (_, true) => Err(self.absent("ln_final", "its last residual stream does not pass a norm")),
            (Some(weight), _) => Ok(weight.clone()),
            (None, _) => Ok(ones(self.width())?),
        }
    }

    /// Returns the bias of the norm before the unembedding.
    ///
    /// # Shapes
    /// `[d_model]`
    ///
    /// # Errors
    /// Fails when the model does not have such a norm.
    pub fn ln_final_b(&self) -> Result<Tensor> {
        let norm = &self.model.transformer().readout.ln_final;
        match norm.is_none() {
            true => Err(self.absent("ln_final", "its last residual stream does not pass a norm")),
            false => self.bias_or_zero(&norm.bias, self.width()),
        }
    }

    /// The embedding of tokens: the encoder's in an encoder-decoder, unless the decoder's was asked for or the encoder
    /// reads sound.
    fn embedding(&self, weight: &str) -> Result<&Embed> {
        let transformer = self.model.transformer();
        let encoder = transformer.encoder.as_ref().filter(|_| !self.is_decoder());
        match encoder.map(|encoder| &encoder.front) {
            Some(Front::Sound(_)) if self.is_encoder() => Err(self.absent(weight, "its encoder reads sound")),
            Some(Front::Tokens(embed)) => Ok(embed),
            _ => transformer.last.front.tokens().ok_or_else(|| self.absent(weight, "it reads sound")),
        }
    }

    pub(super) fn unembed(&self, weight: &str) -> Result<&Linear> {
        let unembed = self.model.transformer().readout.unembed.as_ref();
        unembed.ok_or_else(|| self.absent(weight, "it does not have logits"))
    }
}
