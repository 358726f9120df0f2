//! [`Eigenvalues`]: what stays in its direction.

use crate::{
    Result,
    plot::{Figure, Scatter},
};
use ndarray::{ArrayD, Axis};

/// The eigenvalues of a stack of matrices, which may be complex.
///
/// Of the circuit from tokens to tokens, a positive eigenvalue means that a mixture of tokens makes itself likelier:
/// copying. A negative one makes itself unlikelier, and a pair beside the real axis turns one into another (Elhage et
/// al. 2021).
///
/// # Shapes
/// `[.., m]`: by size, the largest first.
///
/// # Examples
/// ```
/// use candle_core::Tensor;
/// use glassbox::circuits::FactoredMatrix;
/// # use glassbox::candle_core;
/// let turn = Tensor::new(&[[0f32, -2.0], [2.0, 0.0]], &candle_core::Device::Cpu)?;
/// let identity = Tensor::eye(2, candle_core::DType::F32, &candle_core::Device::Cpu)?;
/// let values = FactoredMatrix::new(&turn, &identity)?.eigenvalues()?;
/// assert!((values.im[[0]] - 2.0).abs() < 1e-6 && (values.im[[1]] + 2.0).abs() < 1e-6); // ±2i
/// assert!(values.positive_share()[[]].abs() < 1e-6);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Eigenvalues {
    /// Real parts.
    pub re: ArrayD<f32>,
    /// Imaginary parts.
    pub im: ArrayD<f32>,
}

impl Eigenvalues {
    /// How positive they are as a whole: the sum over the sum of sizes, 1 when all are positive, -1 when all are
    /// negative. The imaginary parts of a real matrix cancel. 0 where all are 0.
    ///
    /// # Shapes
    /// `[..]`: one for each matrix.
    pub fn positive_share(&self) -> ArrayD<f32> {
        let last = Axis(self.re.ndim().saturating_sub(1));
        let (sum, sizes) = (self.re.sum_axis(last), self.sizes().sum_axis(last));
        ndarray::Zip::from(&sum).and(&sizes).map_collect(|&sum, &sizes| if sizes == 0.0 { 0.0 } else { sum / sizes })
    }

    /// Their distances from 0.
    ///
    /// # Shapes
    /// `[.., m]`, as the parts.
    pub fn sizes(&self) -> ArrayD<f32> {
        ndarray::Zip::from(&self.re).and(&self.im).map_collect(|re, im| re.hypot(*im))
    }

    /// The eigenvalues in the complex plane; those of several matrices together.
    ///
    /// # Errors
    /// When there are none.
    pub fn figure(&self) -> Result<Figure> {
        let name = |at: ndarray::IxDyn| {
            let at: Vec<String> = ndarray::Dimension::slice(&at).iter().map(usize::to_string).collect();
            format!("λ{}", at.join(","))
        };
        let points = self.re.indexed_iter().zip(&self.im).map(|((at, &re), &im)| (name(at), re, im));
        Scatter::new(points).title("Eigenvalues").x("real part").y("imaginary part").named(0).to_scale().draw()
    }
}

shown! {
    /// Shows them in a notebook.
    Eigenvalues: figure
}
