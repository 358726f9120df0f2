//! The QK and OV circuits of heads ([Elhage et al. 2021](https://transformer-circuits.pub/2021/framework/index.html)).

use super::FactoredMatrix;
use crate::{
    Model, Result,
    error::CircuitsError,
    index::{ToIndex, from_either_end},
    weights::WeightViews,
};

/// The two circuits of each head. In a model with two stacks, those of the chosen stack. Keys and values that query
/// heads share are repeated for each of them.
impl WeightViews {
    /// Returns `W_Q W_K^T` of each head of a layer: which keys a query attends to.
    ///
    /// Biases, rotary embedding, and norms of queries and keys are not included. With rotary embedding this is the
    /// score between tokens at the same position.
    ///
    /// # Shapes
    /// `[head, d_model, d_model]`: the stream at the query, then at the key
    ///
    /// # Errors
    /// Fails when there is no such layer.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let weights = Model::open("induction-2l")?.weights();
    /// assert_eq!(weights.qk(1)?.dims(), [4, 64, 64]); // [head, d_model, d_model]
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "QK")]
    pub fn qk(&self, layer: impl ToIndex) -> Result<FactoredMatrix> {
        let (weights, layer) = (self.ungrouped(), layer.to_index());
        FactoredMatrix::new(&weights.w_q(layer)?, &weights.w_k(layer)?.transpose(1, 2)?)
    }

    /// Returns `W_V W_O` of each head of a layer: from what the head reads to what it writes.
    ///
    /// # Shapes
    /// `[head, d_model, d_model]`: the stream that is read, then what is written
    ///
    /// # Errors
    /// Fails when there is no such layer.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let weights = Model::open("induction-2l")?.weights();
    /// let head = weights.ov(1)?.get(0)?;
    /// assert_eq!((head.dims(), head.inner()), (vec![64, 64], 16)); // of rank 16 at most
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "OV")]
    pub fn ov(&self, layer: impl ToIndex) -> Result<FactoredMatrix> {
        let (weights, layer) = (self.ungrouped(), layer.to_index());
        FactoredMatrix::new(&weights.w_v(layer)?, &weights.w_o(layer)?)
    }

    /// Returns [`qk`](Self::qk) of all layers.
    ///
    /// # Shapes
    /// `[layer, head, d_model, d_model]`
    ///
    /// # Errors
    /// Fails in a model with two stacks when neither has been chosen.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let weights = Model::open("induction-2l")?.weights();
    /// assert_eq!(weights.qk_all()?.dims(), [2, 4, 64, 64]); // [layer, head, d_model, d_model]
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn qk_all(&self) -> Result<FactoredMatrix> {
        let weights = self.ungrouped();
        let keys = weights.stacked(WeightViews::w_k)?.transpose(2, 3)?;
        FactoredMatrix::new(&weights.stacked(WeightViews::w_q)?, &keys)
    }

    /// Returns [`ov`](Self::ov) of all layers.
    ///
    /// # Shapes
    /// `[layer, head, d_model, d_model]`
    ///
    /// # Errors
    /// Fails in a model with two stacks when neither has been chosen.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let weights = Model::open("induction-2l")?.weights();
    /// assert_eq!(weights.ov_all()?.norm()?.dims(), [2, 4]); // a number for each head
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn ov_all(&self) -> Result<FactoredMatrix> {
        let weights = self.ungrouped();
        FactoredMatrix::new(&weights.stacked(WeightViews::w_v)?, &weights.stacked(WeightViews::w_o)?)
    }
}

/// The circuits of each head, from [`Model::weights`].
impl Model {
    /// Returns `W_Q W_K^T` of each head of a layer.
    ///
    /// See [`WeightViews::qk`].
    ///
    /// # Shapes
    /// `[head, d_model, d_model]`
    ///
    /// # Errors
    /// Fails when there is no such layer, or the model has two stacks.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let spectrum = model.qk(0)?.get(0)?.svd()?.s.to_vec1::<f32>()?;
    /// assert!(spectrum.len() == 16 && spectrum[0] >= spectrum[1]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "QK")]
    pub fn qk(&self, layer: impl ToIndex) -> Result<FactoredMatrix> {
        self.weights().qk(layer)
    }

    /// Returns `W_V W_O` of each head of a layer.
    ///
    /// See [`WeightViews::ov`].
    ///
    /// # Shapes
    /// `[head, d_model, d_model]`
    ///
    /// # Errors
    /// Fails when there is no such layer, or the model has two stacks.
    ///
    /// # Examples
    /// ```
    /// use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let sizes = model.ov(1)?.norm()?.to_vec1::<f32>()?; // how much each head of layer 1 can write
    /// assert!(sizes[0] > 5.0 * sizes[1]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "OV")]
    pub fn ov(&self, layer: impl ToIndex) -> Result<FactoredMatrix> {
        self.weights().ov(layer)
    }

    /// Returns `W_Q W_K^T` of all heads: TransformerLens's `QK`.
    ///
    /// See [`WeightViews::qk_all`].
    ///
    /// # Shapes
    /// `[layer, head, d_model, d_model]`
    ///
    /// # Errors
    /// Fails when the model has two stacks.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// assert_eq!(model.qk_all()?.at([1, 0])?.dims(), [64, 64]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn qk_all(&self) -> Result<FactoredMatrix> {
        self.weights().qk_all()
    }

    /// Returns `W_V W_O` of all heads: TransformerLens's `OV`.
    ///
    /// See [`WeightViews::ov_all`].
    ///
    /// # Shapes
    /// `[layer, head, d_model, d_model]`
    ///
    /// # Errors
    /// Fails when the model has two stacks.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let copying = model.ov_all()?.eigenvalues()?.positive_share();
    /// assert_eq!(copying.shape(), [2, 4]); // [layer, head]
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn ov_all(&self) -> Result<FactoredMatrix> {
        self.weights().ov_all()
    }

    /// Returns the name of a head, such as `L1H0`, if the model has it.
    pub(super) fn head_name(&self, head: (usize, usize)) -> Result<String> {
        let (layer, head) = self.head_at(head)?;
        Ok(format!("L{layer}H{head}"))
    }

    /// Resolves a head to its layer and index, counted from 0.
    pub(super) fn head_at(&self, head: (impl ToIndex, impl ToIndex)) -> Result<(usize, usize)> {
        head_among(head, (self.config().n_layers, self.config().n_heads))
    }
}

/// Resolves a head among this many layers and heads, counted from 0.
pub(super) fn head_among(
    head: (impl ToIndex, impl ToIndex),
    (n_layers, n_heads): (usize, usize),
) -> Result<(usize, usize)> {
    let (layer, head) = (head.0.to_index(), head.1.to_index());
    let found = from_either_end(layer, n_layers).zip(from_either_end(head, n_heads));
    found.ok_or_else(|| CircuitsError::NoHead { layer, head, n_layers, n_heads }.into())
}
