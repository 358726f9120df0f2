//! [`ToTensor`] and [`Looked`]: what closures of interventions may return, and the values that can be put in.

use super::made::{from_values, vector};
use crate::{Error, Result};
use candle_core::Tensor;
use ndarray::{Array, ArrayView, Dimension};

/// Anything that can stand for a tensor: the tensor itself, candle's result of one, an array, or numbers.
///
/// Closures of interventions may return any of these: `|x| x * 0.5`, `|x| x.zeros_like()`, `|x| Ok((x * 0.5)?)`,
/// `|x| x.clone()` and the name of a method, `Tensor::tanh`, all work.
///
/// Inside such a closure `?` accepts errors of candle and of this crate alike. A function that returns this crate's
/// [`Result`] is passed as `|x| Ok(function(x)?)`. This crate's result is left out so that the compiler can infer the
/// error type of a closure's `Ok(..)`.
///
/// # Examples
/// ```
/// use glassbox::{candle_core::Tensor, prelude::*};
/// let model = Model::open("induction-2l")?;
/// let text = "red fox blue owl red fox blue";
/// let half = |x: &Tensor| -> Result<Tensor> { Ok((x * 0.5)?) };
/// let losses = [
///     edit(Site::z(1), |z| z * 0.5),
///     edit(Site::z(1), |z| Ok((z * 0.5)?)),
///     edit(Site::z(1), move |z| Ok(half(z)?)),
///     scale(Site::z(1), 0.5),
/// ]
/// .map(|halved| model.run_with(text, halved).and_then(|run| run.loss()));
/// for loss in &losses {
///     assert_eq!(loss.clone()?, losses[0].clone()?);
/// }
/// # Ok::<(), glassbox::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "a tensor, candle's result of one, an array or numbers are needed here, as in `|x| x * 0.5`, or `|x| Ok(f(x)?)` for a function `f` that returns glassbox's `Result`; this is `{Self}`",
    label = "is `{Self}`",
    note = "a function that returns glassbox's `Result<Tensor>` is passed as `|x| Ok(function(x)?)`",
    note = "several steps end in `Ok(..)`: `|x| Ok(((x * 0.5)? + 1.0)?)`",
    note = "a closure that only observes belongs in `observe(site, |x| ..)`"
)]
pub trait ToTensor {
    /// Returns the tensor.
    ///
    /// # Errors
    /// Fails with the closure's own error.
    fn to_tensor(self) -> Result<Tensor>;
}

impl ToTensor for Tensor {
    fn to_tensor(self) -> Result<Tensor> {
        Ok(self)
    }
}

impl ToTensor for &Tensor {
    fn to_tensor(self) -> Result<Tensor> {
        Ok(self.clone())
    }
}

macro_rules! numbers {
    ($($numbers:ty $(, $const:ident)?;)*) => {$(
        impl<$(const $const: usize)?> ToTensor for $numbers {
            fn to_tensor(self) -> Result<Tensor> {
                Ok(vector(self.to_vec())?)
            }
        }
    )*};
}

numbers! { Vec<f32>; &Vec<f32>; &[f32]; [f32; N], N; &[f32; N], N; }

macro_rules! arrays {
    ($($array:ty: |$number:ident| $value:expr;)*) => {$(
        impl<D: Dimension> ToTensor for $array {
            fn to_tensor(self) -> Result<Tensor> {
                let numbers: Vec<f32> = self.iter().map(|&$number| $value).collect();
                Ok(from_values(numbers, self.shape())?)
            }
        }
    )*};
}

arrays! {
    Array<f32, D>: |number| number;
    &Array<f32, D>: |number| number;
    ArrayView<'_, f32, D>: |number| number;
    Array<f64, D>: |number| number as f32;
    &Array<f64, D>: |number| number as f32;
}

impl ToTensor for candle_core::Result<Tensor> {
    fn to_tensor(self) -> Result<Tensor> {
        Ok(self?)
    }
}

/// What a closure of [`observe`](crate::hook::observe) may return: nothing or, if it can fail, `Ok(())`.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?;
/// let shape = observe(Site::z(0), |z| println!("{:?}", z.dims())); // returns nothing
/// let finite = observe(Site::z(0), |z| z.sum_all().map(|_| ())); // returns candle's result
/// model.run_with("red fox", (shape, finite))?;
/// # Ok::<(), glassbox::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "a closure that only observes returns nothing, or candle's `Ok(())`: leave out its `-> Result<()>`, and end it with a semicolon where it returns a value; this one returns `{Self}`",
    note = "end it with a semicolon, as in `|x| println!(..);`",
    note = "a closure that changes something belongs in `edit(site, |x| ..)`"
)]
pub trait Looked {
    /// Returns whether the closure succeeded.
    ///
    /// # Errors
    /// Fails with the closure's own error.
    fn looked(self) -> Result<()>;
}

impl Looked for () {
    fn looked(self) -> Result<()> {
        Ok(())
    }
}

impl Looked for candle_core::Result<()> {
    fn looked(self) -> Result<()> {
        Ok(self?)
    }
}

/// Carries an error of this crate through a closure that returns candle's result. The run returns the same error.
impl From<Error> for candle_core::Error {
    fn from(error: Error) -> Self {
        Self::WrappedContext { wrapped: Box::new(error), context: "in a closure".into() }
    }
}
