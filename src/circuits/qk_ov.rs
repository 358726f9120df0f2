//! The two circuits of a head: where it looks, and what it hands over.

use super::FactoredMatrix;
use crate::{
    Model, Result,
    error::CircuitsError,
    index::{ToIndex, place},
    weights::WeightViews,
};

/// The two circuits of each head (Elhage et al. 2021), in a model of two stacks those of the chosen one. Keys and values
/// that queries share are repeated for each of their heads.
impl WeightViews {
    /// `W_Q W_K^T` of each head: what a position looks for in others. Biases, the rotation by positions and any norm of
    /// queries and keys are not in it; with rotary positions it is the score between tokens at one place.
    ///
    /// # Shapes
    /// `[head, d_model, d_model]`: the stream at the query, then at the key
    ///
    /// # Errors
    /// When there is no such layer.
    #[doc(alias = "QK")]
    pub fn qk(&self, layer: impl ToIndex) -> Result<FactoredMatrix> {
        let (weights, layer) = (self.ungrouped(), layer.to_index());
        FactoredMatrix::new(&weights.w_q(layer)?, &weights.w_k(layer)?.transpose(1, 2)?)
    }

    /// `W_V W_O` of each head: what it writes for what it reads.
    ///
    /// # Shapes
    /// `[head, d_model, d_model]`: the stream that is read, then what is written
    ///
    /// # Errors
    /// When there is no such layer.
    #[doc(alias = "OV")]
    pub fn ov(&self, layer: impl ToIndex) -> Result<FactoredMatrix> {
        let (weights, layer) = (self.ungrouped(), layer.to_index());
        FactoredMatrix::new(&weights.w_v(layer)?, &weights.w_o(layer)?)
    }

    /// [`qk`](Self::qk) of all layers.
    ///
    /// # Shapes
    /// `[layer, head, d_model, d_model]`
    ///
    /// # Errors
    /// When the stack has not been chosen in a model that has two.
    pub fn qk_all(&self) -> Result<FactoredMatrix> {
        let weights = self.ungrouped();
        let keys = weights.stacked(WeightViews::w_k)?.transpose(2, 3)?;
        FactoredMatrix::new(&weights.stacked(WeightViews::w_q)?, &keys)
    }

    /// [`ov`](Self::ov) of all layers.
    ///
    /// # Shapes
    /// `[layer, head, d_model, d_model]`
    ///
    /// # Errors
    /// When the stack has not been chosen in a model that has two.
    pub fn ov_all(&self) -> Result<FactoredMatrix> {
        let weights = self.ungrouped();
        FactoredMatrix::new(&weights.stacked(WeightViews::w_v)?, &weights.stacked(WeightViews::w_o)?)
    }
}

/// The circuits of each head: those of [`Model::weights`].
impl Model {
    /// `W_Q W_K^T` of each head of a layer: [`WeightViews::qk`].
    ///
    /// # Shapes
    /// `[head, d_model, d_model]`
    ///
    /// # Errors
    /// When there is no such layer, or the model has two stacks.
    #[doc(alias = "QK")]
    pub fn qk(&self, layer: impl ToIndex) -> Result<FactoredMatrix> {
        self.weights().qk(layer)
    }

    /// `W_V W_O` of each head of a layer: [`WeightViews::ov`].
    ///
    /// # Shapes
    /// `[head, d_model, d_model]`
    ///
    /// # Errors
    /// When there is no such layer, or the model has two stacks.
    ///
    /// # Examples
    /// ```
    /// use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let sizes = model.ov(1)?.norm()?.to_vec1::<f32>()?; // how much each head of layer 1 can say
    /// assert!(sizes[0] > 5.0 * sizes[1]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "OV")]
    pub fn ov(&self, layer: impl ToIndex) -> Result<FactoredMatrix> {
        self.weights().ov(layer)
    }

    /// `W_Q W_K^T` of all heads: [`WeightViews::qk_all`], TransformerLens's `QK`.
    ///
    /// # Shapes
    /// `[layer, head, d_model, d_model]`
    ///
    /// # Errors
    /// When the model has two stacks.
    pub fn qk_all(&self) -> Result<FactoredMatrix> {
        self.weights().qk_all()
    }

    /// `W_V W_O` of all heads: [`WeightViews::ov_all`], TransformerLens's `OV`.
    ///
    /// # Shapes
    /// `[layer, head, d_model, d_model]`
    ///
    /// # Errors
    /// When the model has two stacks.
    pub fn ov_all(&self) -> Result<FactoredMatrix> {
        self.weights().ov_all()
    }

    /// The name of a head, such as `L1H0`, if the model has it.
    pub(super) fn head_name(&self, head: (usize, usize)) -> Result<String> {
        let (layer, head) = self.head_at(head)?;
        Ok(format!("L{layer}H{head}"))
    }

    /// Which head it is: layer and head, counted from 0.
    pub(super) fn head_at(&self, head: (impl ToIndex, impl ToIndex)) -> Result<(usize, usize)> {
        head_among(head, (self.config().n_layers, self.config().n_heads))
    }
}

/// Which head of so many layers and heads it is, counted from 0.
pub(super) fn head_among(
    head: (impl ToIndex, impl ToIndex),
    (n_layers, n_heads): (usize, usize),
) -> Result<(usize, usize)> {
    let (layer, head) = (head.0.to_index(), head.1.to_index());
    let found = place(layer, n_layers).zip(place(head, n_heads));
    found.ok_or_else(|| CircuitsError::NoHead { layer, head, n_layers, n_heads }.into())
}
