//! Singular values, eigenvalues and norms of factored matrices.

use super::FactoredMatrix;
use crate::{
    Result,
    circuits::{
        Eigenvalues,
        product::{matrices, turned},
        svd::{self, Svd},
    },
};
use candle_core::Tensor;
use faer::c64;
use ndarray::{ArrayD, IxDyn};
use rayon::prelude::*;

/// Singular values and eigenvalues, computed from the small factors.
impl FactoredMatrix {
    /// Returns the singular values and vectors, computed once from the small inner part of the factors.
    ///
    /// # Errors
    /// Fails when the factors are not finite.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let head = Model::open("induction-2l")?.ov_all()?.at([1, 0])?;
    /// let svd = head.svd()?;
    /// assert_eq!((svd.u.dims(), svd.s.dims(), svd.v.dims()), (&[64, 16][..], &[16][..], &[64, 16][..]));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias("U", "S", "Vh"))]
    pub fn svd(&self) -> Result<Svd> {
        if let Some(svd) = self.svd.get() {
            return Ok(svd.clone());
        }
        let svd = Svd::of_product(&self.a, &self.b)?;
        Ok(self.svd.get_or_init(|| svd).clone())
    }

    /// Returns the Frobenius norm, computed from the singular values.
    ///
    /// # Shapes
    /// `[..]`
    ///
    /// # Errors
    /// Fails when the factors are not finite.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let norms = Model::open("induction-2l")?.ov_all()?.norm()?;
    /// assert_eq!(norms.dims(), [2, 4]); // [layer, head]
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn norm(&self) -> Result<Tensor> {
        let s = self.svd()?.s;
        Ok(s.sqr()?.sum(s.rank() - 1)?.sqrt()?)
    }

    /// Returns the eigenvalues of `B A`, which are those of the matrix except for zeros.
    ///
    /// # Shapes
    /// `[.., m]`
    ///
    /// # Errors
    /// Fails when the matrix is not square or not finite.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let head = Model::open("induction-2l")?.ov_all()?.at([1, 0])?;
    /// assert_eq!(head.eigenvalues()?.re.len(), 16); // the other 48 are 0
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn eigenvalues(&self) -> Result<Eigenvalues> {
        let small = matrices(&self.ba()?)?;
        let values = small.par_iter().map(svd::eigenvalues).collect::<Result<Vec<_>>>()?.concat();
        let shape = [self.leading(), vec![self.inner()]].concat();
        let of = |part: fn(&c64) -> f32| ArrayD::from_shape_vec(IxDyn(&shape), values.iter().map(part).collect());
        Ok(Eigenvalues { re: of(|value| value.re as f32)?, im: of(|value| value.im as f32)? })
    }

    /// Returns the same matrices as `U sqrt(S)` times `sqrt(S) V^T`.
    ///
    /// Both factors then have the same singular values, and orthogonal columns or rows.
    ///
    /// # Errors
    /// Fails when the factors are not finite.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let head = Model::open("induction-2l")?.ov_all()?.at([1, 0])?;
    /// let even = head.make_even()?;
    /// let difference = (even.ab()? - head.ab()?)?.abs()?.max_all()?.to_scalar::<f32>()?;
    /// assert!(difference < 1e-4); // the same matrix
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn make_even(&self) -> Result<Self> {
        let Svd { u, s, v } = self.svd()?;
        let root = s.sqrt()?;
        Self::new(&scaled_columns(&u, &root)?, &turned(&scaled_columns(&v, &root)?)?)
    }

    /// Returns `S V^T`: the matrix without its orthogonal left factor, which does not change norms of products.
    ///
    /// # Shapes
    /// `[.., k, r]`
    ///
    /// # Errors
    /// Fails when the factors are not finite.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let head = Model::open("induction-2l")?.ov_all()?.at([1, 0])?;
    /// assert_eq!(head.collapse_l()?.dims(), [16, 64]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn collapse_l(&self) -> Result<Tensor> {
        let Svd { s, v, .. } = self.svd()?;
        turned(&scaled_columns(&v, &s)?)
    }

    /// Returns `U S`: the matrix without its orthogonal right factor.
    ///
    /// # Shapes
    /// `[.., l, k]`
    ///
    /// # Errors
    /// Fails when the factors are not finite.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let head = Model::open("induction-2l")?.ov_all()?.at([1, 0])?;
    /// assert_eq!(head.collapse_r()?.dims(), [64, 16]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn collapse_r(&self) -> Result<Tensor> {
        let Svd { u, s, .. } = self.svd()?;
        scaled_columns(&u, &s)
    }
}

fn scaled_columns(matrix: &Tensor, by: &Tensor) -> Result<Tensor> {
    Ok(matrix.broadcast_mul(&by.unsqueeze(by.rank() - 1)?)?)
}
