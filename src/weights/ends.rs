//! Views of the embedding and the unembedding.

use super::WeightViews;
use crate::{Result, net::parts::Linear};
use candle_core::{DType, Device, Tensor};

/// What a model has once.
impl WeightViews {
    /// `W_E`: what a token puts into the residual stream, the embedding's scale (Gemma's `sqrt(d_model)`) included. Of an
    /// encoder-decoder whose decoder has a table of its own, the decoder's weights have that and all others the encoder's.
    ///
    /// # Shapes
    /// `[d_vocab, d_model]`, or as wide as the embeddings where these are brought to `d_model` after.
    ///
    /// # Errors
    /// When the tensor library refuses.
    #[doc(alias = "W_E")]
    pub fn w_e(&self) -> Result<Tensor> {
        let transformer = self.model.transformer();
        let first = transformer.encoder.as_ref().filter(|_| !self.is_decoder()).unwrap_or(&transformer.last);
        let tokens = &first.front.tokens;
        match self.model.config().embed_scale {
            1.0 => Ok(tokens.clone()),
            scale => Ok((tokens * scale)?),
        }
    }

    /// `W_pos`.
    ///
    /// # Shapes
    /// `[pos, d_model]`, a row for each position of the longest text
    ///
    /// # Errors
    /// When positions are no learned vectors.
    #[doc(alias = "W_pos")]
    pub fn w_pos(&self) -> Result<Tensor> {
        let positions = self.model.transformer().last.front.positions.clone();
        positions.ok_or_else(|| self.absent("W_pos", "its positions are no learned vectors"))
    }

    /// `W_E` and below it `W_pos`: all that the residual stream can begin as a sum of.
    ///
    /// # Shapes
    /// `[d_vocab + pos, d_model]`
    ///
    /// # Errors
    /// When positions are no learned vectors.
    #[doc(alias = "W_E_pos")]
    pub fn w_e_pos(&self) -> Result<Tensor> {
        Ok(Tensor::cat(&[self.w_e()?, self.w_pos()?], 0)?)
    }

    /// `W_U`.
    ///
    /// # Shapes
    /// `[d_model, d_vocab]`
    ///
    /// # Errors
    /// When the model has no unembedding.
    #[doc(alias = "W_U")]
    pub fn w_u(&self) -> Result<Tensor> {
        Ok(self.unembed("W_U")?.weight.clone())
    }

    /// `b_U`.
    ///
    /// # Shapes
    /// `[d_vocab]`
    ///
    /// # Errors
    /// When the model has no unembedding.
    #[doc(alias = "b_U")]
    pub fn b_u(&self) -> Result<Tensor> {
        self.bias_or_zero(&self.unembed("b_U")?.bias, self.model.config().d_vocab)
    }

    /// The weight of the norm before the unembedding.
    ///
    /// # Shapes
    /// `[d_model]`
    ///
    /// # Errors
    /// When the model has no such norm.
    pub fn ln_final_w(&self) -> Result<Tensor> {
        let norm = &self.model.transformer().readout.ln_final;
        match (&norm.weight, norm.is_none()) {
            (_, true) => Err(self.absent("ln_final", "nothing norms its last residual stream")),
            (Some(weight), _) => Ok(weight.clone()),
            (None, _) => Ok(Tensor::ones(self.width(), DType::F32, &Device::Cpu)?),
        }
    }

    /// The bias of the norm before the unembedding.
    ///
    /// # Shapes
    /// `[d_model]`
    ///
    /// # Errors
    /// When the model has no such norm.
    pub fn ln_final_b(&self) -> Result<Tensor> {
        let norm = &self.model.transformer().readout.ln_final;
        match norm.is_none() {
            true => Err(self.absent("ln_final", "nothing norms its last residual stream")),
            false => self.bias_or_zero(&norm.bias, self.width()),
        }
    }

    pub(super) fn unembed(&self, weight: &str) -> Result<&Linear> {
        let unembed = self.model.transformer().readout.unembed.as_ref();
        unembed.ok_or_else(|| self.absent(weight, "it gives no logits"))
    }
}
