//! [`map_heads`]: maps of one number for every head.

use crate::{Result, error::CircuitsError, plot::Heatmap, tensor::array};
use candle_core::{DType, Tensor};
use ndarray::{Array2, ArrayD, Ix2};

/// A number for each head of a model: attention scores, copying scores, norms, direct effects, or a patching sweep over
/// heads.
///
/// # Examples
/// ```
/// use glassbox::{circuits::HeadValues, prelude::*};
/// let norms = Model::open("induction-2l")?.ov_all()?.norm()?; // a tensor
/// assert_eq!(norms.per_head()?.dim(), (2, 4)); // [layer, head]
/// map_heads([("size of W_V W_O", &norms)])?.draw()?;
/// # Ok::<(), glassbox::Error>(())
/// ```
pub trait HeadValues {
    /// Returns the numbers.
    ///
    /// # Shapes
    /// `[layer, head]`
    ///
    /// # Errors
    /// Fails when there are not exactly two axes.
    fn per_head(&self) -> Result<Array2<f32>>;
}

impl HeadValues for Array2<f32> {
    fn per_head(&self) -> Result<Array2<f32>> {
        Ok(self.clone())
    }
}

impl HeadValues for ArrayD<f32> {
    fn per_head(&self) -> Result<Array2<f32>> {
        let misfit = || CircuitsError::NotPerHead { got: self.shape().to_vec() };
        Ok(self.clone().into_dimensionality::<Ix2>().map_err(|_| misfit())?)
    }
}

impl HeadValues for Tensor {
    fn per_head(&self) -> Result<Array2<f32>> {
        match self.rank() {
            2 => array(&self.to_dtype(DType::F32)?),
            _ => Err(CircuitsError::NotPerHead { got: self.dims().to_vec() }.into()),
        }
    }
}

impl<T: HeadValues> HeadValues for &T {
    fn per_head(&self) -> Result<Array2<f32>> {
        (**self).per_head()
    }
}

/// Draws maps of layers by heads, one for each kind of number, side by side on one scale.
///
/// Values are printed in cells where they fit. Draw numbers of different sizes in separate pictures. In grouped-query
/// attention, values of key heads are repeated for the query heads that share them.
///
/// # Errors
/// Fails when there are not exactly two axes.
///
/// # Examples
/// ```
/// use glassbox::{circuits::{copying_scores, map_heads, prefix_matching_scores}, prelude::*};
/// let model = Model::open("induction-2l")?.processed(Processing::default())?;
/// let scores = [("copying", copying_scores(&model)?), ("matching through L0H0", prefix_matching_scores(&model, (0, 0))?)];
/// let figure = map_heads(scores)?.title("Read from the weights").range(-1.0, 1.0).draw()?;
/// assert!(figure.to_svg().contains("<title>copying: layer 1, head 0: 1</title>"));
/// map_heads([("size of W_V W_O", model.ov_all()?.norm()?)])?.draw()?;
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn map_heads(scores: impl IntoIterator<Item = (impl Into<String>, impl HeadValues)>) -> Result<Heatmap> {
    let maps: Vec<(String, _)> =
        scores.into_iter().map(|(name, scores)| Ok((name.into(), scores.per_head()?))).collect::<Result<_>>()?;
    let heads = maps.iter().map(|(_, map)| map.ncols()).max().unwrap_or(0);
    let maps = maps.into_iter().map(|(name, map)| (name, ungrouped(map, heads)));
    Ok(Heatmap::facets(maps).x_index("head").y_index("layer").upward().print_values(true))
}

/// Returns values of key heads repeated for each query head that shares them, if the numbers of heads allow it.
///
/// # Shapes
/// `[layer, kv_head]` to `[layer, head]`
pub(super) fn ungrouped(numbers: Array2<f32>, heads: usize) -> Array2<f32> {
    let key_heads = numbers.ncols();
    if key_heads == 0 || key_heads >= heads || !heads.is_multiple_of(key_heads) {
        return numbers;
    }
    let shared: Vec<usize> = (0..heads).map(|head| head / (heads / key_heads)).collect();
    numbers.select(ndarray::Axis(1), &shared)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_not_two_axes_is_no_number_per_head() {
        let cube = ArrayD::<f32>::zeros(vec![2, 4, 3]);
        let error = map_heads([("effect", cube)]).unwrap_err();
        assert!(error.to_string().contains("[layer, head]; got [2, 4, 3]"), "{error}");
        let plane = ArrayD::<f32>::zeros(vec![2, 4]);
        assert_eq!(plane.per_head().unwrap(), Array2::<f32>::zeros((2, 4)));
    }
}
