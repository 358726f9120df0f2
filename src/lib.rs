//! Open a transformer inside a Rust notebook, look at every intermediate value, change any of them, and see the
//! answer as a picture.
#![deny(missing_docs, unsafe_code)]

pub mod axes;
pub mod cache;
pub mod circuits;
mod error;
pub mod hook;
mod kernel_check;
pub mod lens;
pub mod load;
pub mod model;
pub mod notebook;
mod ops;
pub mod plot;
pub mod prelude;
pub mod probe;
pub mod text;
pub mod train;

pub use candle_core;
pub use error::{Error, Result};
pub use model::Model;
pub use ops::Activation;
