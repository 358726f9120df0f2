//! [`copying_scores`] and others: which heads copy, and which look for copies, by the eigenvalues of their circuits.

use super::FactoredMatrix;
use crate::{Model, Result, index::ToIndex, ops};
use candle_core::Tensor;
use ndarray::Array2;

/// Scores how much each head copies: the sum of the eigenvalues of `W_E W_V W_O W_U` divided by the sum of their
/// absolute values.
///
/// The score is 1 when a head raises the logits of whatever it attends to ([Elhage et al.
/// 2021](https://transformer-circuits.pub/2021/framework/index.html)). The vocabulary is multiplied away once for all
/// heads: the eigenvalues are those of `W_O (W_U W_E) W_V`, which is `[d_head, d_head]`. The weights are used as they
/// are; fold the norms first ([`Model::processed`]).
///
/// # Shapes
/// `[layer, head]`, -1 to 1
///
/// # Errors
/// Fails when the model does not have logits, or has two stacks.
///
/// # Examples
/// ```
/// use glassbox::{circuits::copying_scores, prelude::*};
/// let model = Model::open("induction-2l")?.processed(Processing::default())?;
/// assert!(copying_scores(&model)?[[1, 0]] > 0.9); // the induction head copies what it attends to
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn copying_scores(model: &Model) -> Result<Array2<f32>> {
    let weights = model.weights();
    let back = ops::linear(&weights.w_u()?, &weights.w_e()?, None)?; // [d_model, d_model]
    share(&model.ov_all()?, &back)
}

/// Scores how much each head attends to copies of the current token, by the eigenvalues of `W_E W_Q W_K^T W_E^T`.
///
/// See [`copying_scores`].
///
/// # Shapes
/// `[layer, head]`, -1 to 1
///
/// # Errors
/// Fails when the model has two stacks.
pub fn matching_scores(model: &Model) -> Result<Array2<f32>> {
    share(&model.qk_all()?, &among_tokens(model)?)
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
/// Fails when there is no head `through`, or the model has two stacks.
///
/// # Examples
/// ```
/// use glassbox::{circuits::prefix_matching_scores, prelude::*};
/// let model = Model::open("induction-2l")?.processed(Processing::default())?;
/// let scores = prefix_matching_scores(&model, (0, 0))?; // through the previous-token head
/// assert!(scores[[1, 0]] > 0.9 && scores[[0, 1]].is_nan());
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn prefix_matching_scores(model: &Model, through: (impl ToIndex, impl ToIndex)) -> Result<Array2<f32>> {
    let through = model.head_at(through)?;
    let brought = model.ov(through.0)?.get(through.1)?;
    let mut scores = share(&model.qk_all()?.matmul(&brought.t()?)?, &among_tokens(model)?)?;
    for ((layer, _), score) in scores.indexed_iter_mut() {
        if layer <= through.0 {
            *score = f32::NAN;
        }
    }
    Ok(scores)
}

/// `W_E^T W_E`, `[d_model, d_model]`.
fn among_tokens(model: &Model) -> Result<Tensor> {
    let embed = model.weights().w_e()?;
    Ok(ops::linear(&embed.t()?, &embed, None)?)
}

/// Returns the positive share of the eigenvalues of `E heads F`, where `back` is `F E`.
fn share(heads: &FactoredMatrix, back: &Tensor) -> Result<Array2<f32>> {
    let shares = heads.rmatmul(back)?.eigenvalues()?.positive_share();
    let plane = shares.into_dimensionality::<ndarray::Ix2>();
    Ok(plane.map_err(|error| candle_core::Error::Msg(error.to_string()))?)
}
