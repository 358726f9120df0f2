//! The logit lens: reading the residual stream through the model's final norm and unembedding.
//!
//! To add another lens, add a file here and its type to the prelude.

mod logit;

pub use logit::{LensCell, LogitLens};
