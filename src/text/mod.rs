//! Text in and out: the tokenizer, and text cut into tokens.

mod pieces;
mod tokenizer;
mod tokens;

pub use tokenizer::{Encoded, SpecialIds, Tokenizer};
pub(crate) use tokens::Row;
pub use tokens::{ToTokens, Tokens};
