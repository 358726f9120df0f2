//! Open a transformer inside a Rust notebook, look at every activation, change any of them, and see each result as a
//! picture.
//!
//! It is the home of TransformerLens's API in Rust: hook names, shapes and values are the same.
//!
//! ```
//! use glassbox::prelude::*;
//!
//! let model = Model::open("induction-2l")?; // ships with the crate; also a folder, a .gguf file, a hub id
//! let text = "red fox blue owl red fox blue";
//! let run = model.run(text)?; // records every activation
//! assert_eq!(run.predictions(-1, 1)?[0].text, "owl");
//!
//! let (layer, head, score) = head_scores(&run)?.strongest_induction(); // which head predicts it?
//! assert!(layer == 1 && score > 0.8);
//! run.attention_head(layer, head)?; // a picture, in a notebook
//! run.logit_lens()?; // what the model would predict before each layer
//!
//! let silenced = model.run_with(text, zero(Site::z(layer)))?; // and without its layer?
//! assert!(silenced.probability("owl", -1)? < 0.1);
//! # Ok::<(), glassbox::Error>(())
//! ```
//!
//! # Where to look
//! - [By task](guide::tasks): "plot a line", "ablate a head", "loss per token", and the line of code for each.
//! - [By name](guide::names): the names in TransformerLens, nnsight and SAELens. The search field knows them, too.
//! - [The Rust kernel, honestly](guide::rust_kernel): what a notebook's cell keeps, loses and shows.
//!
//! # The main types
//! - [`Model`]: a transformer. It is cheap to clone and can be shared between threads and notebook cells.
//! - [`Tokens`](text::Tokens): tokenized texts.
//! - [`Audio`](audio::Audio): a sound from a file or from samples, as a model reads it and as a picture.
//! - [`Site`](hook::Site): the typed name of one hook point. It prints as TransformerLens's name.
//! - [`Intervention`](hook::Intervention): what to do at a site: zero, mean, replace, patch, add, scale, or any
//!   closure.
//! - [`Pass`](model::Pass): one forward pass, described before it runs. [`Run`](model::Run): its result.
//! - [`ActivationCache`](cache::ActivationCache): what a run recorded.
//! - [`LogitLens`](lens::LogitLens), [`HeadScores`](circuits::HeadScores), [`SparseProbe`](probe::SparseProbe):
//!   analyses. They hold data and can be drawn.
//! - [`ResidStack`](decompose::ResidStack): the residual stream split into parts, and how each part affects an answer.
//! - [`Patching`](patching::Patching): which activations cause the difference between two prompts, and what the model
//!   loses without a part, exactly or by gradients. Causal tracing, attention knockout and sweeps over any cells are
//!   its methods too. [`PromptPairs`](patching::PromptPairs): the prompts it compares.
//! - [`EdgeScores`](patching::EdgeScores), [`Circuit`](patching::Circuit): the model as a graph of heads and MLPs,
//!   which edges affect the answer, and whether these edges alone suffice; also exact path patching.
//! - [`Direction`](steering::Direction): a vector to steer along, or to remove.
//! - [`Generation`](generate::Generation): text generation, token by token, with hooks at every step.
//! - [`WeightViews`](weights::WeightViews), [`Processing`](weights::Processing): the weights under their usual names,
//!   and folded, centred and refactored without changing the output.
//! - [`grammar`](corpus::grammar): a small English in which every word is labelled, with minimal pairs to patch and
//!   probe.
//! - [`Fourier`](fourier::Fourier): Fourier analysis over numbers, for models that do arithmetic.
//! - [`Tiers`](tiers::Tiers): words and phones in time, from and to TextGrids, TIMIT, CTM, subtitles and Whisper's JSON.
//! - [`files`]: how everything is saved, so that a failure does not lose existing files.
//! - [`Figure`](plot::Figure): one picture. [`row`](plot::row), [`column`](plot::column) and [`tabs`](plot::tabs)
//!   combine several.
//! - [`Error`]: one sentence.
//!
//! # Supported models
//! Decoders (such as GPT-2, Llama, Gemma, Phi, OLMo), encoders (such as BERT), encoder-decoders (T5), speech
//! models (Whisper), and TransformerLens's own checkpoints: [the table](model#families) has them all. They can be loaded from a Hugging Face
//! folder, a GGUF file, or the Hugging Face hub (feature `hub`, which the notebooks have). A setting that changes the
//! computation and is not implemented is refused by name, never ignored.
//!
//! # In a notebook
//! The Rust kernel links every cell into its own library, so load this crate through a shared library, as
//! `notebooks/kernel` does. The README says why and how. If it is loaded as an ordinary `:dep glassbox` it prints a
//! warning, because tensors of different cells then share ids and gradients across cells are silently wrong.
//!
//! # Shapes
//! Every `# Shapes` section uses the words of [`axes`].
//!
//! # The floors of this crate
//! A folder uses only the folders on the floors below it, and those to its left on the same floor. A test checks this.
//! ```text
//! roof     guide prelude brief drawn
//! models made here        corpus train fourier
//! experiments             patching steering probe
//! readings of a run       decompose weights lens circuits generate
//! a model and its runs    model
//! the forward pass        net families
//! configuration, changes  config hook
//! files and values        ops load cache
//! sound, text, tensors    tensor site text tiers audio input
//! notebooks and pictures  notebook plot
//! the ground              axes order printable error index files kernel_check
//! ```
//!
//! # What is not implemented yet
//! Transcription of speech with timestamps, images and sparse autoencoders. The crate runs on the CPU in float32.
#![deny(missing_docs, unsafe_code)]

// First, because of its macro.
#[macro_use]
pub mod notebook;

pub mod audio;
pub mod axes;
mod brief;
pub mod cache;
pub mod circuits;
mod config;
pub mod corpus;
pub mod decompose;
mod drawn;
mod error;
mod families;
pub mod files;
pub mod fourier;
pub mod generate;
pub mod guide;
pub mod hook;
mod index;
pub mod input;
mod kernel_check;
pub mod lens;
pub mod load;
pub mod model;
mod net;
mod ops;
mod order;
pub mod patching;
pub mod plot;
pub mod prelude;
mod printable;
pub mod probe;
mod site;
pub mod steering;
pub mod tensor;
pub mod text;
pub mod tiers;
pub mod train;
pub mod weights;

pub use candle_core;
pub use error::{Error, Result};
pub use model::Model;
pub use ndarray;
pub use ops::Activation;
