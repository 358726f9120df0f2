//! [`FactoredMatrix`]: large matrices of low rank, kept as two factors.
//!
//! It corresponds to TransformerLens's `FactoredMatrix`:
//! <https://github.com/TransformerLensOrg/TransformerLens/blob/v3.5.1/transformer_lens/FactoredMatrix.py>.

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
/// A head maps what it reads to what it writes by `W_V W_O`, a `[d_model, d_model]` matrix of rank at most `d_head`
/// ([Elhage et al. 2021](https://transformer-circuits.pub/2021/framework/index.html)). From tokens to tokens this is
/// `W_E W_V W_O W_U`, `[d_vocab, d_vocab]`: too large to store. But its factors are small, and they are enough to
/// compute singular values, eigenvalues and the norm. Every operation keeps the smallest possible inner axis. The names
/// are TransformerLens's.
///
/// It is owned and cheap to clone. Singular values are computed once and shared by clones.
///
/// # Shapes
/// `A`: `[.., l, m]`, `B`: `[.., m, r]`, the matrix: `[.., l, r]`. The leading axes, such as `[layer, head]`, are equal
/// or 1 in both.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?;
/// let ov = model.ov_all()?; // every head's W_V W_O
/// assert_eq!((ov.dims(), ov.inner()), (vec![2, 4, 64, 64], 16)); // [layer, head, d_model, d_model]
/// let head = ov.at([1, 0])?;
/// assert_eq!(head.svd()?.s.dims(), [16]); // at most d_head
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
    /// Makes the matrices `A B` from their factors.
    ///
    /// # Errors
    /// Fails when the shapes of the factors do not match.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let (a, b) = (Tensor::ones((3, 1), DType::F32, &Device::Cpu)?, Tensor::ones((1, 3), DType::F32, &Device::Cpu)?);
    /// let ones = FactoredMatrix::new(a, b)?; // 3 by 3, of rank 1
    /// assert_eq!((ones.dims(), ones.inner()), (vec![3, 3], 1));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
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
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let head = Model::open("induction-2l")?.ov_all()?.at([1, 0])?;
    /// assert_eq!(head.a().dims(), [64, 16]); // W_V
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn a(&self) -> Tensor {
        self.a.clone()
    }

    /// The right factor.
    ///
    /// # Shapes
    /// `[.., m, r]`
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let head = Model::open("induction-2l")?.ov_all()?.at([1, 0])?;
    /// assert_eq!(head.b().dims(), [16, 64]); // W_O
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn b(&self) -> Tensor {
        self.b.clone()
    }

    /// The shape of the product: leading axes, rows, columns.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// assert_eq!(Model::open("induction-2l")?.ov_all()?.dims(), [2, 4, 64, 64]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn dims(&self) -> Vec<usize> {
        let last = self.b.rank() - 1;
        let mut dims = self.a.dims().to_vec();
        dims[last] = self.b.dims()[last];
        dims
    }

    /// The leading axes of the product's shape.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// assert_eq!(Model::open("induction-2l")?.ov_all()?.leading(), [2, 4]); // [layer, head]
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn leading(&self) -> Vec<usize> {
        self.a.dims()[..self.a.rank() - 2].to_vec()
    }

    /// The size of the axis between the factors, which bounds the rank.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// assert_eq!(Model::open("induction-2l")?.ov_all()?.inner(), 16); // d_head
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn inner(&self) -> usize {
        self.a.dims()[self.a.rank() - 1]
    }

    fn rows_and_columns(&self) -> (usize, usize) {
        let last = self.a.rank() - 1;
        (self.a.dims()[last - 1], self.b.dims()[last])
    }

    /// Returns the product `A B`, multiplied out.
    ///
    /// # Shapes
    /// `[.., l, r]`
    ///
    /// # Errors
    /// Fails when memory runs out.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let head = Model::open("induction-2l")?.ov_all()?.at([1, 0])?;
    /// assert_eq!(head.ab()?.dims(), [64, 64]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn ab(&self) -> Result<Tensor> {
        product(&self.a, &self.b)
    }

    /// Returns the product in the other order, `B A`.
    ///
    /// Its nonzero eigenvalues are those of `A B`.
    ///
    /// # Shapes
    /// `[.., m, m]`
    ///
    /// # Errors
    /// Fails when the matrix is not square.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let head = Model::open("induction-2l")?.ov_all()?.at([1, 0])?;
    /// assert_eq!(head.ba()?.dims(), [16, 16]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn ba(&self) -> Result<Tensor> {
        let (rows, columns) = self.rows_and_columns();
        if rows != columns {
            return Err(CircuitsError::NotSquare { shape: self.dims() }.into());
        }
        product(&self.b, &self.a)
    }

    /// Returns the transposed matrices, `B^T A^T`.
    ///
    /// # Errors
    /// Fails when memory runs out.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let head = Model::open("induction-2l")?.ov_all()?.at([1, 0])?;
    /// assert_eq!(head.t()?.a().dims(), [64, 16]); // W_O^T
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn t(&self) -> Result<Self> {
        Self::new(&turned(&self.b)?, &turned(&self.a)?)
    }
}

impl fmt::Debug for FactoredMatrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FactoredMatrix {:?} through {}", self.dims(), self.inner())
    }
}
