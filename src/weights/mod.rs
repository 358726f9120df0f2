//! The learned numbers of a model: views of them under TransformerLens's names, and processing that makes them easier
//! to read without changing what the model says.

mod attention;
mod center;
mod directions;
mod ends;
mod exact;
mod fold;
mod mlp;
mod named;
mod parts;
mod processing;
mod refactor;
mod value_bias;
mod views;

pub use processing::{Processed, Processing, Step};
pub use views::WeightViews;
