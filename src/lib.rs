//! Open a transformer inside a Rust notebook, look at every intermediate value, change any of them, and see the
//! answer as a picture.
//!
//! ```
//! use glassbox::prelude::*;
//!
//! let model = Model::open("induction-2l")?; // ships with the crate; also a folder, a .gguf file, a hub id
//! let text = "red fox blue owl red fox blue";
//! let run = model.run(text)?; // every activation recorded
//! assert_eq!(run.predictions(-1, 1)?[0].text, "owl");
//!
//! let (layer, head, score) = head_scores(&run)?.strongest_induction(); // who knows?
//! assert!(layer == 1 && score > 0.8);
//! run.attention_head(layer, head)?; // a picture, in a notebook
//! run.logit_lens()?; // what the model would say before each layer
//!
//! let silenced = model.run_with(text, zero(Site::z(layer)))?; // and without?
//! assert!(silenced.probability("owl", -1)? < 0.1);
//! # Ok::<(), glassbox::Error>(())
//! ```
//!
//! # Where to look
//! - [By task](guide::tasks): "plot a line", "ablate a head", "loss per token", and the line that does it.
//! - [By name](guide::names): what TransformerLens, nnsight and SAELens call it. The search field knows those names, too.
//! - [The Rust kernel, honestly](guide::rust_kernel): what a notebook's cell keeps, loses and shows.
//!
//! # The nouns
//! - [`Model`]: a transformer, cheap to clone, free to go between threads and notebook cells.
//! - [`Tokens`](text::Tokens): text cut into tokens.
//! - [`Audio`](audio::Audio): a sound from a file or from samples, as a model reads it and as a picture.
//! - [`Site`](hook::Site): the typed name of one place in the forward pass. Its printed form is TransformerLens's.
//! - [`Intervention`](hook::Intervention): what to do at a site: zero, mean, replace, patch, add, scale, or any closure.
//! - [`Pass`](model::Pass): one forward pass, described before it happens. [`Run`](model::Run): what it gave.
//! - [`ActivationCache`](cache::ActivationCache): what it recorded.
//! - [`LogitLens`](lens::LogitLens), [`HeadScores`](circuits::HeadScores), [`SparseProbe`](probe::SparseProbe): readings.
//!   Data first, a picture second.
//! - [`ResidStack`](decompose::ResidStack): the residual stream taken apart, and what each part says of an answer.
//! - [`Patching`](patching::Patching): which activations carry the difference between two prompts, and what
//!   the model loses without a part; exactly, or along the gradient. Causal tracing, attention knock-outs and maps over
//!   any cells are its methods too. [`PromptPairs`](patching::PromptPairs): what it compares.
//! - [`EdgeScores`](patching::EdgeScores), [`Circuit`](patching::Circuit): the model as a graph of heads and MLPs, which
//!   edges carry the answer, and whether these alone do the work; exact path patching beside it.
//! - [`Direction`](steering::Direction): a vector to steer along, or to take out.
//! - [`Generation`](generate::Generation): text, token by token, hooked at every step.
//! - [`WeightViews`](weights::WeightViews), [`Processing`](weights::Processing): the weights by their usual names, and
//!   folded, centred and refactored without changing what the model says.
//! - [`grammar`](corpus::grammar): a small English whose every word is labelled, with minimal pairs to patch and probe.
//! - [`Fourier`](fourier::Fourier): waves over numbers, for models that calculate.
//! - [`files`]: how everything is written, so that no failure loses what was there.
//! - [`Figure`](plot::Figure): one picture; [`row`](plot::row), [`column`](plot::column) and [`tabs`](plot::tabs) compose.
//! - [`Error`]: one sentence.
//!
//! # What it reads
//! Decoders (GPT-2 and its kin, Llama and its kin, Gemma, Phi, OLMo, ...), encoders (BERT and its kin) and
//! encoder-decoders (T5), and TransformerLens's own checkpoints: [the table](model#families) has them all. From a folder
//! as Hugging Face writes it, a GGUF file, or the Hugging Face hub (feature `hub`, which the notebooks have). A setting
//! that changes the computation and is not implemented is refused by name, never ignored.
//!
//! # In a notebook
//! The Rust kernel links every cell into a library of its own, so load this crate through a shared library, as
//! `notebooks/kernel` does; the README says why and how. Loaded as an ordinary `:dep glassbox` it prints a warning,
//! because tensors of different cells then share ids and gradients across cells are silently wrong.
//!
//! # Shapes
//! Every `# Shapes` section uses the words of [`axes`].
//!
//! # The floors of this crate
//! A folder uses what stands on the floors below its own, and what stands to its left on the same floor. A test holds it.
//! ```text
//! roof     guide prelude brief drawn
//! models made here        corpus train fourier
//! experiments             patching steering probe
//! readings of a run       decompose weights lens circuits generate
//! a model and its runs    model
//! the forward pass        net families
//! configuration, changes  config hook
//! files and values        ops load cache
//! sound, text, places, tensors   audio text site tensor
//! notebooks and pictures  notebook plot
//! the ground              axes order printable error index files kernel_check
//! ```
//!
//! # What it does not do yet
//! Speech and images, sparse autoencoders. It runs on the CPU in float32.
#![deny(missing_docs, unsafe_code)]

// First, for its macro.
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
pub mod train;
pub mod weights;

pub use candle_core;
pub use error::{Error, Result};
pub use model::Model;
pub use ndarray;
pub use ops::Activation;
