//! Views of the weights of MLPs.

use super::WeightViews;
use crate::{
    Result,
    index::ToIndex,
    net::parts::{Feed, Mlp},
};
use candle_core::Tensor;

/// MLPs. Each view fails when there is no such layer, when an expert of a mixture has not been chosen with
/// [`expert`](Self::expert), or when, in a model with two stacks, neither has been chosen.
impl WeightViews {
    /// Returns `W_in`, with one column for each neuron.
    ///
    /// In a gated MLP, the matrix of the branch that the gate multiplies.
    ///
    /// # Shapes
    /// `[d_model, d_mlp]`
    ///
    /// # Errors
    /// Fails when there is no such layer or MLP.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("grammar-4l")?;
    /// let config = model.config();
    /// assert_eq!(model.weights().w_in(0)?.dims(), [config.d_model, config.d_mlp]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "W_in")]
    pub fn w_in(&self, layer: impl ToIndex) -> Result<Tensor> {
        Ok(self.mlp(layer, "W_in")?.input.weight.clone())
    }

    /// Returns `W_gate`: the matrix of a gated MLP whose output goes through the nonlinearity.
    ///
    /// # Shapes
    /// `[d_model, d_mlp]`
    ///
    /// # Errors
    /// Fails when there is no such layer or MLP, or it is not gated.
    #[doc(alias = "W_gate")]
    pub fn w_gate(&self, layer: impl ToIndex) -> Result<Tensor> {
        let gate = self.mlp(layer, "W_gate")?.gate.as_ref();
        gate.map(|gate| gate.weight.clone()).ok_or_else(|| self.absent("W_gate", "its MLP is not gated"))
    }

    /// Returns `W_out`, with one row for each neuron.
    ///
    /// # Shapes
    /// `[d_mlp, d_model]`
    ///
    /// # Errors
    /// Fails when there is no such layer or MLP.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("grammar-4l")?;
    /// let config = model.config();
    /// assert_eq!(model.weights().w_out(0)?.dims(), [config.d_mlp, config.d_model]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "W_out")]
    pub fn w_out(&self, layer: impl ToIndex) -> Result<Tensor> {
        Ok(self.mlp(layer, "W_out")?.output.weight.clone())
    }

    /// Returns `b_in`.
    ///
    /// In a gated MLP it is added to the branch that the gate multiplies, before the product. TransformerLens's `b_in`
    /// is added after the product, so it cannot represent this bias.
    ///
    /// # Shapes
    /// `[d_mlp]`
    ///
    /// # Errors
    /// Fails when there is no such layer or MLP.
    pub fn b_in(&self, layer: impl ToIndex) -> Result<Tensor> {
        let input = &self.mlp(layer, "b_in")?.input;
        self.bias_or_zero(&input.bias, input.weight.dim(1)?)
    }

    /// Returns `b_gate`.
    ///
    /// # Shapes
    /// `[d_mlp]`
    ///
    /// # Errors
    /// Fails when there is no such layer or MLP, or it is not gated.
    pub fn b_gate(&self, layer: impl ToIndex) -> Result<Tensor> {
        match &self.mlp(layer, "b_gate")?.gate {
            Some(gate) => self.bias_or_zero(&gate.bias, gate.weight.dim(1)?),
            None => Err(self.absent("b_gate", "its MLP is not gated")),
        }
    }

    /// Returns `b_out`.
    ///
    /// # Shapes
    /// `[d_model]`
    ///
    /// # Errors
    /// Fails when there is no such layer or MLP.
    pub fn b_out(&self, layer: impl ToIndex) -> Result<Tensor> {
        self.bias_or_zero(&self.mlp(layer, "b_out")?.output.bias, self.width())
    }

    fn mlp(&self, layer: impl ToIndex, weight: &str) -> Result<&Mlp> {
        match (&self.block(layer)?.mlp, self.expert) {
            (Some(Feed::Mlp(mlp)), _) => Ok(mlp),
            (Some(Feed::Mixture(mixture)), Some(expert)) => {
                mixture.experts.get(expert).ok_or_else(|| self.absent(weight, "it does not have this expert"))
            }
            (Some(Feed::Mixture(_)), None) => Err(self.absent(weight, "it has experts; choose one with .expert(0)?")),
            (None, _) => Err(self.absent(weight, "its blocks are attention only")),
        }
    }
}
