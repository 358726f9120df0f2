//! The sum of two tensors, which the residual stream needs often.

use super::{rows::each_pair, slice::contiguous};
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};

/// `a + b`, both of one shape. candle's own addition starts threads that then wait beside those of the matrix products
/// and take their cores.
pub(crate) fn add(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    a.contiguous()?.apply_op2(&b.contiguous()?, Add)
}

struct Add;

impl CustomOp2 for Add {
    fn name(&self) -> &'static str {
        "add"
    }

    fn cpu_fwd(&self, a: &CpuStorage, la: &Layout, b: &CpuStorage, lb: &Layout) -> Result<(CpuStorage, Shape)> {
        if la.dims() != lb.dims() {
            bail!("{:?} cannot be added to {:?}", lb.dims(), la.dims())
        }
        let (a, b) = (contiguous(a, la)?, contiguous(b, lb)?);
        let out = each_pair(
            a,
            b,
            #[inline(always)]
            |a, b| a + b,
        );
        Ok((CpuStorage::F32(out), la.shape().clone()))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, _: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        Ok((Some(grad.clone()), Some(grad.clone())))
    }
}
