//! [`Eigenvalues`]: complex eigenvalues of matrices such as a head's OV circuit, and their plot.

use crate::{
    Result,
    plot::{Figure, Scatter},
};
use ndarray::{ArrayD, Axis};

/// The eigenvalues of a stack of matrices, which may be complex.
///
/// In a head's circuit from tokens to tokens, an eigenvector is a mixture of tokens. If its eigenvalue is positive,
/// attending to the mixture raises the mixture's own logits: the head copies. A negative eigenvalue lowers them, and a
/// pair of complex eigenvalues turns one mixture into another ([Elhage et al.
/// 2021](https://transformer-circuits.pub/2021/framework/index.html)).
///
/// # Shapes
/// `[.., m]`, sorted by absolute value, largest first
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
    /// The sum of the eigenvalues divided by the sum of their absolute values: 1 if all are positive, -1 if all are
    /// negative.
    ///
    /// The imaginary parts of a real matrix cancel. 0 if all eigenvalues are 0.
    ///
    /// # Shapes
    /// `[..]`: one for each matrix
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let values = Model::open("induction-2l")?.ov_all()?.eigenvalues()?;
    /// assert_eq!(values.positive_share().shape(), [2, 4]); // one number for each head
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn positive_share(&self) -> ArrayD<f32> {
        let last = Axis(self.re.ndim().saturating_sub(1));
        let (sum, sizes) = (self.re.sum_axis(last), self.sizes().sum_axis(last));
        ndarray::Zip::from(&sum).and(&sizes).map_collect(|&sum, &sizes| if sizes == 0.0 { 0.0 } else { sum / sizes })
    }

    /// The absolute values of the eigenvalues.
    ///
    /// # Shapes
    /// `[.., m]`
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let sizes = Model::open("induction-2l")?.ov_all()?.eigenvalues()?.sizes();
    /// assert!(sizes[[1, 0, 0]] >= sizes[[1, 0, 1]]); // largest first
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn sizes(&self) -> ArrayD<f32> {
        ndarray::Zip::from(&self.re).and(&self.im).map_collect(|re, im| re.hypot(*im))
    }

    /// Draws the eigenvalues in the complex plane, those of several matrices together.
    ///
    /// # Errors
    /// Fails when there are none.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let head = Model::open("induction-2l")?.ov_all()?.at([1, 0])?;
    /// assert!(head.eigenvalues()?.figure()?.to_svg().contains("<circle"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
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
    /// Shows the eigenvalues in a notebook.
    Eigenvalues: figure
}
