//! What may stand for a tensor: what closures return, and the values that are put in.

use crate::{Error, Result};
use candle_core::{Device, Tensor};
use ndarray::{Array, ArrayView, Dimension};

/// What a closure that makes a tensor may return, and what may be put in for an activation: candle's result of a tensor, as
/// every operation on tensors gives it, the tensor itself, an array, or a row of numbers. `|x| x * 0.5`, `|x| x.zeros_like()`, `|x| Ok((x * 0.5)?)` and `|x| x.clone()` all do, and so does the
/// name of a method, `Tensor::tanh`.
///
/// Within a closure `?` takes errors of candle and of this crate alike. A function that returns this crate's
/// [`Result`] goes in as `|x| Ok(function(x)?)`: there is one kind of result here, so that the compiler need not be told
/// which error a closure's `Ok(..)` has.
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
    note = "a function that returns glassbox's `Result<Tensor>` goes in as `|x| Ok(function(x)?)`",
    note = "several steps end in `Ok(..)`: `|x| Ok(((x * 0.5)? + 1.0)?)`",
    note = "a closure that only looks belongs in `observe(site, |x| ..)`"
)]
pub trait ToTensor {
    /// The tensor.
    ///
    /// # Errors
    /// What the closure said was wrong.
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
                Ok(Tensor::new(&self[..], &Device::Cpu)?)
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
                Ok(Tensor::from_vec(numbers, self.shape(), &Device::Cpu)?)
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

/// What a closure that only looks may return: nothing, or, where something may go wrong, `Ok(())`.
#[diagnostic::on_unimplemented(
    message = "a closure that only looks returns nothing, or candle's `Ok(())`: leave out its `-> Result<()>`, and end it with a semicolon where it returns a value; this one returns `{Self}`",
    note = "end it with a semicolon, as in `|x| println!(..);`",
    note = "a closure that changes something belongs in `edit(site, |x| ..)`"
)]
pub trait Looked {
    /// Whether the look went well.
    ///
    /// # Errors
    /// What the closure said was wrong.
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

/// An error of this crate inside a closure that returns candle's result; it comes out of the run as it was.
impl From<Error> for candle_core::Error {
    fn from(error: Error) -> Self {
        Self::WrappedContext { wrapped: Box::new(error), context: "in a closure".into() }
    }
}
