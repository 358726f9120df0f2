//! Activation patching: which activations carry the difference between two prompts?
//!
//! Take two prompts that differ in one thing and have different answers: a *clean* prompt and a *corrupt* prompt. Run
//! the corrupt one, but set one activation to its value in the clean run. If the clean answer returns, that activation
//! carries the difference (Vig et al. 2020; Meng et al. 2022; Wang et al. 2023). Repeated for every layer, position or
//! head, this is a map of where the model holds the information.
//!
//! [`Patching`] holds the two prompts and a [`Metric`]. Each of its methods makes one such map, a [`PatchSweep`]:
//!
//! | method | what is patched | map |
//! |---|---|---|
//! | [`resid_pre`](Patching::resid_pre), [`resid_mid`](Patching::resid_mid), [`resid_post`](Patching::resid_post), [`attn_out`](Patching::attn_out), [`mlp_out`](Patching::mlp_out) | the stream, or the output of attention or MLP | `[layer, pos]` |
//! | [`heads`](Patching::heads) | a head's output, query, key, value or pattern, at all positions | `[layer, head]` |
//! | [`heads_by_position`](Patching::heads_by_position) | the same at one position | `[layer, pos, head]` |
//! | [`layers`](Patching::layers) | the output of attention, or of the MLP, at all positions | `[layer, part]` |
//! | [`pattern_entries`](Patching::pattern_entries) | one entry of a pattern | `[layer, head, query, key]` |
//! | [`attn_out_windows`](Patching::attn_out_windows), [`mlp_out_windows`](Patching::mlp_out_windows) | the outputs of consecutive layers | `[layer, pos]` |
//! | [`knock_out`](Patching::knock_out), [`knock_out_heads`](Patching::knock_out_heads), [`knock_out_keys`](Patching::knock_out_keys) | which queries may attend to which keys | `[layer]`, `[layer, head]`, `[layer, key]` |
//! | [`sweep`](Patching::sweep) | anything: [`clean`] values and other interventions | any axes ([`MapAxis`]) |
//!
//! The names are those of `transformer_lens.patching` without `get_act_patch_`. Each map keeps a value for every pair
//! of prompts. [`PatchSweep::mean`] and [`PatchSweep::raw`] average over the pairs, and [`PatchSweep::statistics`]
//! returns the uncertainty. [`Patching::also`] measures further metrics in the same runs. [`Metric::at`] reads another
//! position than the last: in an encoder, the `[MASK]`.
//!
//! The same maps answer further questions:
//!
//! - [`Patching::noise`]: where does the model hold its knowledge of a subject? Causal tracing adds noise to the subject's embeddings and restores single activations. [`Patching::corrupted`] takes any other corruption of the run.
//! - [`Patching::zero_ablation`], [`mean_ablation`](Patching::mean_ablation) and [`resample_ablation`](Patching::resample_ablation): what does the model lose without a part? Zeros, means or another run's values replace it in the unchanged prompt, and the map holds the change of the metric.
//! - [`Patching::attribution`]: an approximation from one backward pass, for models too large to patch cell by cell.
//! - [`Patching::integrated_gradients`]: a better approximation from several backward passes.
//! - [`Patching::unpatched`]: maps without clean values, for knockouts.
//!
//! [`PatchSweep::agreement`] compares an approximation with exact patching, cell by cell. [`graph`] patches along paths
//! and edges: which part affects which other part.
//!
//! Prompts of different length need an [`Alignment`], which says which positions correspond: see [`Patching::aligned`].
//!
//! [`PromptPairs`] are pairs of prompts with their answers, from a template or written by hand. [`IoiPrompts`] makes
//! them for indirect object identification.
//!
//! # Encoders, and two stacks
//! All of this works on any model. In an encoder such as BERT, the metric reads the position of the `[MASK]`
//! ([`Metric::at`]). In an encoder-decoder such as T5, a prompt is a source, or a pair of a source and the decoder's
//! text, and the two prompts may differ in either. The metric reads the decoder's logits. By default maps are over the
//! decoder and its self-attention. This is how to choose:
//!
//! | call | layers and heads | positions |
//! |---|---|---|
//! | [`patching.encoder()?`](Patching::encoder) | those of the encoder | those of the source |
//! | [`patching.decoder()?`](Patching::decoder), or nothing | those of the decoder and its self-attention | those of the decoder's text |
//! | [`patching.cross_attention()?`](Patching::cross_attention) | those of the decoder and its cross attention | those of the decoder's text; for keys and values, those of the source |
//!
//! The rest of the call stays the same: `patching.encoder()?.resid_pre()?`,
//! `patching.cross_attention()?.heads(HeadPart::Key)?`, `patching.attribution()?.encoder()?.heads(HeadPart::Out)?`. A
//! [`sweep`](Patching::sweep) accepts sites of either stack, such as `clean(Site::z(0).in_encoder())`.
//!
//! # Why it is fast
//! A cell changes nothing before its layer nor, in a causal model, before its position. So no cell is run from the
//! start. It begins with the corrupt run's stream at its layer, and reads only the positions from its own on; those
//! before keep the corrupt run's keys and values. All cells of a position run in one batch, which grows from layer to
//! layer, and only the logits that the metric reads are computed. Where the two prompts begin with the same tokens,
//! patching changes nothing, and nothing is run. The results equal those of one whole run for each cell.

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
