//! Text and tokens.

mod pieces;
mod tokenizer;

pub use tokenizer::{Encoded, SpecialIds, Tokenizer};
