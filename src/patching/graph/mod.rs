//! The model as a graph: who tells whom?
//!
//! Heads and MLPs write to the residual stream, and everything after them reads the sum. So a model is a graph: from
//! the embedding and every head and MLP (a [`Sender`]) an edge leads to every query, key and value of a later head, to
//! every later MLP and to the logits (a [`Receiver`]). Patching a head tells what all of its edges do together; these
//! tools tell them apart.
//!
//! | call | what it does | gives |
//! |---|---|---|
//! | [`path`](Patching::path), [`direct_path`](Patching::direct_path) | patches what some senders tell some receivers, through MLPs or by their edges alone | an [`Effect`] |
//! | [`paths_to`](Patching::paths_to), [`direct_paths_to`](Patching::direct_paths_to) | the same from every head | `[layer, head]` |
//! | [`edge_attribution`](Patching::edge_attribution), [`edge_integrated_gradients`](Patching::edge_integrated_gradients) | scores every edge along the gradient | [`EdgeScores`] |
//! | [`edge_patching`](Patching::edge_patching) | patches every edge | [`EdgeScores`] |
//! | [`EdgeScores::circuit`] | keeps the strongest | a [`Circuit`], drawn as a graph |
//! | [`faithfulness`](Patching::faithfulness), [`faithfulness_curve`](Patching::faithfulness_curve) | runs the model on the kept edges alone | a share of its work, a curve |
//!
//! # Names
//! `embed`, `a5.h2` (head 2 of layer 5), `m3` (the MLP of layer 3), `logits`; a head reads as `a5.h2.q`, `a5.h2.k` and
//! `a5.h2.v`. In grouped-query attention keys and values are those of a key head. With these a GPT-2 small has 32,491
//! edges.
//!
//! # Which models
//! All of them: decoders with norms before attention and MLP, those whose two stand side by side, those with norms behind
//! attention and MLP too (Gemma 2 and 3, OLMo 2 and 3), those without MLPs, encoders with norms on the stream (BERT), and
//! either stack of an encoder-decoder. Biases belong to no edge: they are the same in every run. A model that carries
//! interventions inside is refused.
//!
//! # Two stacks
//! The graph of an encoder-decoder is that of the stack which is chosen, the decoder's where none is
//! ([`Patching::encoder`], [`Patching::decoder`]). In the encoder's, `logits` is the end of its stream, which the decoder
//! looks at; the decoder then runs as it does with its own tokens. In the decoder's, `x1.h0` is a head of cross attention,
//! and `x1.q` is what the queries of all heads of a layer's cross attention are made from; keys and values of cross
//! attention are those of the run that is changed.
//!
//! # A norm on the stream
//! BERT's stream is no sum: it is normed after attention and after the MLP. A change that a part makes to it passes these
//! norms on its way, worked out anew, and each receiver's stream is what it would be if the senders wrote what its edges
//! carry. [`hold_ln`](Patching::hold_ln) holds the scales of these norms fast too.
//!
//! # A norm behind attention
//! It reads the sum of a layer's heads, so no head passes it by itself. A head is still a sender, which writes before the
//! norm, and its edge carries the *change of the normed sum*: what the norm makes of the layer's heads with this one's
//! output from the other run, less what it made of them without. Heads of one layer that are patched together are normed
//! together; in a circuit every receiver reads a normed sum of its own, of what it hears of the layer's heads. Attribution
//! follows the slope of this change. Nothing is taken as linear, as with every other norm here, and the changes that heads
//! of one layer make alone do not add up to the one they make together. [`hold_ln`](Patching::hold_ln) holds the norms'
//! scales fast instead, and then they do.

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
