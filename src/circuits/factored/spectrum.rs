//! What singular values and eigenvalues say.

use super::FactoredMatrix;
use crate::{
    Result,
    circuits::{
        Eigenvalues,
        product::{matrices, stacked, turned},
        svd::{self, Svd},
    },
};
use candle_core::Tensor;
use rayon::prelude::*;

/// Singular values and eigenvalues, found from the small factors.
impl FactoredMatrix {
    /// Singular values and vectors, from those of the small middle of the factors. Found once.
    ///
    /// # Errors
    /// When the factors are not finite.
    #[doc(alias("U", "S", "Vh"))]
    pub fn svd(&self) -> Result<Svd> {
        if let Some(svd) = self.svd.get() {
            return Ok(svd.clone());
        }
        let svd = Svd::of_product(&self.a, &self.b)?;
        Ok(self.svd.get_or_init(|| svd).clone())
    }

    /// The Frobenius norm, from the singular values.
    ///
    /// # Shapes
    /// `[..]`
    ///
    /// # Errors
    /// When the factors are not finite.
    pub fn norm(&self) -> Result<Tensor> {
        let s = self.svd()?.s;
        Ok(s.sqr()?.sum(s.rank() - 1)?.sqrt()?)
    }

    /// The eigenvalues of `B A`: those of the matrix, apart from zeros.
    ///
    /// # Shapes
    /// `[.., m]`
    ///
    /// # Errors
    /// When the matrix is not square or not finite.
    pub fn eigenvalues(&self) -> Result<Eigenvalues> {
        let small = matrices(&self.ba()?)?;
        let values = small.par_iter().map(svd::eigenvalues).collect::<Result<Vec<_>>>()?.concat();
        let shape = [self.leading(), vec![self.inner()]].concat();
        let re = stacked(shape.clone(), values.iter().map(|value| value.re as f32).collect())?;
        Ok(Eigenvalues { re, im: stacked(shape, values.iter().map(|value| value.im as f32).collect())? })
    }

    /// The same matrices as `U sqrt(S)` times `sqrt(S) V^T`: each factor has half of the singular values, and columns
    /// or rows at right angles.
    ///
    /// # Errors
    /// When the factors are not finite.
    pub fn make_even(&self) -> Result<Self> {
        let Svd { u, s, v } = self.svd()?;
        let root = s.sqrt()?;
        Self::new(&scaled_columns(&u, &root)?, &turned(&scaled_columns(&v, &root)?)?)
    }

    /// `S V^T`: the matrix without its orthogonal left factor, which changes no norm of what stands to its left.
    ///
    /// # Shapes
    /// `[.., k, r]`, of as many singular values
    ///
    /// # Errors
    /// When the factors are not finite.
    pub fn collapse_l(&self) -> Result<Tensor> {
        let Svd { s, v, .. } = self.svd()?;
        turned(&scaled_columns(&v, &s)?)
    }

    /// `U S`: the matrix without its orthogonal right factor.
    ///
    /// # Shapes
    /// `[.., l, k]`, of as many singular values
    ///
    /// # Errors
    /// When the factors are not finite.
    pub fn collapse_r(&self) -> Result<Tensor> {
        let Svd { u, s, .. } = self.svd()?;
        scaled_columns(&u, &s)
    }
}

fn scaled_columns(matrix: &Tensor, by: &Tensor) -> Result<Tensor> {
    Ok(matrix.broadcast_mul(&by.unsqueeze(by.rank() - 1)?)?)
}
