//! The nonlinearities of MLPs.

use super::{
    exp::{exp, sigmoid},
    slice::{contiguous, for_rows},
};
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor, cpu::erf::erf_f32};
use pulp::Arch;
use std::fmt;

/// The nonlinearity between an MLP's two layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Activation {
    /// max(x, 0).
    Relu,
    /// x Φ(x), with the exact normal distribution function (Hendrycks & Gimpel 2016).
    Gelu,
    /// The tanh form of gelu, GPT-2's `gelu_new` (also called `gelu_pytorch_tanh`, `gelu_fast`).
    GeluNew,
    /// x / (1 + e^-x), also called swish.
    Silu,
}

const SQRT_2_OVER_PI: f32 = 0.797_884_6;
const CUBIC: f32 = 0.044_715;

impl Activation {
    /// The name that Hugging Face configurations use, or `None` when this crate does not know it.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "relu" => Self::Relu,
            "gelu" | "gelu_python" => Self::Gelu,
            "gelu_new" | "gelu_pytorch_tanh" | "gelu_fast" => Self::GeluNew,
            "silu" | "swish" => Self::Silu,
            _ => return None,
        })
    }

    /// Applies the nonlinearity to every element.
    ///
    /// # Errors
    /// When the tensor is not float32 on the CPU.
    pub fn apply(self, x: &Tensor) -> crate::Result<Tensor> {
        Ok(x.contiguous()?.apply_op1(self)?)
    }

    #[inline(always)]
    fn value(self, x: f32) -> f32 {
        match self {
            Self::Relu => x.max(0.0),
            Self::Gelu => 0.5 * x * (1.0 + erf_f32(x * std::f32::consts::FRAC_1_SQRT_2)),
            // 0.5 (1 + tanh u) is the sigmoid of 2u.
            Self::GeluNew => x * sigmoid(2.0 * SQRT_2_OVER_PI * (x + CUBIC * x * x * x)),
            Self::Silu => x * sigmoid(x),
        }
    }

    #[inline(always)]
    fn slope(self, x: f32) -> f32 {
        match self {
            Self::Relu => f32::from(x > 0.0),
            Self::Gelu => {
                let density = exp(-0.5 * x * x) * 0.398_942_3;
                0.5 * (1.0 + erf_f32(x * std::f32::consts::FRAC_1_SQRT_2)) + x * density
            }
            Self::GeluNew => {
                let s = sigmoid(2.0 * SQRT_2_OVER_PI * (x + CUBIC * x * x * x));
                s + x * s * (1.0 - s) * 2.0 * SQRT_2_OVER_PI * (1.0 + 3.0 * CUBIC * x * x)
            }
            Self::Silu => {
                let s = sigmoid(x);
                s * (1.0 + x * (1.0 - s))
            }
        }
    }
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Relu => "relu",
            Self::Gelu => "gelu",
            Self::GeluNew => "gelu_new",
            Self::Silu => "silu",
        })
    }
}

/// Elements that one task takes.
const BLOCK: usize = 4096;

/// Runs the body with the activation as a constant, so that each variant compiles to its own vector loop.
macro_rules! specialise {
    ($of:expr, |$activation:ident| $body:expr) => {
        specialise!($of, $activation, $body, Relu Gelu GeluNew Silu)
    };
    ($of:expr, $activation:ident, $body:expr, $($variant:ident)*) => {
        match $of {
            $(Activation::$variant => {
                let $activation = Activation::$variant;
                $body
            })*
        }
    };
}

impl CustomOp1 for Activation {
    fn name(&self) -> &'static str {
        "activation"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = contiguous(storage, layout)?;
        let mut out = vec![0.0; x.len()];
        let arch = Arch::new();
        for_rows(&mut out, BLOCK, |block, out| {
            let x = &x[block * BLOCK..][..out.len()];
            arch.dispatch(
                #[inline(always)]
                || {
                    specialise!(*self, |activation| {
                        for (out, &x) in out.iter_mut().zip(x) {
                            *out = activation.value(x);
                        }
                    });
                },
            );
        });
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        x.apply_op2_no_bwd(&grad.contiguous()?, &Slope(*self)).map(Some)
    }
}

/// The activation's derivative at `x` times the incoming gradient.
struct Slope(Activation);

impl CustomOp2 for Slope {
    fn name(&self) -> &'static str {
        "activation gradient"
    }

    fn cpu_fwd(&self, x: &CpuStorage, lx: &Layout, grad: &CpuStorage, lg: &Layout) -> Result<(CpuStorage, Shape)> {
        let (x, grad) = (contiguous(x, lx)?, contiguous(grad, lg)?);
        let mut out = grad.to_vec();
        let arch = Arch::new();
        for_rows(&mut out, BLOCK, |block, out| {
            let x = &x[block * BLOCK..][..out.len()];
            arch.dispatch(
                #[inline(always)]
                || {
                    specialise!(self.0, |activation| {
                        for (out, &x) in out.iter_mut().zip(x) {
                            *out *= activation.slope(x);
                        }
                    });
                },
            );
        });
        Ok((CpuStorage::F32(out), lx.shape().clone()))
    }
}
