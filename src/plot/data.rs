//! What pictures take as numbers and as names: the forms in which people have them.
//!
//! Each trait has a parameter that no caller writes: it tells the compiler in which of the forms the data come.

use std::fmt::Display;

use candle_core::{DType, Tensor};

use crate::{Error, Result, error::PlotError, printable::printable};

/// A number that a picture can show: of any type of floats or integers, or a reference to one.
pub trait Number: Copy {
    /// The number as pictures have it.
    fn to_f32(self) -> f32;
}

macro_rules! numbers {
    ($($number:ty)*) => {$(
        impl Number for $number {
            fn to_f32(self) -> f32 {
                self as f32
            }
        }
    )*};
}
numbers!(f32 f64 i8 i16 i32 i64 isize u8 u16 u32 u64 usize);

impl<N: Number> Number for &N {
    fn to_f32(self) -> f32 {
        (*self).to_f32()
    }
}

/// The form of anything that can be gone through: slices, arrays, vectors, iterators.
#[derive(Debug)]
pub struct Iterated;
/// The form of what this crate and candle have: tensors and tokens.
#[derive(Debug)]
pub struct Held;
/// The form of a result of another form.
#[derive(Debug)]
pub struct Tried<Kind>(std::marker::PhantomData<Kind>);

/// A row of numbers: a slice, array, `Vec`, iterator, one-dimensional `ndarray` or `Tensor`, a reference to one, or a
/// `Result` of one, whose error the picture then gives when it is drawn. Numbers may be of any type.
///
/// # Examples
/// ```
/// use glassbox::{candle_core::{Device, Tensor}, plot::{LineChart, Series}};
/// let losses: Vec<f64> = vec![2.5, 1.25];
/// let accuracy = Tensor::new(&[[0.5f32, 0.75]], &Device::Cpu)?;
/// let chart = LineChart::new().add(Series::new("loss", &losses)).add(Series::new("accuracy", &accuracy));
/// assert!(chart.draw()?.to_text().contains("1: 1.25"));
/// # Ok::<(), glassbox::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no row of numbers",
    label = "give an array, slice, Vec or iterator of numbers, a Tensor or ndarray of one axis, or a reference to one"
)]
pub trait ToValues<Kind> {
    /// The numbers.
    ///
    /// # Errors
    /// When there is more than one axis, or the data are a failed result.
    fn to_values(self) -> Result<Vec<f32>>;
}

impl<I: IntoIterator<Item: Number>> ToValues<Iterated> for I {
    fn to_values(self) -> Result<Vec<f32>> {
        Ok(self.into_iter().map(Number::to_f32).collect())
    }
}

impl ToValues<Held> for &Tensor {
    fn to_values(self) -> Result<Vec<f32>> {
        of_rank::<1>(self.dims())?;
        numbers_of(self)
    }
}

impl ToValues<Held> for Tensor {
    fn to_values(self) -> Result<Vec<f32>> {
        (&self).to_values()
    }
}

impl<T: ToValues<Kind>, Kind, E: Into<Error>> ToValues<Tried<Kind>> for Result<T, E> {
    fn to_values(self) -> Result<Vec<f32>> {
        self.map_err(Into::into)?.to_values()
    }
}

/// All numbers of a tensor in their order.
pub(crate) fn numbers_of(tensor: &Tensor) -> Result<Vec<f32>> {
    Ok(tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?)
}

/// The lengths of so many axes: axes of length 1 are dropped, the first ones first, or put in front.
pub(crate) fn of_rank<const N: usize>(shape: &[usize]) -> Result<[usize; N]> {
    let mut dims = shape.to_vec();
    while dims.len() > N {
        let Some(one) = dims.iter().position(|&length| length == 1) else { break };
        dims.remove(one);
    }
    while dims.len() < N {
        dims.insert(0, 1);
    }
    dims.try_into().map_err(|_| PlotError::Axes { shape: shape.to_vec(), needed: N }.into())
}

/// Names: of tokens, layers, heads or anything else that can be printed, in a slice, array, `Vec`, range or iterator; or
/// [`Tokens`], whose first text it then is.
///
/// # Examples
/// ```
/// use glassbox::{ndarray::array, plot::Heatmap};
/// let names: Vec<String> = vec!["yes".into(), "no".into()];
/// let map = Heatmap::new(array![[1.0, 0.5], [0.0, 0.25]]).x("answer").x_names(&names).y("layer").y_names(4..6);
/// assert!(map.draw()?.to_svg().contains("<title>5, no: 0.25</title>"));
/// # Ok::<(), glassbox::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no list of names",
    label = "give an array, slice, Vec, range or iterator of names, or `Tokens`"
)]
pub trait ToNames<Kind> {
    /// The names.
    ///
    /// # Errors
    /// When they are a failed result.
    fn to_names(self) -> Result<Vec<String>>;
}

