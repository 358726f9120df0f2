//! The learned numbers of a model: views of them under TransformerLens's names ([`Model::weights`]), and processing
//! that makes them easier to read without changing what the model says ([`Model::processed`]).
//!
//! A transformer's weights say some things twice and some that nobody hears. Five steps leave that out, each on a copy
//! and each by itself if wanted, in this order: the norms' weights move into the matrices that read them
//! ([`Model::fold_ln`]), nothing is written along the direction that LayerNorm removes
//! ([`Model::center_writing_weights`]) nor to all logits alike ([`Model::center_unembed`]), values have no bias
//! ([`Model::fold_value_biases`]), and each head's matrices are orthogonal
//! ([`Model::refactor_factored_attn_matrices`]). The formulas are those of TransformerLens; the sums are in float64.
//!
//! A step that would change what this or that architecture says does not apply to it. Asked for alone that is an error;
//! in a set of steps it is left out, and [`Model::processing`] tells why.
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

pub use crate::config::{Processed, Step};
pub(crate) use save::{LOSSES, refuse_a_mix, refuse_another};
pub use steps::Processing;
pub use views::WeightViews;
