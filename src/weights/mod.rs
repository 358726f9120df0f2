//! The weights of a model: views under TransformerLens's names ([`Model::weights`]), and processing that makes them
//! easier to interpret without changing the output ([`Model::processed`]).
//!
//! A transformer's weights contain redundancy, and some of their components cannot affect the output. Five steps remove
//! these. Each returns a new model and can be used alone. In order: the norms' weights are folded into the matrices
//! that read them ([`Model::fold_ln`]); matrices no longer write along the direction that LayerNorm removes
//! ([`Model::center_writing_weights`]) or add a constant to all logits ([`Model::center_unembed`]); value biases are
//! folded into the output bias ([`Model::fold_value_biases`]); and each head's matrices become orthogonal
//! ([`Model::refactor_factored_attn_matrices`]). The formulas are those of TransformerLens, computed in float64:
//! <https://github.com/TransformerLensOrg/TransformerLens/blob/v3.5.1/transformer_lens/weight_processing.py>.
//!
//! A step that would change the output of an architecture does not apply to it. Called alone it returns an error. In a
//! set of steps it is left out, and [`Model::processing`] says why.
//!
//! To add a step, add a file with its obstacle and its operation, a field of [`Processing`] and a method in
//! `processing.rs`.
//!
//! [`Model::weights`]: crate::Model::weights
//! [`Model::processed`]: crate::Model::processed
//! [`Model::processing`]: crate::Model::processing
//! [`Model::fold_ln`]: crate::Model::fold_ln
//! [`Model::center_writing_weights`]: crate::Model::center_writing_weights
//! [`Model::center_unembed`]: crate::Model::center_unembed
//! [`Model::fold_value_biases`]: crate::Model::fold_value_biases
//! [`Model::refactor_factored_attn_matrices`]: crate::Model::refactor_factored_attn_matrices

mod attention;
mod center;
mod directions;
mod ends;
mod exact;
mod fold;
mod hugging_face;
mod mlp;
mod named;
mod native;
mod parts;
mod processing;
mod refactor;
mod save;
mod show;
mod steps;
mod value_bias;
mod views;

pub use crate::config::{ProcessingRecord, Step};
pub(crate) use save::{LOSSES, refuse_a_mix, refuse_another};
pub use steps::Processing;
pub use views::WeightViews;
