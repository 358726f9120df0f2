//! Products of factored matrices with matrices and vectors.

use super::FactoredMatrix;
use crate::{
    Result,
    circuits::product::{product, shared},
    error::CircuitsError,
};
use candle_core::{DType, Tensor};
use std::{borrow::Borrow, ops::Mul};

/// A matrix or a stack of matrices, factored or not, as the other factor of a product.
///
/// # Examples
/// ```
/// use glassbox::{circuits::Operand, prelude::*};
/// let head = Model::open("induction-2l")?.ov_all()?.at([1, 0])?;
/// let factored = head.matmul(&head)?; // either converts to an operand
/// let plain = head.matmul(Operand::Matrix(head.ab()?))?;
/// let difference = (factored.ab()? - plain.ab()?)?.abs()?.max_all()?.to_scalar::<f32>()?;
/// assert!(difference < 1e-3);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Debug)]
pub enum Operand {
    /// `[.., l, r]`
    Matrix(Tensor),
    /// `A B`
    Factored(FactoredMatrix),
}

impl From<&Tensor> for Operand {
    fn from(matrix: &Tensor) -> Self {
        Self::Matrix(matrix.clone())
    }
}

impl From<Tensor> for Operand {
    fn from(matrix: Tensor) -> Self {
        Self::Matrix(matrix)
    }
}

impl From<FactoredMatrix> for Operand {
    fn from(matrix: FactoredMatrix) -> Self {
        Self::Factored(matrix)
    }
}

impl From<&FactoredMatrix> for Operand {
    fn from(matrix: &FactoredMatrix) -> Self {
        Self::Factored(matrix.clone())
    }
}

/// Products. Each keeps the smallest possible inner axis.
impl FactoredMatrix {
    /// Returns `self` times `right`, with the smaller inner axis.
    ///
    /// # Shapes
    /// `[.., l, m]` times `[.., m, r]` is `[.., l, r]`.
    ///
    /// # Errors
    /// Fails when the shapes do not match.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let logits = model.ov(1)?.get(0)?.matmul(&model.weights().w_u()?)?; // from its input to logits
    /// assert_eq!((logits.dims(), logits.inner()), (vec![64, 374], 16));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn matmul(&self, right: impl Into<Operand>) -> Result<Self> {
        match right.into() {
            Operand::Factored(right) => self.matmul(right.a())?.matmul(right.b()),
            Operand::Matrix(right) => {
                let right = right.to_dtype(DType::F32)?;
                let columns = self.rows_and_columns().1;
                self.check("with", &right, right.rank().checked_sub(2), columns)?;
                match columns > self.inner() {
                    true => Self::new(&self.a, &product(&self.b, &right)?),
                    false => Self::new(&self.ab()?, &right),
                }
            }
        }
    }

    /// Returns `left` times `self`, with the smaller inner axis.
    ///
    /// # Shapes
    /// `[.., l, m]` times `[.., m, r]` is `[.., l, r]`.
    ///
    /// # Errors
    /// Fails when the shapes do not match.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let written = model.ov(1)?.get(0)?.rmatmul(model.weights().w_e()?)?; // from tokens to what the head writes
    /// assert_eq!(written.dims(), [374, 64]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn rmatmul(&self, left: impl Into<Operand>) -> Result<Self> {
        match left.into() {
            Operand::Factored(left) => left.matmul(self),
            Operand::Matrix(left) => {
                let left = left.to_dtype(DType::F32)?;
                let rows = self.rows_and_columns().0;
                self.check("behind", &left, left.rank().checked_sub(1).filter(|_| left.rank() > 1), rows)?;
                match rows > self.inner() {
                    true => Self::new(&product(&left, &self.a)?, &self.b),
                    false => Self::new(&left, &self.ab()?),
                }
            }
        }
    }

    /// Returns the matrix times a column vector.
    ///
    /// # Shapes
    /// `column`: `[r]`, result: `[.., l]`.
    ///
    /// # Errors
    /// Fails when the length of the vector is not the number of columns.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let owl = model.weights().token_to_residual_direction("owl")?;
    /// let read = model.ov(1)?.get(0)?.matvec(owl)?; // the stream that makes the head say "owl"
    /// assert_eq!(read.dims(), [64]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn matvec(&self, column: impl Borrow<Tensor>) -> Result<Tensor> {
        let column = column.borrow();
        self.check("with", column, (column.rank() == 1).then_some(0), self.rows_and_columns().1)?;
        let read = product(&self.b, &column.to_dtype(DType::F32)?.unsqueeze(1)?)?; // [.., m, one]
        let last = read.rank() - 1;
        Ok(product(&self.a, &read)?.squeeze(last)?)
    }

    /// Returns a row vector times the matrix, as a head applies it to the residual stream.
    ///
    /// # Shapes
    /// `row`: `[l]`, result: `[.., r]`.
    ///
    /// # Errors
    /// Fails when the length of the vector is not the number of rows.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let run = model.run("red fox blue owl")?;
    /// let stream = run.cache().get(Site::ln1_normalized(1))?.i((0, -1))?;
    /// assert_eq!(model.ov(1)?.get(0)?.vecmat(stream)?.dims(), [64]); // what the head writes when it attends there
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn vecmat(&self, row: impl Borrow<Tensor>) -> Result<Tensor> {
        let row = row.borrow();
        self.check("behind", row, (row.rank() == 1).then_some(0), self.rows_and_columns().0)?;
        let read = product(&row.to_dtype(DType::F32)?.unsqueeze(0)?, &self.a)?; // [.., one, m]
        let last = read.rank() - 2;
        Ok(product(&read, &self.b)?.squeeze(last)?)
    }

    /// Checks the size of `axis` of the other factor, and that its leading axes match.
    fn check(&self, side: &'static str, other: &Tensor, axis: Option<usize>, size: usize) -> Result<()> {
        let misfit = || CircuitsError::Product { shape: self.dims(), side, other: other.dims().to_vec() };
        let leading = &other.dims()[..other.rank().saturating_sub(2)];
        let fits = axis.is_some_and(|axis| other.dims().get(axis) == Some(&size));
        if fits && shared(&self.leading(), leading).is_some() { Ok(()) } else { Err(misfit().into()) }
    }
}

/// Scales the matrices by a number.
impl Mul<f64> for &FactoredMatrix {
    type Output = Result<FactoredMatrix>;

    fn mul(self, by: f64) -> Result<FactoredMatrix> {
        FactoredMatrix::new(&(&self.a * by)?, &self.b)
    }
}

impl Mul<&FactoredMatrix> for f64 {
    type Output = Result<FactoredMatrix>;

    fn mul(self, matrix: &FactoredMatrix) -> Result<FactoredMatrix> {
        matrix * self
    }
}
