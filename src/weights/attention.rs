//! Views of the weights of attention.

use super::WeightViews;
use crate::{Result, index::ToIndex, net::parts::Linear};
use candle_core::Tensor;

/// Attention. Each view fails when there is no such layer, or, in a model with two stacks, neither has been chosen.
impl WeightViews {
    /// `W_Q`.
    ///
    /// # Shapes
    /// `[head, d_model, d_head]`
    ///
    /// # Errors
    /// Fails when there is no such layer.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// assert_eq!(Model::open("induction-2l")?.weights().w_q(0)?.dims(), [4, 64, 16]); // [head, d_model, d_head]
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "W_Q")]
    pub fn w_q(&self, layer: impl ToIndex) -> Result<Tensor> {
        let attention = self.attention(layer)?;
        weight_in_heads(&attention.q, attention.n_heads)
    }

    /// `W_K`.
    ///
    /// # Shapes
    /// `[kv_head, d_model, d_head]`; [`ungrouped`](Self::ungrouped) `[head, d_model, d_head]`
    ///
    /// # Errors
    /// Fails when there is no such layer.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// assert_eq!(Model::open("induction-2l")?.weights().w_k(0)?.dims(), [4, 64, 16]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "W_K")]
    pub fn w_k(&self, layer: impl ToIndex) -> Result<Tensor> {
        let attention = self.attention(layer)?;
        self.shared(weight_in_heads(&attention.k, attention.n_key_value_heads)?, attention.n_heads)
    }

    /// `W_V`.
    ///
    /// # Shapes
    /// `[kv_head, d_model, d_head]`; [`ungrouped`](Self::ungrouped) `[head, d_model, d_head]`
    ///
    /// # Errors
    /// Fails when there is no such layer.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// assert_eq!(Model::open("induction-2l")?.weights().w_v(0)?.dims(), [4, 64, 16]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "W_V")]
    pub fn w_v(&self, layer: impl ToIndex) -> Result<Tensor> {
        let attention = self.attention(layer)?;
        self.shared(weight_in_heads(&attention.v, attention.n_key_value_heads)?, attention.n_heads)
    }

    /// `W_O`.
    ///
    /// # Shapes
    /// `[head, d_head, d_model]`
    ///
    /// # Errors
    /// Fails when there is no such layer.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// assert_eq!(Model::open("induction-2l")?.weights().w_o(-1)?.dims(), [4, 16, 64]); // of the last layer
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "W_O")]
    pub fn w_o(&self, layer: impl ToIndex) -> Result<Tensor> {
        let attention = self.attention(layer)?;
        output_in_heads(&attention.o, attention.n_heads)
    }

    /// `b_Q`.
    ///
    /// # Shapes
    /// `[head, d_head]`
    ///
    /// # Errors
    /// Fails when there is no such layer.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// assert_eq!(Model::open("grammar-4l")?.weights().b_q(0)?.rank(), 2); // [head, d_head]
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "b_Q")]
    pub fn b_q(&self, layer: impl ToIndex) -> Result<Tensor> {
        let attention = self.attention(layer)?;
        self.bias_in_heads(&attention.q, attention.n_heads)
    }

    /// `b_K`.
    ///
    /// # Shapes
    /// `[kv_head, d_head]`; [`ungrouped`](Self::ungrouped) `[head, d_head]`
    ///
    /// # Errors
    /// Fails when there is no such layer.
    #[doc(alias = "b_K")]
    pub fn b_k(&self, layer: impl ToIndex) -> Result<Tensor> {
        let attention = self.attention(layer)?;
        self.shared(self.bias_in_heads(&attention.k, attention.n_key_value_heads)?, attention.n_heads)
    }

    /// `b_V`.
    ///
    /// # Shapes
    /// `[kv_head, d_head]`; [`ungrouped`](Self::ungrouped) `[head, d_head]`
    ///
    /// # Errors
    /// Fails when there is no such layer.
    #[doc(alias = "b_V")]
    pub fn b_v(&self, layer: impl ToIndex) -> Result<Tensor> {
        let attention = self.attention(layer)?;
        self.shared(self.bias_in_heads(&attention.v, attention.n_key_value_heads)?, attention.n_heads)
    }

    /// `b_O`.
    ///
    /// # Shapes
    /// `[d_model]`
    ///
    /// # Errors
    /// Fails when there is no such layer.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("grammar-4l")?;
    /// assert_eq!(model.weights().b_o(0)?.dims(), [model.config().d_model]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "b_O")]
    pub fn b_o(&self, layer: impl ToIndex) -> Result<Tensor> {
        self.bias_or_zero(&self.attention(layer)?.o.bias, self.width())
    }

    fn bias_in_heads(&self, linear: &Linear, heads: usize) -> Result<Tensor> {
        Ok(self.bias_or_zero(&linear.bias, linear.weight.dim(1)?)?.reshape((heads, ()))?)
    }

    /// Returns weights of key heads, repeated for every query head that shares them if that was asked for.
    fn shared(&self, by_head: Tensor, n_heads: usize) -> Result<Tensor> {
        let kv_heads = by_head.dim(0)?;
        if !self.ungrouped || kv_heads == n_heads {
            return Ok(by_head);
        }
        let heads: Vec<u32> = (0..n_heads).map(|head| (head / (n_heads / kv_heads)) as u32).collect();
        Ok(by_head.contiguous()?.index_select(&Tensor::new(heads, by_head.device())?, 0)?)
    }
}

/// # Shapes
/// `[d_model, head * d_head]` to `[head, d_model, d_head]`, without copying if the matrix is contiguous.
pub(super) fn weight_in_heads(linear: &Linear, heads: usize) -> Result<Tensor> {
    let (d_model, width) = linear.weight.dims2()?;
    let turned = linear.weight.t()?;
    match turned.is_contiguous() {
        true => Ok(turned.reshape((heads, width / heads, d_model))?.transpose(1, 2)?),
        false => Ok(linear.weight.reshape((d_model, heads, width / heads))?.transpose(0, 1)?),
    }
}

/// # Shapes
/// `[head * d_head, d_model]` to `[head, d_head, d_model]`, without copying if the matrix is contiguous.
pub(super) fn output_in_heads(linear: &Linear, heads: usize) -> Result<Tensor> {
    let (width, d_model) = linear.weight.dims2()?;
    let turned = linear.weight.t()?;
    match turned.is_contiguous() {
        true => Ok(turned.reshape((d_model, heads, width / heads))?.permute((1, 2, 0))?),
        false => Ok(linear.weight.reshape((heads, width / heads, d_model))?),
    }
}
