//! Directions of the residual stream: the one that raises a token's logit, and the one that biases add.

use super::WeightViews;
use crate::{
    Model, Result,
    error::WeightsError,
    index::{Counted, ToIndex},
    model::{NormPlace, ToTokenIds, ToTokens},
    net::parts::Feed,
    tensor::zeros,
};
use candle_core::Tensor;

impl WeightViews {
    /// Returns the direction of the residual stream that a token's logit reads: its column of `W_U`.
    ///
    /// The token is an id, or a text that is one token.
    ///
    /// Unless the final norm's weight is folded ([`Model::fold_ln`]), it still lies between the stream and this
    /// direction.
    ///
    /// # Shapes
    /// `[d_model]`
    ///
    /// # Errors
    /// Fails when the model does not have logits, a text is not a single token, or an id is outside the vocabulary.
    ///
    /// # Examples
    /// ```
    /// use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?.processed(Processing::default())?;
    /// let weights = model.weights();
    /// let (owl, fox) = (weights.token_to_residual_direction("owl")?, weights.token_to_residual_direction("fox")?);
    /// let run = model.run("red fox blue owl red fox blue")?;
    /// let last = run.cache().get(Site::ln_final_normalized())?.get(0)?.get(7)?; // [d_model]
    /// let read = (last * (owl - fox)?)?.sum_all()?.to_scalar::<f32>()?;
    /// let bias = weights.b_u()?.to_vec1::<f32>()?;
    /// let bias = bias[model.to_single_token("owl")? as usize] - bias[model.to_single_token("fox")? as usize];
    /// assert!((read + bias - run.logit_diff("owl", "fox", -1)?).abs() < 1e-3);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "tokens_to_residual_directions")]
    pub fn token_to_residual_direction(&self, token: impl ToTokenIds) -> Result<Tensor> {
        Ok(self.columns(&token.token_ids(&self.model, 1)?)?.squeeze(0)?)
    }

    /// Returns [`token_to_residual_direction`](Self::token_to_residual_direction) for every token of an input, as the
    /// model reads it.
    ///
    /// # Shapes
    /// `[batch, pos, d_model]`
    ///
    /// # Errors
    /// Fails when the model does not have logits or cannot read the input.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let weights = Model::open("induction-2l")?.weights();
    /// assert_eq!(weights.tokens_to_residual_directions("red fox")?.dims(), [1, 3, 64]); // [batch, pos, d_model]
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn tokens_to_residual_directions(&self, input: impl ToTokens) -> Result<Tensor> {
        let tokens = self.model.tokens(input)?;
        let ids: Vec<u32> = (0..tokens.batch()).flat_map(|text| tokens.ids(text)).collect();
        Ok(self.columns(&ids)?.reshape((tokens.batch(), tokens.len(), ()))?)
    }

    /// Returns columns of `W_U`.
    ///
    /// # Shapes
    /// `[pos, d_model]`
    fn columns(&self, ids: &[u32]) -> Result<Tensor> {
        let weight = &self.unembed("W_U")?.weight;
        let column = |id: &u32| weight.narrow(1, *id as usize, 1)?.squeeze(1)?.contiguous();
        Ok(Tensor::stack(&ids.iter().map(column).collect::<candle_core::Result<Vec<_>>>()?, 0)?)
    }

    /// Returns the sum of all biases that attention and MLPs have added to the residual stream before a layer.
    ///
    /// `layer` counts from 0 to the number of layers, which means all of them. `mlp_input` adds the bias of that
    /// layer's own attention, which its MLP reads (unless the two run in parallel). Without `include_mlp_biases`,
    /// biases of MLPs are left out.
    ///
    /// # Shapes
    /// `[d_model]`
    ///
    /// # Errors
    /// Fails when there is no such layer, or outputs pass a norm before they are added.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("grammar-4l")?;
    /// assert_eq!(model.weights().accumulated_bias(4, false, true)?.dims(), [model.config().d_model]); // of all layers
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn accumulated_bias(&self, layer: impl ToIndex, mlp_input: bool, include_mlp_biases: bool) -> Result<Tensor> {
        let n_layers = self.blocks()?.blocks.len();
        let layers = if mlp_input { Counted::layers(n_layers) } else { Counted::before_layers(n_layers) };
        let layer = layers.index(layer)?;
        if self.model.config().norm_place != NormPlace::Pre {
            let why = "the outputs of attention and MLP pass a norm before they are added";
            return Err(WeightsError::NotASum { from: 0, to: layer, why }.into());
        }
        let mut sum = zeros(self.width())?;
        for before in 0..layer {
            sum = (sum + self.written_bias(before, true, include_mlp_biases)?)?;
        }
        if mlp_input {
            sum = (sum + self.written_bias(layer, !self.block(layer)?.parallel, false)?)?;
        }
        Ok(sum)
    }

    /// Returns the sum of the biases of one layer.
    fn written_bias(&self, layer: usize, of_attention: bool, of_mlp: bool) -> Result<Tensor> {
        let block = self.block(layer)?;
        let across = block.cross.as_ref().map(|cross| &cross.attention.o.bias);
        let mlp = match &block.mlp {
            Some(Feed::Mlp(mlp)) => Some(&mlp.output.bias),
            // The text decides which experts' biases are added.
            Some(Feed::Mixture(_)) | None => None,
        };
        let attention = of_attention.then_some(&block.attention.o.bias);
        let parts = attention.into_iter().chain(across.filter(|_| of_attention)).chain(mlp.filter(|_| of_mlp));
        let mut sum = zeros(self.width())?;
        for bias in parts.flatten() {
            sum = (sum + bias)?;
        }
        Ok((sum * block.residual_scale)?)
    }
}

impl Model {
    /// Returns the names of all heads, layer by layer: `L0H0`, `L0H1`, ...
    ///
    /// ```
    /// use glassbox::prelude::*;
    /// assert_eq!(Model::open("induction-2l")?.all_head_labels()[5], "L1H1");
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn all_head_labels(&self) -> Vec<String> {
        let heads = |layer| (0..self.config().n_heads).map(move |head| format!("L{layer}H{head}"));
        (0..self.config().n_layers).flat_map(heads).collect()
    }
}
