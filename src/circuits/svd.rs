//! [`Svd`]: singular values and vectors, computed in double precision.

use super::product::matrices;
use crate::{
    Result,
    error::CircuitsError,
    order::falling,
    tensor::{from_values, vector},
};
use candle_core::{DType, Tensor};
use faer::{Mat, MatRef, c64};
use rayon::prelude::*;

/// Singular values and vectors: `U diag(S) V^T`.
///
/// Each pair of vectors is unique up to its sign. Here the entry of `V`'s column with the largest absolute value is
/// positive.
///
/// # Shapes
/// For a matrix `[.., l, r]` with factors of inner size `m`: `k` values, at most as many as `l`, `m` and `r`.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let embed = Model::open("induction-2l")?.weights().w_e()?;
/// let parts = svd(&embed)?; // u diag(s) v^T
/// let again = parts.u.broadcast_mul(&parts.s)?.matmul(&parts.v.t()?)?;
/// assert!((again - embed)?.abs()?.max_all()?.to_scalar::<f32>()? < 1e-4);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Svd {
    /// The left singular vectors: the matrix's output when it multiplies columns, its input when it multiplies rows.
    ///
    /// # Shapes
    /// `[.., l, k]`, orthonormal columns
    pub u: Tensor,
    /// The singular values, largest first.
    ///
    /// # Shapes
    /// `[.., k]`
    pub s: Tensor,
    /// The right singular vectors: the matrix's output when it multiplies rows.
    ///
    /// # Shapes
    /// `[.., r, k]`, orthonormal columns
    pub v: Tensor,
}

/// Returns the singular value decomposition `u s v^T` of a matrix of your own, with the parts `.u`, `.s` and `.v`.
///
/// # Shapes
/// `matrix`: `[l, r]`
///
/// # Errors
/// Fails when the tensor is not a matrix, or contains NaN.
///
/// # Examples
/// The first principal component of the embedding:
/// ```
/// use glassbox::prelude::*;
/// let embed = Model::open("induction-2l")?.weights().w_e()?;
/// let parts = svd(embed.broadcast_sub(&embed.mean_keepdim(0)?)?)?;
/// let scores = (parts.u.i((.., 0))? * parts.s.i(0)?.to_scalar::<f32>()? as f64)?; // [d_vocab]
/// assert_eq!((scores.dims(), parts.v.dims()), ([embed.dims()[0]].as_slice(), [64, 64].as_slice()));
/// # Ok::<(), glassbox::Error>(())
/// ```
#[doc(alias("pca", "torch.linalg.svd"))]
pub fn svd(matrix: impl std::borrow::Borrow<Tensor>) -> Result<Svd> {
    let matrix = matrix.borrow();
    match matrix.dims() {
        [_, _] => Svd::of_matrix(matrix),
        got => Err(CircuitsError::NoMatrix { got: got.to_vec() }.into()),
    }
}

impl Svd {
    /// Returns the decomposition of products of two stacks of factors with equal leading axes. Only the inner part is
    /// decomposed, which is no larger than the inner axis.
    ///
    /// # Shapes
    /// `a`: `[.., l, m]`, `b`: `[.., m, r]`.
    pub(super) fn of_product(a: &Tensor, b: &Tensor) -> Result<Self> {
        let pairs: Vec<(Tensor, Tensor)> = matrices(a)?.into_iter().zip(matrices(b)?).collect();
        let parts = pairs.par_iter().map(|(a, b)| One::of_product(&wide(a)?, &wide(b)?));
        Self::stacked(parts.collect::<Result<Vec<_>>>()?, &a.dims()[..a.rank() - 2])
    }

    /// Returns the decomposition of one matrix, `[l, r]`.
    pub(super) fn of_matrix(matrix: &Tensor) -> Result<Self> {
        Self::stacked(vec![One::of(wide(matrix)?.as_ref())?], &[])
    }

