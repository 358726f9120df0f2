//! Activation patching: which activations carry the difference between two prompts?
//!
//! Take two prompts that differ in one thing and have different answers: a *clean* one, and a *corrupt* one. Run the
//! corrupt one, but put in one activation from the clean run. If the clean answer comes back, that activation carried
//! what differs (Vig et al. 2020; Meng et al. 2022; Wang et al. 2023). Done for every layer, position and head, this
//! is a map of where the model keeps what it knows.
//!
//! [`Patching`] holds the two prompts and a [`Metric`]; each of its methods is one such map, a [`PatchSweep`]:
//!
//! | method | what is patched | map |
//! |---|---|---|
//! | [`resid_pre`](Patching::resid_pre), [`resid_mid`](Patching::resid_mid), [`resid_post`](Patching::resid_post), [`attn_out`](Patching::attn_out), [`mlp_out`](Patching::mlp_out) | the stream, or what attention or MLP adds to it | `[layer, pos]` |
//! | [`heads`](Patching::heads) | a head's output, query, key, value or pattern, everywhere | `[layer, head]` |
//! | [`heads_by_position`](Patching::heads_by_position) | the same at one position | `[layer, pos, head]` |
//! | [`layers`](Patching::layers) | all that attention, or the MLP, adds | `[layer, part]` |
//! | [`pattern_entries`](Patching::pattern_entries) | one entry of a pattern | `[layer, head, query, key]` |
//! | [`attn_out_windows`](Patching::attn_out_windows), [`mlp_out_windows`](Patching::mlp_out_windows) | what several layers in a row add | `[layer, pos]` |
//! | [`knock_out`](Patching::knock_out), [`knock_out_heads`](Patching::knock_out_heads), [`knock_out_keys`](Patching::knock_out_keys) | which positions may look at which | `[layer]`, `[layer, head]`, `[layer, key]` |
//! | [`sweep`](Patching::sweep) | anything, of [`clean`] values and other interventions | any axes ([`MapAxis`]) |
//!
//! The names are those of `transformer_lens.patching` without `get_act_patch_`. Each map keeps the value of every pair of
//! prompts: [`PatchSweep::mean`] and [`PatchSweep::raw`] average them, [`PatchSweep::statistics`] says how sure one can
//! be. [`Patching::also`] measures several things in the same runs, and [`Metric::at`] looks elsewhere than at the last
//! position: in an encoder, at the `[MASK]`.
//!
//! The same maps answer more questions:
//!
//! - [`Patching::noise`]: where does the model keep what it knows of a subject? Causal tracing blurs the words about it,
//!   and puts single activations back. [`Patching::corrupted`] takes any other corruption of the run.
//! - [`Patching::zero_ablation`], [`mean_ablation`](Patching::mean_ablation) and
//!   [`resample_ablation`](Patching::resample_ablation): what does the model lose without this part? Zeros, means or
//!   another run's values are put into the intact run, and the map is the change of the metric.
//! - [`Patching::attribution`]: about the same numbers from one backward pass, for models too large to patch cell by
//!   cell.
//! - [`Patching::integrated_gradients`]: better ones from several.
//!
//! - [`Patching::unpatched`]: what if nothing is put in, but something is forbidden? For knock-outs.
//!
//! [`PatchSweep::agreement`] holds an approximation against exact patching, cell by cell. And [`graph`] asks finer: which
//! part tells which, along paths and edges.
//!
//! Prompts of different length need a rule that says which position answers to which: [`Patching::aligned`] with an
//! [`Alignment`].
//!
//! [`PromptPairs`] are pairs of prompts with their answers, from a template or by hand; [`IoiPrompts`] makes them for the
//! commonest experiment.
//!
//! # Encoders, and two stacks
//! All of this works on any model. An encoder such as BERT is measured where its `[MASK]` stands ([`Metric::at`]). In an
//! encoder-decoder such as T5 a prompt is a source, or a pair of a source and what the decoder reads, and the two prompts may
//! differ in either; a metric looks at the decoder's logits. Maps are over the decoder and its self-attention, and this is how
//! to choose:
//!
//! | call | layers and heads of | positions of |
//! |---|---|---|
//! | [`patching.encoder()?`](Patching::encoder) | the encoder | the source |
//! | [`patching.decoder()?`](Patching::decoder), or nothing | the decoder, its self-attention | what the decoder reads |
//! | [`patching.cross_attention()?`](Patching::cross_attention) | the decoder, its look at the encoder | what the decoder reads; of keys and values: the source |
//!
//! The rest of the call stays the same: `patching.encoder()?.resid_pre()?`, `patching.cross_attention()?.heads(HeadPart::Key)?`,
//! `patching.attribution()?.encoder()?.heads(HeadPart::Out)?`. A [`sweep`](Patching::sweep) of your own takes sites of either
//! stack, `clean(Site::z(0).in_encoder())`.
//!
//! # Why it is fast
//! A cell of the map changes nothing before its layer, nor, in a causal model, before its position. So no cell is run
//! from the start: it begins with the corrupt run's stream at its layer, reads only the positions from its own on
//! (those before keep the corrupt run's keys and values), joins the other cells of its position in one batch that grows
//! from layer to layer, and ends with the few logits that the metric looks at. As far as the two prompts begin alike, a
//! cell would put in what is there already, and nothing is run. The results are those of one whole run for each cell.

mod ablation;
mod accuracy;
mod agreement;
mod align;
mod attribution;
mod axis;
mod baseline;
mod cell;
mod changes;
mod engine;
mod frames;
pub mod graph;
mod heads;
mod knock_out;
mod map;
mod metric;
mod missing;
mod noise;
mod pair;
mod pairs;
mod passes;
mod picture;
mod prompts;
mod readout;
mod result;
mod rows;
mod show;
mod slice;
mod slopes;
mod source;
mod stacks;
mod statistics;
mod sweeps;
#[cfg(test)]
mod tests;
mod words;

pub use accuracy::Accuracy;
pub use agreement::Agreement;
pub use align::Alignment;
pub use axis::MapAxis;
pub use graph::{Circuit, Edge, EdgeScores, Effect, FaithfulnessCurve, Receiver, Sender};
pub use map::clean;
pub use metric::{Metric, ToMetric};
pub use noise::Noise;
pub use pair::Patching;
pub use pairs::{PromptPair, PromptPairs};
pub use prompts::{Corruption, IoiPrompts};
pub use result::{PatchSweep, Statistics};
pub use sweeps::HeadPart;
