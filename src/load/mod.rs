//! Turns a place into a [`Checkpoint`]: everything on disk about one model, before any architecture is interpreted.
//!
//! A place is a folder as `save_pretrained` writes it, a `.gguf` file, or the id of a model on the Hugging Face hub.
//! Reading is lazy and strict. Tensors are read and converted on demand. Anything missing, damaged, of another shape or
//! not finite is an error that names the file, the tensor and the nearest valid name.
//!
//! To add a file format, add a module that returns a [`Checkpoint`], and choose it in [`Checkpoint::open`]. To add a
//! shipped model, touch `shipped.rs`.

mod bytes;
mod float;
mod folder;
mod gguf;
mod hub;
mod kinds;
mod safetensors;
mod settings;
pub(crate) mod shipped;
mod specials;
mod weights;

use std::path::Path;

pub(crate) use folder::{BESIDE, CONFIG, TOKENIZER, WEIGHTS};
pub use hub::Hub;
use hub::HubId;
pub use kinds::{Finite, FromSetting};
pub(crate) use settings::NATIVE;
pub use settings::{Keys, Settings};
pub(crate) use shipped::NAMES as SHIPPED;
pub(crate) use specials::check as check_special_ids;
pub use weights::Weights;

use crate::{
    error::{LoadError, Result, nearest},
    text::Tokenizer,
};

/// Everything on disk about one model: its configuration, its weights by name, its tokenizer.
///
/// A family (see [`model`](crate::model)) turns it into a model.
///
/// # Examples
/// ```
/// use glassbox::load::Checkpoint;
/// let error = Checkpoint::from_folder("no/such/folder").unwrap_err();
/// assert!(error.is_load() && error.to_string().contains("check the path"));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Checkpoint {
    /// The model's name for titles: the folder's name, the GGUF file's own name, or the hub id.
    pub name: String,
    /// The configuration, with the keys of a `config.json`.
    pub settings: Settings,
    /// The tensors.
    pub weights: Weights,
    /// The tokenizer, if the place has one.
    pub tokenizer: Option<Tokenizer>,
    /// The place that it was read from, for display.
    pub origin: String,
}

impl Checkpoint {
    /// Opens a folder, a `.gguf` file or, if neither exists, a model of the Hugging Face hub by its id (`org/name` or
    /// `name`, with `@revision` after it for another branch, tag or commit than `main`).
    ///
    /// # Errors
    /// When nothing is found, or a file is missing or damaged.
    pub fn open(place: &str) -> Result<Self> {
        let path = match (place.strip_prefix("~/"), std::env::home_dir()) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => Path::new(place).to_owned(),
        };
        if path.is_dir() {
            Self::from_folder(path)
        } else if path.extension().is_some_and(|ending| ending == "gguf") {
            Self::from_gguf(path)
        } else if path.is_file() {
            let why = "a model is a folder with config.json and model.safetensors, or a .gguf file".to_owned();
            Err(LoadError::Damaged { path, what: "a model", why }.into())
        } else {
            let shipped = crate::load::SHIPPED;
            let id = match place.split('@').next().is_some_and(|name| shipped.contains(&name)) {
                true => Err("a shipped model is opened with `Model::open`"),
                false => HubId::parse(place),
            };
            let id = id.map_err(|rule| {
                let beside = beside(&path).map(|names| format!("beside it are {names}; ")).unwrap_or_default();
                let hint = format!(
                    "{beside}give a model's folder, a .gguf file, a model that ships with glassbox ({}), or a model on the \
                     hub; {rule}",
                    shipped.join(", ")
                );
                let path = if place.trim().is_empty() { "a model without a name".into() } else { path };
                LoadError::Missing { path, hint }
            })?;
            Hub::from_env().open_id(&id)
        }
    }

    /// Opens a folder with `config.json`, `model.safetensors` (or its parts and their index) and, for a model that
    /// reads text, `tokenizer.json`. If both the single file and parts exist, they must hold the same tensors.
    ///
    /// # Errors
    /// When the folder or a file in it is missing or damaged.
    #[doc(alias = "from_pretrained")]
    pub fn from_folder(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        if !folder.is_dir() {
            let hint = if folder.exists() { "it is a file, not a folder" } else { "check the path" };
            return Err(LoadError::Missing { path: folder.to_owned(), hint: hint.to_owned() }.into());
        }
        folder::open(folder, name_of(folder))
    }

    /// Opens a `.gguf` file. Quantized tensors are dequantized. Settings and tensors get the names of the model's own
    /// `config.json` and safetensors files.
    ///
    /// # Errors
    /// When the file is missing or damaged, or its architecture is not supported in GGUF.
    pub fn from_gguf(file: impl AsRef<Path>) -> Result<Self> {
        let file = file.as_ref();
        if !file.is_file() {
            let hint = if file.exists() { "it is a folder, not a file" } else { "check the path" };
            return Err(LoadError::Missing { path: file.to_owned(), hint: hint.to_owned() }.into());
        }
        gguf::open(file, name_of(file))
    }

    /// Opens a model of the Hugging Face hub by its id, as [`Hub::from_env`] does: from the local cache and, with the
    /// feature `hub`, over the network if the cache lacks it.
    ///
    /// # Errors
    /// When the model is neither in the cache nor available on the hub, or one of its files is damaged.
    #[doc(alias = "from_pretrained")]
    pub fn from_hub(id: &str) -> Result<Self> {
        Hub::from_env().open(id)
    }

    /// Makes a checkpoint from bytes in memory: the text of a `config.json`, a safetensors file, and a
    /// `tokenizer.json`.
    ///
    /// # Errors
    /// When one of them is damaged.
    pub fn from_bytes(name: &str, config: &str, weights: Vec<u8>, tokenizer: Option<&[u8]>) -> Result<Self> {
        let settings = Settings::parse(config)?;
        let weights = Weights::new(safetensors::SafetensorFiles::in_memory(weights)?);
        let tokenizer = match tokenizer.map(Tokenizer::from_bytes).transpose()? {
            Some(tokenizer) => {
                let specials = specials::find(std::slice::from_ref(&settings), &settings, &tokenizer)?;
                Some(tokenizer.with_special_ids(specials))
            }
            None => None,
        };
        Ok(Self { name: name.to_owned(), settings, weights, tokenizer, origin: "memory".to_owned() })
    }
}

/// The file with the nearest name in the folder that was searched, if that folder exists.
fn beside(path: &Path) -> Option<String> {
    let (folder, name) = (path.parent().filter(|folder| folder.is_absolute())?, path.file_name()?.to_string_lossy());
    let entries = std::fs::read_dir(folder).ok()?.flatten().take(1000);
    let nearest = nearest(&name, entries.map(|entry| entry.file_name().to_string_lossy().into_owned()), 3);
    (!nearest.is_empty()).then(|| weights::quoted(&nearest))
}

/// The last part of a path, without the extension `.gguf`.
fn name_of(path: &Path) -> String {
    let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let name = whole.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.strip_suffix(".gguf").map(str::to_owned).unwrap_or(name)
}
