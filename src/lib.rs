//! Open a transformer inside a Rust notebook, look at every intermediate value, change any of them, and see the
//! answer as a picture.
#![deny(missing_docs, unsafe_code)]

pub mod axes;
mod error;
pub mod notebook;
pub mod plot;

pub use error::{Error, Result};
pub use candle_core;
