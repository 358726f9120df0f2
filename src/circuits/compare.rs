//! [`compare_heads`]: a scatter plot of two scores of every head.

use super::{HeadValues, head_names, maps::ungrouped};
use crate::{Result, error::CircuitsError, plot::Scatter};

/// Draws one point per head by two of its scores, with the head's name as a tooltip.
///
/// Heads with a NaN score are left out. In grouped-query attention, values of key heads are repeated for the query
/// heads that share them.
///
/// # Errors
/// Fails when a score does not have two axes, or the scores have different numbers of heads.
///
/// # Examples
/// Does the previous-token head feed the induction head?
/// ```
/// use glassbox::{circuits::compare_heads, prelude::*};
/// let model = Model::open("induction-2l")?;
/// let previous = label_heads(&model, 0)?.scores.previous_token;
/// let read = composition_scores(&model, Composition::K)?.read_by((1, 0))?;
/// let figure = compare_heads(("previous token", &previous), ("K-composition into L1H0", &read))?.draw()?;
/// assert!(figure.to_svg().contains("<title>L0H0: previous token 0.9"));
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn compare_heads(x: (&str, impl HeadValues), y: (&str, impl HeadValues)) -> Result<Scatter> {
    let (across, up) = (x.1.per_head()?, y.1.per_head()?);
    let heads = across.ncols().max(up.ncols());
    let (across, up) = (ungrouped(across, heads), ungrouped(up, heads));
    if across.dim() != up.dim() {
        let (got, expected) = (across.shape().to_vec(), up.shape().to_vec());
        return Err(CircuitsError::HeadShapes { what: x.0.into(), got, expected }.into());
    }
    let (layers, heads) = across.dim();
    let points =
        head_names(0..layers, heads).into_iter().zip(across.iter().zip(&up)).map(|(name, (&x, &y))| (name, x, y));
    Ok(Scatter::new(points).title(format!("Each head: {} and {}", x.0, y.0)).x(x.0).y(y.0))
}
