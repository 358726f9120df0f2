//! Tensors in a notebook: candle's names for them, indexing from the end, and softmax.
//!
//! A notebook must not load candle a second time: `:dep candle-nn` would bring in different tensor types. All of candle
//! is [`glassbox::candle_core`](crate::candle_core). The names that a notebook needs are in the
//! [`prelude`](crate::prelude).
//!
//! To accept another type where a tensor is expected, implement [`ToTensor`] for it in `closure.rs`.
//!
//! ```
//! use glassbox::prelude::*;
//!
//! let model = Model::open("induction-2l")?;
//! let logits = model.forward("red fox blue owl red fox blue")?;
//! let probs = logits.softmax(-1)?; // [batch, pos, d_vocab]
//! assert!((probs.i((0, 3))?.sum_all()?.to_scalar::<f32>()? - 1.0).abs() < 1e-4);
//! # Ok::<(), glassbox::Error>(())
//! ```

mod array;
mod closure;
mod index_op;
mod made;

use crate::{
    Result,
    error::need_type,
    index::{Counted, ToIndex},
};
pub(crate) use array::array;
pub use candle_core::{D, DType, Device, Tensor, Var};
use candle_nn::ops;
pub use closure::{Looked, ToTensor};
pub use index_op::{IndexOp, Part, ToPart};
pub(crate) use made::{HOST, from_values, ones, vector, zeros};

/// `tensor.softmax(-1)` and `tensor.log_softmax(-1)`.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
/// let probabilities = run.logits()?.softmax(-1)?; // [batch, pos, d_vocab]
/// let total = probabilities.i((0, -1))?.sum_all()?.to_scalar::<f32>()?;
/// assert!((total - 1.0).abs() < 1e-5);
/// # Ok::<(), glassbox::Error>(())
/// ```
pub trait Softmax {
    /// See [`softmax`].
    ///
    /// # Errors
    /// Fails when the tensor does not have this axis or does not hold floats.
    fn softmax(&self, axis: impl ToIndex) -> Result<Tensor>;

    /// See [`log_softmax`].
    ///
    /// # Errors
    /// Fails when the tensor does not have this axis or does not hold floats.
    fn log_softmax(&self, axis: impl ToIndex) -> Result<Tensor>;
}

impl Softmax for Tensor {
    fn softmax(&self, axis: impl ToIndex) -> Result<Tensor> {
        Ok(ops::softmax(self, float_axis(self, axis)?)?)
    }

    fn log_softmax(&self, axis: impl ToIndex) -> Result<Tensor> {
        Ok(ops::log_softmax(self, float_axis(self, axis)?)?)
    }
}

/// Returns probabilities along an axis; -1 is the last.
///
/// Differentiable.
///
/// # Errors
/// Fails when the tensor does not have this axis or does not hold floats.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let scores = Tensor::new(&[[0f32, 0.0], [1.0, 1.0]], &Device::Cpu)?;
/// assert_eq!(softmax(&scores, -1)?.to_vec2::<f32>()?, [[0.5, 0.5], [0.5, 0.5]]);
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn softmax(values: impl AsRef<Tensor>, axis: impl ToIndex) -> Result<Tensor> {
    values.as_ref().softmax(axis)
}

/// Returns the logarithms of probabilities along an axis; -1 is the last.
///
/// Differentiable.
///
/// # Errors
/// Fails when the tensor does not have this axis or does not hold floats.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let scores = Tensor::new(&[2f32, 2.0], &Device::Cpu)?;
/// assert!((log_softmax(scores, 0)?.to_vec1::<f32>()?[0] + 2f32.ln()).abs() < 1e-6);
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn log_softmax(values: impl AsRef<Tensor>, axis: impl ToIndex) -> Result<Tensor> {
    values.as_ref().log_softmax(axis)
}

/// Returns the index of the axis, and checks that the tensor holds floats.
fn float_axis(values: &Tensor, axis: impl ToIndex) -> Result<usize> {
    if !values.dtype().is_float() {
        need_type(|| "the tensor given to a softmax".into(), values, DType::F32)?;
    }
    Counted::new("axis", "this tensor has axes", values.rank()).index(axis.to_index())
}

/// candle's own way to count from the end.
impl ToIndex for D {
    fn to_index(self) -> i64 {
        match self {
            Self::Minus1 => -1,
            Self::Minus2 => -2,
            Self::Minus(back) => i64::try_from(back).map_or(i64::MIN, |back| -back),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_is_counted_from_either_end_and_refused_beyond() {
        let x = Tensor::new(&[[1f32, 2.0], [3.0, 4.0]], &Device::Cpu).unwrap();
        let sums = |x: Tensor, axis: usize| x.sum(axis).unwrap().to_vec1::<f32>().unwrap();
        for (probs, axis) in [(softmax(&x, -1), 1), (softmax(&x, D::Minus1), 1), (softmax(&x, 0usize), 0)] {
            assert!(sums(probs.unwrap(), axis).iter().all(|sum| (sum - 1.0).abs() < 1e-6));
        }
        assert!(softmax(&x, 2).unwrap_err().is_out_of_range());
        assert!(log_softmax(&x, D::Minus(3)).unwrap_err().to_string().starts_with("axis -3 is out of range"));
        let ids = Tensor::new(&[1u32, 2], &Device::Cpu).unwrap();
        let error = softmax(ids, -1).unwrap_err().to_string();
        assert!(error.contains("the tensor given to a softmax has type u32, but f32 is needed"), "{error}");
    }
}
