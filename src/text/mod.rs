//! Text in and out: the tokenizer, and text cut into tokens.

mod input;
mod padding;
mod pieces;
mod places;
mod precompiled;
mod show;
mod tokenizer;
#[cfg(test)]
mod tests;
mod tokens;

pub use input::ToTokens;
pub use padding::Padding;
pub(crate) use padding::Filler;
pub use places::Occurrence;
pub use tokenizer::{Encoded, SpecialIds, Tokenizer};
pub(crate) use tokens::Row;
pub use tokens::Tokens;
