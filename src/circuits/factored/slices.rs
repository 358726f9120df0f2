//! Selecting matrices of a stack, and rows and columns of a matrix.

use super::FactoredMatrix;
use crate::{
    Result,
    error::CircuitsError,
    index::{ToIndex, from_either_end},
};
use candle_core::Tensor;
use std::ops::Range;

/// Selection.
impl FactoredMatrix {
    /// Returns the matrices at an index of the first leading axis.
    ///
    /// Negative indices count from the end.
    ///
    /// # Errors
    /// Fails when there is no leading axis or no such index.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let ov = Model::open("induction-2l")?.ov_all()?;
    /// assert_eq!(ov.get(-1)?.dims(), [4, 64, 64]); // the last layer
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn get(&self, index: impl ToIndex) -> Result<Self> {
        let Some(&len) = self.leading().first() else {
            return Err(CircuitsError::NoLeadingAxis { shape: self.dims() }.into());
        };
        let index = index.to_index();
        let out = || CircuitsError::OutOfRange { axis: "the first axis", index: index.into(), len };
        let at = from_either_end(index, len).ok_or_else(out)?;
        Self::new(&self.a.get(at)?, &self.b.get(at)?)
    }

    /// Returns the matrices at an index of each of the first leading axes, such as `[layer, head]`.
    ///
    /// # Errors
    /// Fails when there are fewer leading axes or no such index.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let ov = Model::open("induction-2l")?.ov_all()?;
    /// assert_eq!(ov.at([1, 0])?.dims(), [64, 64]);
    /// assert_eq!(ov.at([1])?.dims(), [4, 64, 64]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn at<const N: usize>(&self, index: [impl ToIndex; N]) -> Result<Self> {
        index.into_iter().try_fold(self.clone(), |matrix, index| matrix.get(index))
    }

    /// Returns a range of the first leading axis.
    ///
    /// # Errors
    /// Fails when there is no leading axis or the range exceeds it.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let ov = Model::open("induction-2l")?.ov_all()?;
    /// assert_eq!(ov.slice(0..1)?.dims(), [1, 4, 64, 64]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn slice(&self, range: Range<usize>) -> Result<Self> {
        if self.leading().is_empty() {
            return Err(CircuitsError::NoLeadingAxis { shape: self.dims() }.into());
        }
        Self::new(&part(&self.a, 0, &range, "the first axis")?, &part(&self.b, 0, &range, "the first axis")?)
    }

    /// Returns a range of rows.
    ///
    /// # Errors
    /// Fails when the range exceeds the matrix.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let head = Model::open("induction-2l")?.ov_all()?.at([1, 0])?;
    /// assert_eq!(head.rows(0..3)?.dims(), [3, 64]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn rows(&self, range: Range<usize>) -> Result<Self> {
        Self::new(&part(&self.a, self.a.rank() - 2, &range, "rows")?, &self.b)
    }

    /// Returns a range of columns.
    ///
    /// # Errors
    /// Fails when the range exceeds the matrix.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let head = Model::open("induction-2l")?.ov_all()?.at([1, 0])?;
    /// assert_eq!(head.columns(0..3)?.dims(), [64, 3]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn columns(&self, range: Range<usize>) -> Result<Self> {
        Self::new(&self.a, &part(&self.b, self.b.rank() - 1, &range, "columns")?)
    }

    /// Inserts a leading axis of size 1, so that stacks broadcast against each other.
    ///
    /// # Errors
    /// Fails when `axis` is larger than the number of leading axes.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let ov = Model::open("induction-2l")?.ov(0)?;
    /// assert_eq!(ov.unsqueeze(1)?.leading(), [4, 1]); // against the heads of another layer
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn unsqueeze(&self, axis: usize) -> Result<Self> {
        if axis > self.leading().len() {
            let (index, len) = (axis as i128, self.leading().len() + 1);
            return Err(CircuitsError::OutOfRange { axis: "the places of leading axes", index, len }.into());
        }
        Self::new(&self.a.unsqueeze(axis)?, &self.b.unsqueeze(axis)?)
    }

    /// Returns the first `k` rows and columns, or all if there are fewer, multiplied out, to see a part of the matrix.
    ///
    /// # Shapes
    /// `[.., k, k]`
    ///
    /// # Errors
    /// Fails when memory runs out.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let head = Model::open("induction-2l")?.ov_all()?.at([1, 0])?;
    /// assert_eq!(head.corner(3)?.dims(), [3, 3]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn corner(&self, k: usize) -> Result<Tensor> {
        let (rows, columns) = self.rows_and_columns();
        self.rows(0..k.min(rows))?.columns(0..k.min(columns))?.ab()
    }
}

fn part(factor: &Tensor, axis: usize, range: &Range<usize>, name: &'static str) -> Result<Tensor> {
    let len = factor.dim(axis)?;
    if range.start >= range.end || range.end > len {
        return Err(CircuitsError::Range { axis: name, range: range.clone(), len }.into());
    }
    Ok(factor.narrow(axis, range.start, range.len())?)
}
