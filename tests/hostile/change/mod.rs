//! Damage: what is changed in a seed file.

mod bytes;
mod json;
mod tensors;

use crate::{
    case::Kind,
    originals::{self, names},
};
use arbitrary::{Result, Unstructured};
pub use json::STRINGS;

/// The bytes of a seed file, damaged as the choices say.
pub fn damage(kind: Kind, base: &str, choices: &mut Unstructured) -> Result<Vec<u8>> {
    let original = originals::bytes(kind, base);
    match kind {
        Kind::Calls => choices.bytes(512).map(<[u8]>::to_vec),
        Kind::Config | Kind::Beside | Kind::Tokenizer | Kind::Index => {
            let other = choices.choose(names(kind))?;
            json::damage(&original, &originals::bytes(kind, other), choices)
        }
        Kind::Weights | Kind::Training if choices.ratio(1, 2)? => tensors::damage(&original, choices),
        Kind::Weights | Kind::Training | Kind::Gguf => bytes::damage(&original, choices),
    }
}
