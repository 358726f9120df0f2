//! One GGUF file: llama.cpp's format, which holds configuration, tokenizer and (quantized) weights together.
//!
//! Everything is given back as the model's own files would have it: the names of the settings and of the tensors, and
//! the order of their rows.

mod family;
mod header;
mod layout;
mod rope_factors;
mod settings;
mod tensors;
mod tokenizer;

use std::path::Path;

use self::{
    family::{FAMILIES, Family},
    header::Header,
    tensors::{GgufTensors, Heads},
};
use super::{Checkpoint, Settings, Weights, bytes::Bytes, specials};
use crate::error::{LoadError, Result};

/// Llama 3's rotary scaling, which becomes a setting.
const ROPE_FACTORS: &str = "rope_freqs.weight";

pub(super) fn open(path: &Path, name: String) -> Result<Checkpoint> {
    let bytes = Bytes::map(path)?;
    let damaged = |why| LoadError::Damaged { path: path.to_owned(), what: "a GGUF file", why };
    let Header { metadata, mut tensors } = Header::parse(&bytes).map_err(damaged)?;
    let metadata = Settings::of(metadata);
    let family = family(&metadata)?;

    let mut settings = settings::translate(&metadata, family, &tensors)?;
    if let Some(factors) = tensors.remove(ROPE_FACTORS) {
        let factors = tensors::values(ROPE_FACTORS, &factors, &bytes, path)?;
        settings.set("rope_scaling", rope_factors::rule(&factors, settings.or("rope_theta", 10_000.0)?)?);
    }
    let heads = Heads {
        queries: settings.get(["num_attention_heads", "n_head"])?,
        keys: settings.get(["num_key_value_heads", "num_attention_heads", "n_head"])?,
    };
    let weights = Weights::new(GgufTensors::new(path, bytes, &tensors, family, heads)?);
    let tokenizer = match tokenizer::build(&metadata, path)? {
        Some(tokenizer) => {
            let specials = specials::find(&[tokenizer::flags(&metadata), settings.clone()], &tokenizer)?;
            Some(tokenizer.with_special_ids(specials))
        }
        None => None,
    };
    Ok(Checkpoint { name, settings, weights, tokenizer, origin: path.display().to_string() })
}

fn family(metadata: &Settings) -> Result<&'static Family> {
    const KNOWN: &[Family] = &FAMILIES;
    let given = metadata.get::<String>("general.architecture")?;
    KNOWN.iter().find(|family| family.architecture == given).ok_or_else(|| {
        let known = KNOWN.iter().map(|family| format!("`{}`", family.architecture)).collect::<Vec<_>>().join(", ");
        LoadError::UnknownFamily { given, known: format!("{known} in GGUF files") }.into()
    })
}
