//! Circuits: what heads do, read off their weights and off where they look.
//!
//! A head has two circuits (Elhage et al. 2021, *A Mathematical Framework for Transformer Circuits*): `W_Q W_K^T` says
//! where it looks, `W_V W_O` what it hands over. Both are large matrices of low rank, kept as a [`FactoredMatrix`].
//!
//! | question | answer |
//! |---|---|
//! | which heads look back one token, at copies, at what came after copies? | [`label_heads`], [`head_scores`] |
//! | where would a layer look, with these queries and keys? | [`attention_from_qk`] |
//! | which heads look as I expect? | [`Detector`] |
//! | what does a head say for what it looks at? what does it look for? | [`ov_circuit`], [`qk_circuit`], [`position_circuit`] |
//! | which heads copy? which look for copies? | [`copying_scores`], [`matching_scores`], [`prefix_matching_scores`] |
//! | which heads read which? what for? | [`composition_scores`], [`qk_circuit_through`] |
//! | all of it as a picture? | [`map_heads`], [`compare_heads`] |
//! | in which directions does a head or an MLP write? | [`svd_reading`] |
//!
//! Scores of text, such as those of [`label_heads`], say what a head does; those of weights say what it could do, and with
//! whom. They read the weights as they are: fold the norms first with
//! [`Model::processed`](crate::Model::processed).
//!
//! # An induction circuit
//! ```
//! use glassbox::{circuits::{Habit, copying_scores, prefix_matching_scores}, prelude::*};
//! let model = Model::open("induction-2l")?.processed(Processing::default())?;
//! let labels = label_heads(&model, 0)?;
//! let (layer, head, _) = labels.heads(Habit::Induction)[0]; // it looks at what came after the copy ...
//! let (writer, reader, _) = composition_scores(&model, Composition::K)?.strongest();
//! assert_eq!((reader, labels.habit(writer.0, writer.1)), ((layer, head), Some(Habit::PreviousToken)));
//! assert!(prefix_matching_scores(&model, writer)?[[layer, head]] > 0.9); // ... which L0H0 tells it how to find ...
//! assert!(copying_scores(&model)?[[layer, head]] > 0.9); // ... and says it
//! # Ok::<(), glassbox::Error>(())
//! ```

mod compare;
mod composition;
mod detect;
mod eigenvalues;
mod factored;
mod from_qk;
mod habit;
mod heads;
mod labels;
mod maps;
mod positive;
mod product;
mod qk_ov;
mod random_tokens;
mod readings;
mod svd;
mod tokens;
mod whose;

use crate::{Model, Result};
use candle_core::Tensor;
pub use compare::compare_heads;
pub use composition::{Composition, CompositionScores, composition_scores};
pub use detect::{Detector, Measure};
pub use eigenvalues::Eigenvalues;
pub use factored::{FactoredMatrix, Operand};
pub use from_qk::{AttentionFromQk, attention_from_qk};
pub use habit::Habit;
pub use heads::{HeadScores, head_scores};
pub use labels::{HeadLabels, label_heads};
pub use maps::{PerHead, map_heads};
pub use positive::{copying_scores, matching_scores, prefix_matching_scores};
pub use random_tokens::repeated_random_tokens;
pub use readings::{SvdReading, Writes, svd_reading};
pub use svd::{Svd, svd};
pub use tokens::{TokenCircuit, full_ov, full_qk, ov_circuit, position_circuit, qk_circuit, qk_circuit_through};
pub use whose::ToWeights;

/// The names of heads, `L0H0`, `L0H1`, ..., those of some layers in order.
fn head_names(layers: std::ops::Range<usize>, n_heads: usize) -> Vec<String> {
    layers.flat_map(|layer| (0..n_heads).map(move |head| format!("L{layer}H{head}"))).collect()
}

/// `W_U` times the scales that some models put on what it reads and on the logits it writes.
///
/// # Shapes
/// `[d_model, d_vocab]`
fn unembedding(model: &Model) -> Result<Tensor> {
    scaled(model.weights().w_u()?, model.config().unembed_scale * model.config().logit_scale)
}

fn scaled(matrix: Tensor, scale: f64) -> Result<Tensor> {
    if scale == 1.0 { Ok(matrix) } else { Ok((matrix * scale)?) }
}
