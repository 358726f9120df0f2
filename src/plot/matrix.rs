//! The types that pictures accept as a matrix.

use candle_core::Tensor;
use ndarray::{Array2, Array3, ArrayBase, Data, Dimension};

use super::data::{Held, Iterated, Numeric, ToValues, Tried, numbers_of, of_rank};
use crate::{Error, Result, error::PlotError};

/// A matrix: an `ndarray`, a `Tensor`, rows in a `Vec`, slice, array or iterator (each of them a
/// [row of numbers](ToValues)), a reference to one of these, or a `Result` of one. If the `Result` is an error, `draw`
/// returns it.
///
/// Axes of length 1 are dropped, the first ones first, until two are left. A single axis becomes one row. Numbers may
/// be of any type.
///
/// # Examples
/// ```
/// use glassbox::{candle_core::{Device, Tensor}, plot::Heatmap};
/// let rows = vec![vec![0.5, 1.0], vec![0.25, 0.0]];
/// let tensor = Tensor::new(&[[[0.5f32, 1.0], [0.25, 0.0]]], &Device::Cpu)?;
/// assert_eq!(Heatmap::new(&rows).draw()?.to_svg(), Heatmap::new(&tensor).draw()?.to_svg());
/// let said = Heatmap::new([vec![1.0], vec![1.0, 2.0]]).draw().unwrap_err().to_string();
/// assert!(said.contains("row 1 has 2"), "{said}");
/// # Ok::<(), glassbox::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a matrix",
    label = "give a Tensor or ndarray of two axes, rows of numbers such as `vec![vec![0.5, 1.0]]`, or a reference to one"
)]
pub trait ToMatrix<Kind> {
    /// Returns the matrix.
    ///
    /// # Shapes
    /// `[row, column]`
    ///
    /// # Errors
    /// When more than two axes are longer than 1, rows differ in length, or the given `Result` is an error.
    fn to_matrix(self) -> Result<Array2<f32>>;
}

/// Marks types that hold rows.
#[derive(Debug)]
pub struct Rows<Kind>(std::marker::PhantomData<Kind>);
/// Marks iterators over rows.
#[derive(Debug)]
pub struct RowByRow<Kind>(std::marker::PhantomData<Kind>);

impl<N: Numeric, S: Data<Elem = N>, D: Dimension> ToMatrix<Held> for &ArrayBase<S, D> {
    fn to_matrix(self) -> Result<Array2<f32>> {
        matrix(of_rank(self.shape())?, self.iter().map(Numeric::to_f32).collect())
    }
}

impl<N: Numeric, S: Data<Elem = N>, D: Dimension> ToMatrix<Held> for ArrayBase<S, D> {
    fn to_matrix(self) -> Result<Array2<f32>> {
        (&self).to_matrix()
    }
}

impl ToMatrix<Held> for &Tensor {
    fn to_matrix(self) -> Result<Array2<f32>> {
        matrix(of_rank(self.dims())?, numbers_of(self)?)
    }
}

impl ToMatrix<Held> for Tensor {
    fn to_matrix(self) -> Result<Array2<f32>> {
        (&self).to_matrix()
    }
}

impl<T: ToMatrix<Kind>, Kind, E: Into<Error>> ToMatrix<Tried<Kind>> for Result<T, E> {
    fn to_matrix(self) -> Result<Array2<f32>> {
        self.map_err(Into::into)?.to_matrix()
    }
}

impl<I: Iterator<Item: ToValues<Kind>>, Kind> ToMatrix<RowByRow<Kind>> for I {
    fn to_matrix(self) -> Result<Array2<f32>> {
        rows(self)
    }
}

