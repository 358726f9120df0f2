//! The nonlinearities of MLPs. To add one, add a variant to [`Activation`] and follow the compiler's errors.

use super::{
    exp::{exp, sigmoid},
    rows::{each, each_pair},
    slice::contiguous,
    softmax::softmax,
};
use crate::error::need_f32;
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor, cpu::erf::erf_f32};
use std::fmt;

/// The nonlinearity between the two layers of an MLP.
///
/// # Examples
/// ```
/// use glassbox::{Activation, candle_core::{Device, Tensor}};
/// let x = Tensor::new(&[-1f32, 2.0], &Device::Cpu)?;
/// assert_eq!(Activation::Relu.apply(&x)?.to_vec1::<f32>()?, [0.0, 2.0]);
/// assert_eq!(Activation::from_name("gelu_new"), Some(Activation::GeluNew));
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Activation {
    /// max(x, 0).
    Relu,
    /// x Φ(x), with the exact normal distribution function (Hendrycks & Gimpel 2016,
    /// [arXiv:1606.08415](https://arxiv.org/abs/1606.08415)).
    Gelu,
    /// The tanh approximation of gelu: GPT-2's `gelu_new` (also called `gelu_pytorch_tanh`, `gelu_fast`).
    GeluNew,
    /// x / (1 + e^-x), also called swish.
    Silu,
    /// x / (1 + e^-1.702x), a cheap approximation of gelu.
    QuickGelu,
    /// max(x, 0)^2 (So et al. 2021, [arXiv:2109.08668](https://arxiv.org/abs/2109.08668)).
    Relu2,
    /// x softmax(x) over the neurons (Elhage et al. 2022, [Softmax Linear
    /// Units](https://transformer-circuits.pub/2022/solu/index.html)).
    Solu,
    /// [`Activation::Solu`], followed by a LayerNorm over the neurons.
    SoluLn,
}

/// An [`Activation`] that acts on each number by itself.
#[derive(Clone, Copy)]
enum Curve {
    Relu,
    Gelu,
    GeluNew,
    Silu,
    QuickGelu,
    Relu2,
}

const SQRT_2_OVER_PI: f32 = 0.797_884_6;
const CUBIC: f32 = 0.044_715;
const QUICK: f32 = 1.702;

impl Activation {
    /// The end of the error about an unknown name.
    pub(crate) const KNOWN: &str = "it supports relu, relu2, gelu, gelu_new, quick_gelu, silu, solu and solu_ln";

    /// Finds an activation by its name in Hugging Face configurations; `None` if this crate does not know the name.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "relu" => Self::Relu,
            "gelu" | "gelu_python" => Self::Gelu,
            "gelu_new" | "gelu_pytorch_tanh" | "gelu_fast" => Self::GeluNew,
            "silu" | "swish" => Self::Silu,
            "quick_gelu" => Self::QuickGelu,
            "relu2" | "relu_squared" => Self::Relu2,
            "solu" => Self::Solu,
            "solu_ln" => Self::SoluLn,
            _ => return None,
        })
    }

    /// Whether a LayerNorm over the neurons follows the nonlinearity.
    pub fn has_norm(self) -> bool {
        self == Self::SoluLn
    }

    fn curve(self) -> Option<Curve> {
        Some(match self {
            Self::Relu => Curve::Relu,
            Self::Gelu => Curve::Gelu,
            Self::GeluNew => Curve::GeluNew,
            Self::Silu => Curve::Silu,
            Self::QuickGelu => Curve::QuickGelu,
            Self::Relu2 => Curve::Relu2,
            Self::Solu | Self::SoluLn => return None,
        })
    }

    /// Applies the nonlinearity to every element. For [`SoluLn`](Self::SoluLn), the LayerNorm that follows is not
    /// applied.
    ///
    /// # Shapes
    /// `[.., d_mlp]` in and out. SoLU's softmax runs over the last axis.
    ///
    /// # Errors
    /// When the tensor is not float32 on the CPU.
    pub fn apply(self, x: &Tensor) -> crate::Result<Tensor> {
        need_f32(|| format!("the input of {self}"), x)?;
        match self.curve() {
            Some(curve) => Ok(x.contiguous()?.apply_op1(curve)?),
            None => Ok((x * softmax(x)?)?),
        }
    }
}

/// max(x, 0), or NaN for NaN.
#[inline(always)]
fn positive(x: f32) -> f32 {
    if x <= 0.0 { 0.0 } else { x }
}

impl Curve {
    #[inline(always)]
    fn value(self, x: f32) -> f32 {
        match self {
            Self::Relu => positive(x),
            Self::Gelu => 0.5 * x * (1.0 + erf_f32(x * std::f32::consts::FRAC_1_SQRT_2)),
            // 0.5 (1 + tanh u) is the sigmoid of 2u.
            Self::GeluNew => x * sigmoid(2.0 * SQRT_2_OVER_PI * (x + CUBIC * x * x * x)),
            Self::Silu => x * sigmoid(x),
            Self::QuickGelu => x * sigmoid(QUICK * x),
            Self::Relu2 => positive(x) * positive(x),
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
            Self::QuickGelu => {
                let s = sigmoid(QUICK * x);
                s * (1.0 + QUICK * x * (1.0 - s))
            }
            Self::Relu2 => 2.0 * positive(x),
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
            Self::QuickGelu => "quick_gelu",
            Self::Relu2 => "relu2",
            Self::Solu => "solu",
            Self::SoluLn => "solu_ln",
        })
    }
}

/// Runs the body with the curve as a constant, so that each variant compiles to its own vector loop. A variable
/// captured by a closure would not be a constant, because threads get it through memory.
macro_rules! specialise {
    ($of:expr, |$curve:ident| $body:expr) => {
        specialise!($of, $curve, $body, Relu Gelu GeluNew Silu QuickGelu Relu2)
    };
    ($of:expr, $curve:ident, $body:expr, $($variant:ident)*) => {
        match $of {
            $(Curve::$variant => {
                const $curve: Curve = Curve::$variant;
                $body
            })*
        }
    };
}

impl CustomOp1 for Curve {
    fn name(&self) -> &'static str {
        "activation"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = contiguous(storage, layout)?;
        let out = specialise!(*self, |CURVE| each(
            x,
            #[inline(always)]
            |x| CURVE.value(x)
        ));
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        x.apply_op2_no_bwd(&grad.contiguous()?, &Slope(*self)).map(Some)
    }
}

/// The derivative of the activation at `x`, times the incoming gradient.
struct Slope(Curve);

impl CustomOp2 for Slope {
    fn name(&self) -> &'static str {
        "activation gradient"
    }

    fn cpu_fwd(&self, x: &CpuStorage, lx: &Layout, grad: &CpuStorage, lg: &Layout) -> Result<(CpuStorage, Shape)> {
        let (x, grad) = (contiguous(x, lx)?, contiguous(grad, lg)?);
        let out = specialise!(self.0, |CURVE| each_pair(
            x,
            grad,
            #[inline(always)]
            |x, grad| grad * CURVE.slope(x)
        ));
        Ok((CpuStorage::F32(out), lx.shape().clone()))
    }
}
