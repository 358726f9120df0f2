//! From tensors to `ndarray`'s arrays, in which every reading of several axes is handed out.

use crate::Result;
use candle_core::Tensor;
use ndarray::{Array, ArrayD, Dimension, IxDyn};

/// The numbers of a tensor of float32 as an array with as many axes.
///
/// # Errors
/// When the tensor holds no float32, or has another number of axes than the array.
pub(crate) fn array<D: Dimension>(x: &Tensor) -> Result<Array<f32, D>> {
    let values = x.flatten_all()?.to_vec1()?;
    Ok(ArrayD::from_shape_vec(IxDyn(x.dims()), values)?.into_dimensionality()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;
    use ndarray::{Array2, Array3, array};

    #[test]
    fn a_tensor_of_any_layout_is_an_array_of_its_shape_and_of_no_other() {
        let x = Tensor::new(&[[1f32, 2.0, 3.0], [4.0, 5.0, 6.0]], &Device::Cpu).unwrap();
        let turned: Array2<f32> = super::array(&x.t().unwrap()).unwrap();
        assert_eq!(turned, array![[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]);
        let error = super::array(&x).map(|_: Array3<f32>| ()).unwrap_err().to_string();
        assert_eq!(error, "the numbers do not fill an array of this shape");
        let scalar: ArrayD<f32> = super::array(&x.sum_all().unwrap()).unwrap();
        assert_eq!(scalar.sum(), 21.0);
    }
}
