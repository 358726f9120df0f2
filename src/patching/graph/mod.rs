//! The model as a graph of parts: which part affects which other part?
//!
//! Heads and MLPs write to the residual stream, and everything after them reads the sum. So a model is a graph: an edge
//! leads from the embedding and from every head and MLP (a [`Sender`]) to every query, key and value of a later head,
//! to every later MLP, and to the logits (a [`Receiver`]). Patching a head shows the joint effect of all its edges. The
//! methods here separate them.
//!
//! | call | what it does | result |
//! |---|---|---|
//! | [`path`](Patching::path), [`direct_path`](Patching::direct_path) | patches the paths from some senders to some receivers, through MLPs or along the edges alone | an [`Effect`] |
//! | [`paths_to`](Patching::paths_to), [`direct_paths_to`](Patching::direct_paths_to) | the same from every head | `[layer, head]` |
//! | [`edge_attribution`](Patching::edge_attribution), [`edge_integrated_gradients`](Patching::edge_integrated_gradients) | scores every edge from gradients | [`EdgeScores`] |
//! | [`edge_patching`](Patching::edge_patching) | patches every edge | [`EdgeScores`] |
//! | [`EdgeScores::circuit`] | keeps the strongest edges | a [`Circuit`], drawn as a graph |
//! | [`faithfulness`](Patching::faithfulness), [`faithfulness_curve`](Patching::faithfulness_curve) | runs the model on the kept edges alone | the share of the model's work, or a curve |
//!
//! # Names
//! `embed`, `a5.h2` (head 2 of layer 5), `m3` (the MLP of layer 3), `logits`. The inputs of a head are `a5.h2.q`,
//! `a5.h2.k` and `a5.h2.v`. In grouped-query attention keys and values are those of a key head. GPT-2 small has 32,491
//! such edges.
//!
//! # Which models
//! All of them: decoders with norms before attention and MLP, with parallel attention and MLP, with norms after
//! attention and MLP too (Gemma 2 and 3, OLMo 2 and 3), or without MLPs; encoders with norms on the stream (BERT); and
//! either stack of an encoder-decoder. Biases belong to no edge, because they are the same in every run. A model that
//! carries interventions is refused.
//!
//! # Two stacks
//! The graph of an encoder-decoder is that of the chosen stack, by default the decoder's ([`Patching::encoder`],
//! [`Patching::decoder`]). In the encoder's graph, `logits` is the end of its stream, which the decoder reads; the
//! decoder then runs on its own tokens. In the decoder's graph, `x1.h0` is a head of cross attention, and `x1.q` is the
//! input of the queries of all heads of a layer's cross attention. Keys and values of cross attention are those of the
//! run that is changed.
//!
//! # Norms on the stream
//! The stream of a post-norm model (BERT) is not a sum: it is normed after attention and after the MLP. A change by a
//! part passes these norms, which are recomputed, and each receiver reads the stream as it would be if the senders
//! wrote what its edges carry. [`hold_ln`](Patching::hold_ln) holds the scales of these norms.
//!
//! # Norms after attention
//! Such a norm reads the sum of a layer's heads, so no head passes it alone. A head is still a sender, which writes
//! before the norm. Its edge carries the *change of the normed sum*: the norm of the layer's heads with this head's
//! output from the other run, minus the norm without that change. Heads of one layer that are patched together are
//! normed together. In a circuit, every receiver reads its own normed sum of the heads that it has edges from.
//! Attribution uses the derivative of this change. Nothing is assumed to be linear, so the changes of single heads of a
//! layer do not add up to their joint change. With [`hold_ln`](Patching::hold_ln), which holds the scales of these
//! norms, they do.

mod after;
mod attribution;
mod behind;
mod circuit;
mod effect;
mod ends;
mod faithfulness;
mod flow;
mod layout;
mod part;
mod path;
mod picture;
mod scores;

#[cfg(doc)]
use super::Patching;
use behind::{Behind, LayerNorms};
pub use circuit::{Circuit, Edge};
pub use effect::Effect;
use ends::{Ends, Step, Writing, of_cross_heads};
pub use faithfulness::FaithfulnessCurve;
use layout::Graph;
pub use part::{Receiver, Sender, ToReceivers, ToSenders};
pub use scores::EdgeScores;
