//! Which heads copy, and which look for copies, by the eigenvalues of their circuits between all tokens.

use super::FactoredMatrix;
use crate::{Model, Result, index::ToIndex, ops};
use candle_core::Tensor;
use ndarray::Array2;

/// How much each head copies: the sum of the eigenvalues of `W_E W_V W_O W_U` over the sum of their sizes, 1 when a
/// head raises the logits of whatever it looks at (Elhage et al. 2021).
///
/// The vocabulary is multiplied away once for all heads: the eigenvalues are those of `W_O (W_U W_E) W_V`, which is
/// `[d_head, d_head]`. The weights are read as they are; fold the norms first ([`Model::processed`]).
///
/// # Shapes
/// `[layer, head]`, -1 to 1
///
/// # Errors
/// When the model gives no logits or has two stacks.
///
/// # Examples
/// ```
/// use glassbox::{circuits::copying_scores, prelude::*};
/// let model = Model::open("induction-2l")?.processed(Processing::default())?;
/// assert!(copying_scores(&model)?[[1, 0]] > 0.9); // the induction head says what it looks at
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn copying_scores(model: &Model) -> Result<Array2<f32>> {
    let weights = model.weights();
    let back = ops::linear(&weights.w_u()?, &weights.w_e()?, None)?; // [d_model, d_model]
    share(&model.ov_all()?, &back)
}

/// How much each head looks for the token it reads: as [`copying_scores`], of `W_E W_Q W_K^T W_E^T`. High in heads that
/// look at earlier copies of the present token.
///
/// # Shapes
/// `[layer, head]`, -1 to 1
///
/// # Errors
/// When the model has two stacks.
pub fn matching_scores(model: &Model) -> Result<Array2<f32>> {
    share(&model.qk_all()?, &among_tokens(model)?)
}

/// How much each head looks for positions to which the head `through` has brought the token it reads: as
/// [`copying_scores`], of `W_E W_Q W_K^T (W_V W_O)^T W_E^T`, whose values and output are those of `through`.
///
/// With a previous-token head this is prefix matching, the half of induction that finds the place (Elhage et al. 2021,
/// Olsson et al. 2022). What a head *does* on text is [`label_heads`](super::label_heads).
///
/// # Shapes
/// `[layer, head]`, -1 to 1; NaN in layers that cannot read what `through` writes
///
/// # Errors
/// When there is no head `through`, or the model has two stacks.
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

/// The positive share of the eigenvalues of `E heads F`, where `back` is `F E`.
fn share(heads: &FactoredMatrix, back: &Tensor) -> Result<Array2<f32>> {
    let shares = heads.rmatmul(back)?.eigenvalues()?.positive_share();
    let plane = shares.into_dimensionality::<ndarray::Ix2>();
    Ok(plane.map_err(|error| candle_core::Error::Msg(error.to_string()))?)
}
