//! Reads one GGUF file, the format of [llama.cpp](https://github.com/ggml-org/llama.cpp), which holds configuration,
//! tokenizer and (quantized) weights together.
//!
//! Everything is translated back to the form of the model's own files: the names of settings and tensors, and the order
//! of rows.
//!
//! To add an architecture, touch `families/`. To add a quantization type, touch `tensors.rs`. To add a tokenizer, touch
//! `tokenizer/`.

mod facts;
mod families;
mod family;
mod header;
mod layout;
mod rope;
mod settings;
mod steps;
mod tensors;
mod tokenizer;

use std::path::Path;

use self::{
    facts::Facts,
    family::Family,
    header::{Bad, Header},
    layout::Heads,
    rope::Factors,
    tensors::GgufTensors,
};
use super::{Checkpoint, Settings, Weights, bytes::Bytes, specials};
use crate::error::{LoadError, Result};

const HEAD: &str = "output.weight";
const EMBEDDING: &str = "token_embd.weight";

pub(super) fn open(path: &Path, name: String) -> Result<Checkpoint> {
    let bytes = Bytes::open(path)?;
    let bad = |bad| match bad {
        Bad::Why(why) => LoadError::Damaged { path: path.to_owned(), what: "a GGUF file", why }.into(),
        Bad::Unread(error) => error,
    };
    let Header { metadata, mut tensors } = Header::parse(&bytes).map_err(bad)?;
    let metadata = Settings::of(metadata);
    // An unembedding that merely repeats the embedding is dropped.
    if tensors::same(&bytes, [HEAD, EMBEDDING].map(|name| tensors.get(name)))? {
        tensors.remove(HEAD);
    }
    let mut take = |name: &str| {
        let tensor = tensors.remove(name);
        tensor.map(|tensor| tensors::values(name, &tensor, &bytes)).transpose()
    };
    let factors = Factors { llama3: take(rope::LLAMA3)?, long: take(rope::LONG)?, short: take(rope::SHORT)? };

    let facts = Facts::new(&metadata, &tensors)?;
    let family = Family::of(&facts)?;
    let settings = settings::translate(&facts, family, &factors)?;
    let (queries, keys) = facts.heads()?;
    let weights = Weights::new(GgufTensors::new(bytes, &tensors, family, Heads { queries, keys })?);
    let tokenizer = match tokenizer::build(&metadata, path)? {
        Some(tokenizer) => {
            let specials = specials::find(&[tokenizer::flags(&metadata)?, settings.clone()], &settings, &tokenizer)?;
            Some(tokenizer.with_special_ids(specials))
        }
        None => None,
    };
    Ok(Checkpoint { name, settings, weights, tokenizer, origin: path.display().to_string() })
}
