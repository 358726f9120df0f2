//! [`FactoredMatrix`]: large matrices of low rank, never multiplied out.

mod products;
mod slices;
mod spectrum;

use super::{
    Svd,
    product::{product, shared, turned},
};
use crate::{Result, error::CircuitsError};
use candle_core::{DType, Tensor};
pub use products::Operand;
use std::{
    borrow::Borrow,
    fmt,
    sync::{Arc, OnceLock},
};

/// A stack of matrices `A B`, each kept as its two factors.
///
/// What a head writes for what it reads is `W_V W_O`, a matrix of `[d_model, d_model]` that has rank `d_head` at most
/// (Elhage et al. 2021, *A Mathematical Framework for Transformer Circuits*). Between tokens it is
/// `W_E W_V W_O W_U`, `[d_vocab, d_vocab]`: too large to write down, but its factors are small, and singular values,
/// eigenvalues and norm are found from them. Every operation keeps the smaller inner axis it can have. The names are
/// TransformerLens's.
///
/// Owned and cheap to clone; singular values are found once and shared by clones.
///
/// # Shapes
/// `A`: `[.., l, m]`, `B`: `[.., m, r]`, the matrix: `[.., l, r]`. Leading axes, such as `[layer, head]`, are equal or 1
/// in both.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?;
/// let ov = model.ov_all()?; // every head's W_V W_O
/// assert_eq!((ov.dims(), ov.inner()), (vec![2, 4, 64, 64], 16)); // [layer, head, d_model, d_model]
/// let head = ov.at([1, 0])?;
/// assert_eq!(head.svd()?.s.dims(), [16]); // no more than d_head
/// let twice = head.matmul(&head)?; // still factored
/// assert_eq!(twice.inner(), 16);
/// assert!(twice.norm()?.to_scalar::<f32>()? <= head.norm()?.to_scalar::<f32>()?.powi(2));
/// # Ok::<(), glassbox::Error>(())
/// ```
#[doc(alias = "AB")]
#[derive(Clone)]
pub struct FactoredMatrix {
    a: Tensor,
    b: Tensor,
    svd: Arc<OnceLock<Svd>>,
}

impl FactoredMatrix {
    /// The matrices `A B`.
    ///
    /// # Errors
    /// When the factors do not fit together.
    pub fn new(a: impl Borrow<Tensor>, b: impl Borrow<Tensor>) -> Result<Self> {
        let b = b.borrow();
        let a = a.borrow();
        let misfit = || CircuitsError::Factors { a: a.dims().to_vec(), b: b.dims().to_vec() };
        let ([lead_a @ .., l, m], [lead_b @ .., m_b, r]) = (a.dims(), b.dims()) else { return Err(misfit().into()) };
        let leading = shared(lead_a, lead_b).filter(|_| m == m_b).ok_or_else(misfit)?;
        let over = |t: &Tensor, last: [usize; 2]| t.to_dtype(DType::F32)?.broadcast_as([&leading[..], &last].concat());
        Ok(Self { a: over(a, [*l, *m])?, b: over(b, [*m, *r])?, svd: Arc::default() })
    }

    /// The left factor.
    ///
    /// # Shapes
    /// `[.., l, m]`
    pub fn a(&self) -> Tensor {
        self.a.clone()
    }

    /// The right factor.
    ///
    /// # Shapes
    /// `[.., m, r]`
    pub fn b(&self) -> Tensor {
        self.b.clone()
    }

    /// The shape of the product: leading axes, rows, columns.
    pub fn dims(&self) -> Vec<usize> {
        let last = self.b.rank() - 1;
        let mut dims = self.a.dims().to_vec();
        dims[last] = self.b.dims()[last];
        dims
    }

    /// The leading axes of the shape.
    pub fn leading(&self) -> Vec<usize> {
        self.a.dims()[..self.a.rank() - 2].to_vec()
    }

    /// The size of the axis between the factors, which bounds the rank.
    pub fn inner(&self) -> usize {
        self.a.dims()[self.a.rank() - 1]
    }

    fn rows_and_columns(&self) -> (usize, usize) {
        let last = self.a.rank() - 1;
        (self.a.dims()[last - 1], self.b.dims()[last])
    }

    /// The product `A B`, multiplied out: as large as it looks.
    ///
    /// # Shapes
    /// `[.., l, r]`
    ///
    /// # Errors
    /// When the tensor library refuses.
    pub fn ab(&self) -> Result<Tensor> {
        product(&self.a, &self.b)
    }

    /// The product the other way round, whose eigenvalues other than 0 are those of `A B`.
    ///
    /// # Shapes
    /// `[.., m, m]`
    ///
    /// # Errors
    /// When the matrix is not square.
    pub fn ba(&self) -> Result<Tensor> {
        let (rows, columns) = self.rows_and_columns();
        if rows != columns {
            return Err(CircuitsError::NotSquare { shape: self.dims() }.into());
        }
        product(&self.b, &self.a)
    }

    /// The transposed matrices, `B^T A^T`.
    ///
    /// # Errors
    /// When the tensor library refuses.
    pub fn t(&self) -> Result<Self> {
        Self::new(&turned(&self.b)?, &turned(&self.a)?)
    }
}

impl fmt::Debug for FactoredMatrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FactoredMatrix {:?} through {}", self.dims(), self.inner())
    }
}
