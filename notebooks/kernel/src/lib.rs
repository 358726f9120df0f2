//! What a notebook loads: all of `glassbox`, from one shared library.
//!
//! The Rust kernel compiles every cell into a library of its own. A crate that a cell loads directly is linked into
//! each of them anew, with its own copy of every static: candle counts tensor ids from one again in each cell, so that
//! gradients of different tensors answer to the same id, and rayon starts another pool of threads. A shared library is
//! linked once and its statics are the process's.
//!
//! The library itself, `library/`, is built once by `build.rs` with the repository's `Cargo.lock` and reused by every
//! kernel; a kernel then compiles only this file. `notebooks/evcxr.toml` asks for that with the flag
//! `glassbox_prebuilt`. Without the flag Cargo compiles everything from source, which is as correct and takes minutes
//! at every start.

#[cfg(glassbox_prebuilt)]
extern crate glassbox_notebook;
#[cfg(glassbox_prebuilt)]
pub use glassbox_notebook::*;

#[cfg(not(glassbox_prebuilt))]
pub use ::glassbox::*;
