//! [`copying_scores`] and others: which heads copy, and which look for copies, by the eigenvalues of their circuits.

use super::{
    FactoredMatrix, ToWeights,
    qk_ov::head_among,
    whose::{looked_at, need_one_stream, need_unembedding},
};
use crate::{Result, index::ToIndex, ops, weights::WeightViews};
use candle_core::Tensor;
use ndarray::Array2;

/// Scores how much each head copies: the sum of the eigenvalues of `W_E W_V W_O W_U` divided by the sum of their
/// absolute values.
///
/// The vocabulary is multiplied away once for all heads: the eigenvalues are those of `W_O (W_U W_E) W_V`, which is
/// `[d_head, d_head]`. The weights are read as they are; fold the norms first
/// ([`Model::processed`](crate::Model::processed)).
///
/// In an encoder-decoder, give the decoder's weights, or those of its [cross attention](WeightViews::cross_attention), which
/// copy from the encoder's tokens.
///
/// # Shapes
/// `[layer, head]`, -1 to 1
///
/// # Errors
/// When the model gives no logits, or has two stacks and the decoder's has not been chosen.
///
/// # Examples
/// ```
/// use glassbox::{circuits::copying_scores, prelude::*};
/// let model = Model::open("induction-2l")?.processed(Processing::default())?;
/// assert!(copying_scores(&model)?[[1, 0]] > 0.9); // the induction head copies what it attends to
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn copying_scores(weights: impl ToWeights) -> Result<Array2<f32>> {
    let weights = weights.to_weights();
    need_unembedding(&weights, "copying scores")?;
    let back = ops::linear(&weights.w_u()?, &looked_at(&weights)?, None)?; // [d_model, d_model]
    share(&weights.ov_all()?, &back)
}

/// How much each head attends to copies of the token it reads: as [`copying_scores`], for `W_E W_Q W_K^T W_E^T`. It is
/// high in heads that attend to earlier copies of the current token. In an encoder-decoder, give the weights of a
/// stack, or those of its cross attention, which match the decoder's tokens with the encoder's.
///
/// # Shapes
/// `[layer, head]`, -1 to 1
///
/// # Errors
/// When the model has two stacks and none has been chosen.
///
/// # Examples
/// ```
/// use glassbox::{circuits::matching_scores, prelude::*};
/// let model = Model::open("induction-2l")?.processed(Processing::default())?;
/// let scores = matching_scores(&model)?; // [layer, head]
/// assert!(scores.iter().all(|score| (-1.0..=1.0).contains(score)));
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn matching_scores(weights: impl ToWeights) -> Result<Array2<f32>> {
    let weights = weights.to_weights();
    share(&weights.qk_all()?, &among_tokens(&weights)?)
}

/// Scores how much each head attends to positions to which the head `through` has moved the current token.
///
/// See [`copying_scores`]; here the matrix is `W_E W_Q W_K^T (W_V W_O)^T W_E^T`, with values and output of `through`.
///
/// If `through` is a previous-token head this is prefix matching, the half of induction that finds the position
/// ([Elhage et al. 2021](https://transformer-circuits.pub/2021/framework/index.html), [Olsson et al.
/// 2022](https://arxiv.org/abs/2209.11895)). [`label_heads`](super::label_heads) measures what a head *does* on text.
///
/// # Shapes
/// `[layer, head]`, -1 to 1; NaN in layers that cannot read the output of `through`
///
/// # Errors
/// When there is no head `through`, the model has two stacks and none has been chosen, or cross attention has been, whose
/// keys read no earlier head.
///
/// # Examples
/// ```
/// use glassbox::{circuits::prefix_matching_scores, prelude::*};
/// let model = Model::open("induction-2l")?.processed(Processing::default())?;
/// let scores = prefix_matching_scores(&model, (0, 0))?; // through the previous-token head
/// assert!(scores[[1, 0]] > 0.9 && scores[[0, 1]].is_nan());
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn prefix_matching_scores(weights: impl ToWeights, through: (impl ToIndex, impl ToIndex)) -> Result<Array2<f32>> {
    let weights = weights.to_weights();
    need_one_stream(&weights, "prefix-matching scores")?;
    let readers = weights.qk_all()?;
    let (n_layers, n_heads) = (readers.dims()[0], readers.dims()[1]);
    let through = head_among(through, (n_layers, n_heads))?;
    let brought = weights.ov(through.0)?.get(through.1)?;
    let mut scores = share(&readers.matmul(&brought.t()?)?, &among_tokens(&weights)?)?;
    for ((layer, _), score) in scores.indexed_iter_mut() {
        if layer <= through.0 {
            *score = f32::NAN;
        }
    }
    Ok(scores)
}

/// `W_E^T W_E`, from the embedding of the keys and that of the queries: `[d_model, d_model]`.
fn among_tokens(weights: &WeightViews) -> Result<Tensor> {
    Ok(ops::linear(&looked_at(weights)?.t()?, &weights.w_e()?, None)?)
}

/// Returns the positive share of the eigenvalues of `E heads F`, where `back` is `F E`.
fn share(heads: &FactoredMatrix, back: &Tensor) -> Result<Array2<f32>> {
    let shares = heads.rmatmul(back)?.eigenvalues()?.positive_share();
    Ok(shares.into_dimensionality::<ndarray::Ix2>()?)
}
