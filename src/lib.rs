//! Open a transformer inside a Rust notebook, look at every intermediate value, change any of them, and see the
//! answer as a picture.
#![deny(missing_docs, unsafe_code)]

pub mod axes;
pub mod cache;
mod error;
pub mod hook;
pub mod load;
pub mod model;
pub mod notebook;
mod ops;
pub mod plot;
pub mod prelude;
pub mod probe;
pub mod text;

pub use error::{Error, Result};
pub use model::Model;
pub use ops::Activation;
