//! The numerical operations of the forward pass. Each is one pass over memory and has its own backward pass.
//!
//! candle's fused `softmax`, `layer_norm`, `rms_norm` and `rope` have no backward pass and silently cut the gradient.
//! Its composed forms are slow on a CPU. The operations here are fast and differentiable, so the model has a single
//! code path: a run without gradients computes bit for bit what is differentiated. `tests` compares their gradients
//! with those of candle's composed operations.
//!
//! All take float32 tensors on the CPU, in any layout.
//!
//! To add an operation, add a file with its forward and backward pass, and a test against candle in `tests.rs`. To add
//! a nonlinearity, touch `activation.rs`.

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
