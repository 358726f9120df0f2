//! Circuits: what heads do, measured from their weights and their attention patterns.
//!
//! A head has two circuits ([Elhage et al. 2021](https://transformer-circuits.pub/2021/framework/index.html)): `W_Q
//! W_K^T` decides where it attends, `W_V W_O` what it passes on. Both are large matrices of low rank, kept as a
//! [`FactoredMatrix`].
//!
//! | question | answer |
//! |---|---|
//! | which heads attend to the previous token, to copies, to what came after copies? | [`label_heads`], [`head_scores`] |
//! | where would a layer attend, given these queries and keys? | [`attention_from_qk`] |
//! | which heads match a pattern of my own? | [`Detector`] |
//! | what does a head write for each token? what does it look for? | [`ov_circuit`], [`qk_circuit`], [`position_circuit`] |
//! | which heads copy? which look for copies? | [`copying_scores`], [`matching_scores`], [`prefix_matching_scores`] |
//! | which heads read from which? what for? | [`composition_scores`], [`qk_circuit_through`] |
//! | how do I draw all heads? | [`map_heads`], [`compare_heads`] |
//! | in which directions does a head or an MLP write? | [`svd_reading`] |
//!
//! Scores on text, such as those of [`label_heads`], measure what a head does. Scores of weights measure what it could
//! do, and with which other heads. They use the weights as they are, so fold the norms first with
//! [`Model::processed`](crate::Model::processed).
//!
//! To add a type of head, see `head_type.rs`; to add a score of weights, add a file here that returns `[layer, head]`.
//!
//! # An induction circuit
//! ```
//! use glassbox::{circuits::{HeadType, copying_scores, prefix_matching_scores}, prelude::*};
//! let model = Model::open("induction-2l")?.processed(Processing::default())?;
//! let labels = label_heads(&model, 0)?;
//! let (layer, head, _) = labels.heads(HeadType::Induction)[0]; // it attends to the token after a copy ...
//! let (writer, reader, _) = composition_scores(&model, Composition::K)?.strongest();
//! assert_eq!((reader, labels.head_type(writer.0, writer.1)), ((layer, head), Some(HeadType::PreviousToken)));
//! assert!(prefix_matching_scores(&model, writer)?[[layer, head]] > 0.9); // ... which L0H0 helps it find ...
//! assert!(copying_scores(&model)?[[layer, head]] > 0.9); // ... and predicts it
//! # Ok::<(), glassbox::Error>(())
//! ```

mod compare;
mod composition;
mod detect;
mod eigenvalues;
mod factored;
mod from_qk;
mod head_type;
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
pub use composition::{ComposedPair, Composition, CompositionScores, composition_scores};
pub use detect::{Detector, Measure};
pub use eigenvalues::Eigenvalues;
pub use factored::{FactoredMatrix, Operand};
pub use from_qk::{AttentionFromQk, attention_from_qk};
pub use head_type::HeadType;
pub use heads::{HeadScores, head_scores};
pub use labels::{HeadLabels, label_heads};
pub use maps::{HeadValues, map_heads};
pub use positive::{copying_scores, matching_scores, prefix_matching_scores};
pub use random_tokens::repeated_random_tokens;
pub use readings::{SvdReading, Writes, svd_reading};
pub use svd::{Svd, svd};
pub use tokens::{TokenCircuit, full_ov, full_qk, ov_circuit, position_circuit, qk_circuit, qk_circuit_through};
pub use whose::ToWeights;

/// The names of the heads of some layers, in order: `L0H0`, `L0H1`, ...
fn head_names(layers: std::ops::Range<usize>, n_heads: usize) -> Vec<String> {
    layers.flat_map(|layer| (0..n_heads).map(move |head| format!("L{layer}H{head}"))).collect()
}

/// `W_U` times the scales that some models apply to its input and to the logits.
///
/// # Shapes
/// `[d_model, d_vocab]`
fn unembedding(model: &Model) -> Result<Tensor> {
    scaled(model.weights().w_u()?, model.config().unembed_scale * model.config().logit_scale)
}

fn scaled(matrix: Tensor, scale: f64) -> Result<Tensor> {
    if scale == 1.0 { Ok(matrix) } else { Ok((matrix * scale)?) }
}
