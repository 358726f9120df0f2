//! Directions of the residual stream: what each token's logit reads, and what biases add.

use super::WeightViews;
use crate::{
    Model, Result,
    error::{RunError, WeightsError},
    model::{NormPlace, parts::Feed},
    text::Tokens,
};
use candle_core::{DType, Device, Tensor};

/// Tokens that have a direction each: the text of a single token, an id, several of either, or [`Tokens`].
pub trait DirectionTokens {
    /// The ids, and the shape they come in.
    ///
    /// # Errors
    /// When a text is not a single token.
    fn ids_and_shape(&self, model: &Model) -> Result<(Vec<u32>, Vec<usize>)>;
}

impl DirectionTokens for &str {
    fn ids_and_shape(&self, model: &Model) -> Result<(Vec<u32>, Vec<usize>)> {
        Ok((vec![model.to_single_token(self)?], Vec::new()))
    }
}

impl DirectionTokens for u32 {
    fn ids_and_shape(&self, _: &Model) -> Result<(Vec<u32>, Vec<usize>)> {
        Ok((vec![*self], Vec::new()))
    }
}

impl<T: DirectionTokens> DirectionTokens for [T] {
    fn ids_and_shape(&self, model: &Model) -> Result<(Vec<u32>, Vec<usize>)> {
        let mut ids = Vec::new();
        for token in self {
            ids.extend(token.ids_and_shape(model)?.0);
        }
        Ok((ids, vec![self.len()]))
    }
}

impl<T: DirectionTokens, const N: usize> DirectionTokens for [T; N] {
    fn ids_and_shape(&self, model: &Model) -> Result<(Vec<u32>, Vec<usize>)> {
        self.as_slice().ids_and_shape(model)
    }
}

impl<T: DirectionTokens> DirectionTokens for Vec<T> {
    fn ids_and_shape(&self, model: &Model) -> Result<(Vec<u32>, Vec<usize>)> {
        self.as_slice().ids_and_shape(model)
    }
}

impl DirectionTokens for Tokens {
    fn ids_and_shape(&self, _: &Model) -> Result<(Vec<u32>, Vec<usize>)> {
        let ids = (0..self.batch()).flat_map(|text| self.ids(text).to_vec()).collect();
        Ok((ids, vec![self.batch(), self.len()]))
    }
}

impl WeightViews {
    /// The direction of the residual stream that each token's logit reads: its column of `W_U`.
    ///
    /// As long as the last norm's weight is not folded ([`Model::fold_ln`]), it stands between the two.
    ///
    /// # Shapes
    /// `[d_model]` for one token, `[pos, d_model]` for several, `[batch, pos, d_model]` for [`Tokens`]
    ///
    /// # Errors
    /// When the model gives no logits, a text is not a single token, or an id is outside the vocabulary.
    ///
    /// # Examples
    /// ```
    /// use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?.processed(Processing::default())?;
    /// let weights = model.weights();
    /// let direction = (weights.tokens_to_residual_directions("owl")? - weights.tokens_to_residual_directions("fox")?)?;
    /// let run = model.run("red fox blue owl red fox blue")?;
    /// let read = run.cache().get(Site::ln_final_normalized())?.get(0)?.get(7)?; // after the last token
    /// let difference = (read * direction)?.sum_all()?.to_scalar::<f32>()?;
    /// let logits = run.logits()?.get(0)?.get(7)?.to_vec1::<f32>()?;
    /// let logit = |word| Ok::<_, glassbox::Error>(logits[model.to_single_token(word)? as usize]);
    /// let bias = weights.b_u()?.to_vec1::<f32>()?;
    /// let bias = bias[model.to_single_token("owl")? as usize] - bias[model.to_single_token("fox")? as usize];
    /// assert!((difference + bias - (logit("owl")? - logit("fox")?)).abs() < 1e-3);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn tokens_to_residual_directions(&self, tokens: impl DirectionTokens) -> Result<Tensor> {
        let (ids, mut shape) = tokens.ids_and_shape(&self.model)?;
        self.model.tokens(ids.clone())?;
        let weight = &self.unembed("W_U")?.weight;
        let ids = Tensor::new(ids, weight.device())?;
        // Along whichever axis the matrix is in one piece.
        let rows = match weight.is_contiguous() {
            true => weight.index_select(&ids, 1)?.t()?,
            false => weight.t()?.contiguous()?.index_select(&ids, 0)?,
        };
        shape.push(weight.dim(0)?);
        Ok(rows.reshape(shape)?)
    }

    /// The sum of all biases that attention and MLPs have added to the residual stream before a layer.
    ///
    /// `layer` counts from 0 to the number of layers, which means all of them; with `mlp_input` the bias of that
    /// layer's own attention is added, as its MLP reads it (unless the two stand side by side); without
    /// `include_mlp_biases` those of MLPs are left out.
    ///
    /// # Shapes
    /// `[d_model]`
    ///
    /// # Errors
    /// When there is no such layer, or what is written passes a norm before it is added.
    pub fn accumulated_bias(&self, layer: usize, mlp_input: bool, include_mlp_biases: bool) -> Result<Tensor> {
        let n_layers = self.blocks()?.blocks.len();
        if layer > n_layers || (mlp_input && layer == n_layers) {
            return Err(RunError::Layer { layer: layer as i64, n_layers }.into());
        }
        if self.model.config().norm_place != NormPlace::Before {
            let why = "what attention and MLP write is normed";
            return Err(WeightsError::NotASum { from: 0, to: layer, why }.into());
        }
        let mut sum = Tensor::zeros(self.width(), DType::F32, &Device::Cpu)?;
        for before in 0..layer {
            sum = (sum + self.written_bias(before, true, include_mlp_biases)?)?;
        }
        if mlp_input {
            sum = (sum + self.written_bias(layer, !self.block(layer)?.parallel, false)?)?;
        }
        Ok(sum)
    }

    /// What the biases of one layer add.
    fn written_bias(&self, layer: usize, of_attention: bool, of_mlp: bool) -> Result<Tensor> {
        let block = self.block(layer)?;
        let across = block.cross.as_ref().map(|cross| &cross.attention.o.bias);
        let mlp = match &block.mlp {
            Some(Feed::Mlp(mlp)) => Some(&mlp.output.bias),
            // Which experts' biases are added is for the text to say.
            Some(Feed::Mixture(_)) | None => None,
        };
        let attention = of_attention.then_some(&block.attention.o.bias);
        let parts = attention.into_iter().chain(across.filter(|_| of_attention)).chain(mlp.filter(|_| of_mlp));
        let mut sum = Tensor::zeros(self.width(), DType::F32, &Device::Cpu)?;
        for bias in parts.flatten() {
            sum = (sum + bias)?;
        }
        Ok((sum * block.residual_scale)?)
    }
}

impl Model {
    /// The names of all heads, layer by layer: `L0H0`, `L0H1`, ...
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