impl<I: IntoIterator<Item: Display>> ToNames<Iterated> for I {
    fn to_names(self) -> Result<Vec<String>> {
        Ok(self.into_iter().map(|name| name.to_string()).collect())
    }
}

impl<T: ToNames<Kind>, Kind, E: Into<Error>> ToNames<Tried<Kind>> for Result<T, E> {
    fn to_names(self) -> Result<Vec<String>> {
        self.map_err(Into::into)?.to_names()
    }
}

/// Something under its name: a pair, or a reference to one.
pub trait Pair {
    /// What has the name.
    type Value;

    /// The name, and what has it.
    fn pair(self) -> (String, Self::Value);
}

impl<N: Display, V> Pair for (N, V) {
    type Value = V;

    fn pair(self) -> (String, V) {
        (self.0.to_string(), self.1)
    }
}

impl<'a, N: Display, V> Pair for &'a (N, V) {
    type Value = &'a V;

    fn pair(self) -> (String, &'a V) {
        (self.0.to_string(), &self.1)
    }
}

/// A likely token with its probability.
/// Numbers with their names: pairs of both, or a row of numbers alone, which are then called 0, 1, 2, ...
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be drawn as bars",
    label = "give pairs of a name and a number, or a row of numbers"
)]
pub trait ToBars<Kind> {
    /// Names and numbers.
    ///
    /// # Errors
    /// When there is more than one axis, or the data are a failed result.
    fn to_bars(self) -> Result<Vec<(String, f32)>>;
}

/// The form of pairs.
#[derive(Debug)]
pub struct Paired;

impl<I: IntoIterator<Item = P>, P: Pair<Value: Number>> ToBars<Paired> for I {
    fn to_bars(self) -> Result<Vec<(String, f32)>> {
        let bar = |(name, value): (String, P::Value)| (name, value.to_f32());
        Ok(self.into_iter().map(|pair| bar(pair.pair())).collect())
    }
}

impl<I: IntoIterator<Item: Number>> ToBars<Iterated> for I {
    fn to_bars(self) -> Result<Vec<(String, f32)>> {
        Ok(numbered(self.to_values()?))
    }
}

impl ToBars<Held> for &Tensor {
    fn to_bars(self) -> Result<Vec<(String, f32)>> {
        Ok(numbered(self.to_values()?))
    }
}

impl ToBars<Held> for Tensor {
    fn to_bars(self) -> Result<Vec<(String, f32)>> {
        (&self).to_bars()
    }
}

impl<T: ToBars<Kind>, Kind, E: Into<Error>> ToBars<Tried<Kind>> for Result<T, E> {
    fn to_bars(self) -> Result<Vec<(String, f32)>> {
        self.map_err(Into::into)?.to_bars()
    }
}

fn numbered(values: Vec<f32>) -> Vec<(String, f32)> {
    values.into_iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect()
}

/// A named point by two values: `(name, x, y)`, a reference to that, or `(x, y)` without a name.
pub trait Point {
    /// Name, x and y.
    fn point(self) -> (Option<String>, f32, f32);
}

impl<N: Display, X: Number, Y: Number> Point for (N, X, Y) {
    fn point(self) -> (Option<String>, f32, f32) {
        (Some(printable(&self.0.to_string())), self.1.to_f32(), self.2.to_f32())
    }
}

impl<N: Display, X: Number, Y: Number> Point for &(N, X, Y) {
    fn point(self) -> (Option<String>, f32, f32) {
        (&self.0, self.1, self.2).point()
    }
}

impl<X: Number, Y: Number> Point for (X, Y) {
    fn point(self) -> (Option<String>, f32, f32) {
        (None, self.0.to_f32(), self.1.to_f32())
    }
}

impl<X: Number, Y: Number> Point for &(X, Y) {
    fn point(self) -> (Option<String>, f32, f32) {
        (self.0, self.1).point()
    }
}

/// What was wrong with a picture's data, kept until it is drawn so that what is said of the picture can follow.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept(Option<Error>);

impl Kept {
    /// The data, or nothing where they are not to be had; the first error is kept.
    pub(crate) fn take<T: Default>(&mut self, given: Result<T>) -> T {
        given.unwrap_or_else(|error| {
            self.0.get_or_insert(error);
            T::default()
        })
    }

    pub(crate) fn check(&self) -> Result<()> {
        self.0.clone().map_or(Ok(()), Err)
    }
}
