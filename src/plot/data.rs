//! The types that pictures accept as numbers and as names.
//!
//! Each trait has a type parameter that callers never write. It tells the compiler which kind of type the data have.

use std::fmt::Display;

use candle_core::{DType, Tensor};

use crate::{Error, Result, error::PlotError, printable::printable};

/// A number that a picture can show: any float or integer type, or a reference to one.
///
/// # Examples
/// ```
/// use glassbox::plot::Numeric;
/// assert_eq!((3_usize.to_f32(), 0.5_f64.to_f32()), (3.0, 0.5));
/// ```
pub trait Numeric: Copy {
    /// Converts the number to the `f32` that pictures use.
    fn to_f32(self) -> f32;
}

macro_rules! numbers {
    ($($number:ty)*) => {$(
        impl Numeric for $number {
            fn to_f32(self) -> f32 {
                self as f32
            }
        }
    )*};
}
numbers!(f32 f64 i8 i16 i32 i64 isize u8 u16 u32 u64 usize);

impl<N: Numeric> Numeric for &N {
    fn to_f32(self) -> f32 {
        (*self).to_f32()
    }
}

/// Marks types that can be iterated over: slices, arrays, vectors, iterators.
#[derive(Debug)]
pub struct Iterated;
/// Marks types of this crate and of candle: tensors and tokens.
#[derive(Debug)]
pub struct Held;
/// Marks a `Result` of another kind of type.
#[derive(Debug)]
pub struct Tried<Kind>(std::marker::PhantomData<Kind>);

/// A row of numbers: a slice, array, `Vec`, iterator, one-dimensional `ndarray` or `Tensor`, a reference to one of
/// these, or a `Result` of one. If the `Result` is an error, `draw` returns it. Numbers may be of any type.
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
    message = "`{Self}` is not a row of numbers",
    label = "give an array, slice, Vec or iterator of numbers, a Tensor or ndarray of one axis, or a reference to one"
)]
pub trait ToValues<Kind> {
    /// Returns the numbers.
    ///
    /// # Errors
    /// When there is more than one axis, or the given `Result` is an error.
    fn to_values(self) -> Result<Vec<f32>>;
}

impl<I: IntoIterator<Item: Numeric>> ToValues<Iterated> for I {
    fn to_values(self) -> Result<Vec<f32>> {
        Ok(self.into_iter().map(Numeric::to_f32).collect())
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

/// All numbers of a tensor in row-major order.
pub(crate) fn numbers_of(tensor: &Tensor) -> Result<Vec<f32>> {
    Ok(tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?)
}

/// The lengths of exactly `N` axes: surplus axes of length 1 are dropped, the first ones first, or added in front.
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

/// Names of tokens, layers, heads or anything else that can be printed, in a slice, array, `Vec`, range or iterator.
/// [`Tokens`](crate::text::Tokens) give the tokens of their first text.
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
    message = "`{Self}` is not a list of names",
    label = "give an array, slice, Vec, range or iterator of names, or `Tokens`"
)]
pub trait ToNames<Kind> {
    /// Returns the names.
    ///
    /// # Errors
    /// When the given `Result` is an error.
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

/// A name and its value: a pair, or a reference to one.
///
/// # Examples
/// ```
/// use glassbox::plot::NamedValue;
/// assert_eq!(("Mary", 0.7).pair(), ("Mary".to_owned(), 0.7));
/// ```
pub trait NamedValue {
    /// The type of the value.
    type Value;

    /// Returns the name and the value.
    fn pair(self) -> (String, Self::Value);
}

impl<N: Display, V> NamedValue for (N, V) {
    type Value = V;

    fn pair(self) -> (String, V) {
        (self.0.to_string(), self.1)
    }
}

impl<'a, N: Display, V> NamedValue for &'a (N, V) {
    type Value = &'a V;

    fn pair(self) -> (String, &'a V) {
        (self.0.to_string(), &self.1)
    }
}

/// Numbers with names: pairs of a name and a number, or a row of numbers, which are then named 0, 1, 2, ...
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// Bars::new([("yes", 0.7), ("no", 0.3)]).draw()?; // pairs
/// let figure = Bars::new([0.7, 0.3]).names(["yes", "no"]).draw()?; // numbers
/// assert!(figure.to_svg().contains("<title>yes: 0.7</title>"));
/// # Ok::<(), glassbox::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be drawn as bars",
    label = "give pairs of a name and a number, or a row of numbers"
)]
pub trait ToBars<Kind> {
    /// Returns names and numbers.
    ///
    /// # Errors
    /// When there is more than one axis, or the given `Result` is an error.
    fn to_bars(self) -> Result<Vec<(String, f32)>>;
}

/// Marks types that hold pairs.
#[derive(Debug)]
pub struct Paired;

impl<I: IntoIterator<Item = P>, P: NamedValue<Value: Numeric>> ToBars<Paired> for I {
    fn to_bars(self) -> Result<Vec<(String, f32)>> {
        let bar = |(name, value): (String, P::Value)| (name, value.to_f32());
        Ok(self.into_iter().map(|pair| bar(pair.pair())).collect())
    }
}

impl<I: IntoIterator<Item: Numeric>> ToBars<Iterated> for I {
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

/// A named point of two values: `(name, x, y)`, a reference to such a tuple, or `(x, y)` without a name.
///
/// # Examples
/// ```
/// use glassbox::plot::NamedPoint;
/// assert_eq!(("L0H1", 1, 0.5).point(), (Some("L0H1".to_owned()), 1.0, 0.5));
/// assert_eq!((1, 0.5).point(), (None, 1.0, 0.5));
/// ```
pub trait NamedPoint {
    /// Returns the name, x and y.
    fn point(self) -> (Option<String>, f32, f32);
}

impl<N: Display, X: Numeric, Y: Numeric> NamedPoint for (N, X, Y) {
    fn point(self) -> (Option<String>, f32, f32) {
        (Some(printable(&self.0.to_string())), self.1.to_f32(), self.2.to_f32())
    }
}

impl<N: Display, X: Numeric, Y: Numeric> NamedPoint for &(N, X, Y) {
    fn point(self) -> (Option<String>, f32, f32) {
        (&self.0, self.1, self.2).point()
    }
}

impl<X: Numeric, Y: Numeric> NamedPoint for (X, Y) {
    fn point(self) -> (Option<String>, f32, f32) {
        (None, self.0.to_f32(), self.1.to_f32())
    }
}

impl<X: Numeric, Y: Numeric> NamedPoint for &(X, Y) {
    fn point(self) -> (Option<String>, f32, f32) {
        (self.0, self.1).point()
    }
}

/// The first error in a picture's data, kept until it is drawn so that the builder's methods can be chained.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept(Option<Error>);

impl Kept {
    /// Returns the data, or the default if they are an error; the first error is kept.
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
