//! Reading the residual stream through the model's own last step.

mod logit;

pub use logit::{LensCell, LogitLens};
