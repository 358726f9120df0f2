//! The numerical operations of the forward pass, each one pass over memory, each with its own backward.
//!
//! candle's fused `softmax`, `layer_norm`, `rms_norm` and `rope` have no backward and cut the gradient silently;
//! its composed forms are slow on a CPU. The operations here are both fast and differentiable, so the model has a
//! single route: what is recorded without gradients is bit for bit what is differentiated. Their gradients are held
//! against candle's composed operations in `tests`.
//!
//! All take float32 on the CPU, of any layout.

mod activation;
mod add;
mod attention;
mod exp;
mod linear;
mod mask;
mod norm;
mod panels;
mod pool;
mod product;
mod rotary;
mod rows;
mod slice;
mod softmax;

pub use activation::Activation;
pub(crate) use add::add;
pub(crate) use attention::{attention_scores, mix_values};
pub(crate) use linear::{by_output, linear};
pub(crate) use mask::{Mask, masked};
pub(crate) use norm::{affine, norm_scale, normalize};
pub(crate) use pool::in_pool;
pub(crate) use rotary::{RotaryTable, rotate};
pub(crate) use softmax::softmax;

#[cfg(test)]
mod tests;
