//! The tokenizer, and text cut into tokens.
//!
//! To support another spelling of vocabulary entries, touch `pieces.rs`. To check another part of a `tokenizer.json`,
//! touch `check.rs`.

mod check;
mod encoded;
mod grow;
mod padding;
mod pieces;
mod places;
mod precompiled;
mod processor;
mod show;
#[cfg(test)]
mod tests;
mod tokenizer;
mod tokens;

pub use encoded::{Encoded, SpecialIds};
pub(crate) use padding::Filler;
pub use padding::Padding;
pub use places::Occurrence;
pub use tokenizer::Tokenizer;
pub(crate) use tokens::Row;
pub use tokens::Tokens;
