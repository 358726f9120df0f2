//! Reading models from disk: every way it can go right, and every way it can go wrong.

mod folder;
mod fuzz;
mod gguf;
mod gguf_families;
mod gguf_tokenizers;
mod hub;
mod real;
mod settings;
mod support;
