//! From a place to a [`Checkpoint`]: everything read from disk about one model, before any architecture is understood.
//!
//! A place is a folder as `save_pretrained` writes it, a `.gguf` file, or the id of a model on the Hugging Face hub.
//! Reading is lazy and strict: tensors are mapped and converted when asked for, and what is missing, damaged, of
//! another shape or not finite is an error that names the file, the tensor and the nearest valid name.

mod bytes;
mod float;
mod folder;
mod safetensors;
mod settings;
mod specials;
mod weights;

use std::path::Path;

pub use settings::{FromSetting, Keys, Settings};
pub use weights::Weights;

use crate::{
    error::{LoadError, Result},
    text::Tokenizer,
};

/// Everything read from disk about one model: its configuration, its weights by name, its tokenizer.
///
/// A family file (see [`model`](crate::model)) turns it into a model.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Checkpoint {
    /// What to call the model in titles: the folder's name, the GGUF's own name, the hub id.
    pub name: String,
    /// The configuration, with the keys of a `config.json`.
    pub settings: Settings,
    /// The tensors.
    pub weights: Weights,
    /// The tokenizer, where the place has one.
    pub tokenizer: Option<Tokenizer>,
    /// Where it was read from, for people.
    pub origin: String,
}

impl Checkpoint {
    /// Opens a model folder.
    ///
    /// # Errors
    /// When nothing is there, or a file is missing or damaged.
    pub fn open(place: &str) -> Result<Self> {
        let path = Path::new(place);
        if path.is_dir() {
            return Self::from_folder(path);
        }
        let hint = "give a model's folder".to_owned();
        Err(LoadError::Missing { path: path.to_owned(), hint }.into())
    }

    /// Opens a folder with `config.json`, `model.safetensors` (or its parts and their index) and, for a model that
    /// reads text, `tokenizer.json`.
    ///
    /// # Errors
    /// When the folder or a file in it is missing or damaged.
    pub fn from_folder(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        if !folder.is_dir() {
            let hint = if folder.exists() { "it is a file, not a folder" } else { "check the path" };
            return Err(LoadError::Missing { path: folder.to_owned(), hint: hint.to_owned() }.into());
        }
        folder::open(folder, name_of(folder))
    }

    /// A checkpoint from bytes in memory: the text of a `config.json`, a safetensors file, and a `tokenizer.json`.
    ///
    /// # Errors
    /// When one of them is damaged.
    pub fn from_bytes(name: &str, config: &str, weights: Vec<u8>, tokenizer: Option<&[u8]>) -> Result<Self> {
        let settings = Settings::parse(config)?;
        let weights = Weights::new(safetensors::SafetensorFiles::in_memory(weights)?);
        let tokenizer = match tokenizer.map(Tokenizer::from_bytes).transpose()? {
            Some(tokenizer) => {
                let specials = specials::find(std::slice::from_ref(&settings), &tokenizer)?;
                Some(tokenizer.with_special_ids(specials))
            }
            None => None,
        };
        Ok(Self { name: name.to_owned(), settings, weights, tokenizer, origin: "memory".to_owned() })
    }
}

/// The last part of a path, without the ending `.gguf`.
fn name_of(path: &Path) -> String {
    let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let name = whole.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.strip_suffix(".gguf").map(str::to_owned).unwrap_or(name)
}