macro_rules! of_rows {
    ($(($($generics:tt)*) $type:ty, $row:ty;)*) => {$(
        impl<$($generics)* Kind> ToMatrix<Rows<Kind>> for $type where $row: ToValues<Kind> {
            fn to_matrix(self) -> Result<Array2<f32>> {
                rows(self)
            }
        }
    )*};
}
of_rows! {
    (R,) Vec<R>, R;
    ('a, R,) &'a Vec<R>, &'a R;
    ('a, R,) &'a [R], &'a R;
    (R, const N: usize,) [R; N], R;
    ('a, R, const N: usize,) &'a [R; N], &'a R;
}

macro_rules! of_one_row {
    ($(($($generics:tt)*) $type:ty;)*) => {$(
        impl<N: Numeric, $($generics)*> ToMatrix<Iterated> for $type {
            fn to_matrix(self) -> Result<Array2<f32>> {
                rows([self])
            }
        }
    )*};
}
of_one_row! {
    () Vec<N>;
    () &Vec<N>;
    () &[N];
    (const M: usize) [N; M];
    (const M: usize) &[N; M];
}

fn rows<R: ToValues<Kind>, Kind>(given: impl IntoIterator<Item = R>) -> Result<Array2<f32>> {
    let rows = given.into_iter().map(ToValues::to_values).collect::<Result<Vec<_>>>()?;
    let columns = rows.first().map_or(0, Vec::len);
    match rows.iter().position(|row| row.len() != columns) {
        Some(at) => Err(PlotError::Ragged { at, got: rows[at].len(), expected: columns }.into()),
        None => matrix([rows.len(), columns], rows.concat()),
    }
}

fn matrix(shape: [usize; 2], values: Vec<f32>) -> Result<Array2<f32>> {
    Ok(Array2::from_shape_vec(shape, values)?)
}

/// Several matrices of one shape, such as the patterns of a layer's heads: an `ndarray` or a `Tensor` of three axes, a
/// reference to one, or a `Result` of one. Axes of length 1 are dropped until three are left. A single matrix becomes a
/// stack of one.
///
/// # Examples
/// ```
/// use glassbox::{ndarray::Array3, prelude::*};
/// let patterns = Array3::<f32>::from_elem((2, 3, 3), 1.0 / 3.0); // [head, query, key]
/// assert!(AttentionHeads::new(patterns, ["a", "b", "c"]).draw()?.to_svg().contains("head 1"));
/// # Ok::<(), glassbox::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a stack of matrices",
    label = "give a Tensor or ndarray of three axes, or a reference to one"
)]
pub trait ToMatrices<Kind> {
    /// Returns the matrices.
    ///
    /// # Shapes
    /// `[head, row, column]`
    ///
    /// # Errors
    /// When more than three axes are longer than 1, or the given `Result` is an error.
    fn to_matrices(self) -> Result<Array3<f32>>;
}

impl<N: Numeric, S: Data<Elem = N>, D: Dimension> ToMatrices<Held> for &ArrayBase<S, D> {
    fn to_matrices(self) -> Result<Array3<f32>> {
        matrices(of_rank(self.shape())?, self.iter().map(Numeric::to_f32).collect())
    }
}

impl<N: Numeric, S: Data<Elem = N>, D: Dimension> ToMatrices<Held> for ArrayBase<S, D> {
    fn to_matrices(self) -> Result<Array3<f32>> {
        (&self).to_matrices()
    }
}

impl ToMatrices<Held> for &Tensor {
    fn to_matrices(self) -> Result<Array3<f32>> {
        matrices(of_rank(self.dims())?, numbers_of(self)?)
    }
}

impl ToMatrices<Held> for Tensor {
    fn to_matrices(self) -> Result<Array3<f32>> {
        (&self).to_matrices()
    }
}

impl<T: ToMatrices<Kind>, Kind, E: Into<Error>> ToMatrices<Tried<Kind>> for Result<T, E> {
    fn to_matrices(self) -> Result<Array3<f32>> {
        self.map_err(Into::into)?.to_matrices()
    }
}

fn matrices(shape: [usize; 3], values: Vec<f32>) -> Result<Array3<f32>> {
    Ok(Array3::from_shape_vec(shape, values)?)
}
