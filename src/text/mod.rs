//! Text in and out: the tokenizer, and text cut into tokens.

mod check;
mod encoded;
mod grow;
mod input;
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
pub use input::Input;
pub(crate) use padding::Filler;
pub use padding::Padding;
pub use places::Occurrence;
pub use tokenizer::Tokenizer;
pub(crate) use tokens::Row;
pub use tokens::Tokens;