    fn stacked(parts: Vec<One>, leading: &[usize]) -> Result<Self> {
        let stack = |part: &dyn Fn(&One) -> Result<Tensor>| -> Result<Tensor> {
            let parts = Tensor::stack(&parts.iter().map(part).collect::<Result<Vec<_>>>()?, 0)?;
            let shape = [leading, &parts.dims()[1..]].concat();
            Ok(parts.reshape(shape)?)
        };
        Ok(Self {
            u: stack(&|one| narrow(&one.u))?,
            s: stack(&|one| Ok(vector(one.s.iter().map(|&s| s as f32).collect::<Vec<_>>())?))?,
            v: stack(&|one| narrow(&one.v))?,
        })
    }
}

/// The decomposition of one matrix.
struct One {
    u: Mat<f64>,
    s: Vec<f64>,
    v: Mat<f64>,
}

impl One {
    fn of_product(a: &Mat<f64>, b: &Mat<f64>) -> Result<Self> {
        let (left, right) = (a.qr(), b.transpose().qr());
        let middle = Self::of((left.thin_R() * right.thin_R().transpose()).as_ref())?;
        let (u, v) = (left.compute_thin_Q() * &middle.u, right.compute_thin_Q() * &middle.v);
        Ok(Self { u, v, ..middle }.signed())
    }

    fn of(matrix: MatRef<'_, f64>) -> Result<Self> {
        check(matrix, "singular values")?;
        let svd = matrix.thin_svd().map_err(|_| diverged("singular values"))?;
        let s = svd.S().column_vector().iter().copied().collect();
        Ok(Self { u: svd.U().to_owned(), s, v: svd.V().to_owned() }.signed())
    }

    /// Chooses the signs that [`Svd`] documents.
    fn signed(mut self) -> Self {
        for column in 0..self.s.len() {
            let largest =
                self.v.col(column).iter().copied().fold(0.0, |a: f64, b| if b.abs() > a.abs() { b } else { a });
            if largest < 0.0 {
                self.u.col_mut(column).iter_mut().for_each(|value| *value = -*value);
                self.v.col_mut(column).iter_mut().for_each(|value| *value = -*value);
            }
        }
        self
    }
}

/// Returns the eigenvalues of one square matrix, largest first. Of a conjugate pair, the one above the real axis comes
/// first.
pub(super) fn eigenvalues(matrix: &Tensor) -> Result<Vec<c64>> {
    let matrix = wide(matrix)?;
    check(matrix.as_ref(), "eigenvalues")?;
    let mut values = matrix.eigenvalues().map_err(|_| diverged("eigenvalues"))?;
    let size = |value: &c64| value.re.hypot(value.im);
    values.sort_by(|a, b| falling(size(a), size(b)).then(falling(a.im, b.im)));
    Ok(values)
}

fn diverged(what: &'static str) -> crate::Error {
    CircuitsError::Diverged { what, why: "the iteration does not converge" }.into()
}

fn check(matrix: MatRef<'_, f64>, what: &'static str) -> Result<()> {
    let finite = (0..matrix.ncols()).all(|column| matrix.col(column).iter().all(|value| value.is_finite()));
    if finite { Ok(()) } else { Err(CircuitsError::Diverged { what, why: "it holds NaN or infinities" }.into()) }
}

fn wide(matrix: &Tensor) -> Result<Mat<f64>> {
    let (rows, columns) = matrix.dims2()?;
    let values = matrix.to_dtype(DType::F64)?.contiguous()?.flatten_all()?.to_vec1::<f64>()?;
    Ok(MatRef::from_row_major_slice(&values, rows, columns).to_owned())
}

fn narrow(matrix: &Mat<f64>) -> Result<Tensor> {
    let (rows, columns) = (matrix.nrows(), matrix.ncols());
    let values: Vec<f32> =
        (0..rows).flat_map(|row| (0..columns).map(move |column| matrix[(row, column)] as f32)).collect();
    Ok(from_values(values, (rows, columns))?)
}
