//! Reading models from disk: every way it can go right, and every way it can go wrong.

mod folder;
mod fuzz;
mod gguf;
mod gguf_families;
mod gguf_tokenizers;
mod hub;
#[cfg(feature = "hub")]
mod hub_bytes;
#[cfg(feature = "hub")]
mod hub_cache;
#[cfg(feature = "hub")]
mod hub_download;
#[cfg(feature = "hub")]
mod hub_hostile;
#[cfg(feature = "hub")]
mod hub_server;
mod odd_files;
mod real;
mod settings;
mod support;
mod ties;
mod tokenizers;
