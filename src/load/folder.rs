//! Reads a folder in the layout of `save_pretrained` and of the Hugging Face hub.

use std::path::Path;

use super::{
    Checkpoint, Settings, Weights,
    bytes::Bytes,
    safetensors::{SafetensorFiles, read_index},
    specials,
};
use crate::{
    error::{LoadError, Result},
    text::Tokenizer,
};

pub(crate) const CONFIG: &str = "config.json";
pub(crate) const WEIGHTS: &str = "model.safetensors";
pub(super) const INDEX: &str = "model.safetensors.index.json";
pub(crate) const TOKENIZER: &str = "tokenizer.json";
/// The files that name special tokens; the first that names one wins. The configuration itself comes last.
pub(super) const SPECIALS: [&str; 3] = ["tokenizer_config.json", "special_tokens_map.json", "generation_config.json"];
/// The optional files beside configuration, weights and tokenizer.
pub(crate) const BESIDE: [&str; 6] = [INDEX, SPECIALS[0], SPECIALS[1], SPECIALS[2], POOLING, DENSE];
/// How the sentence-transformers library pools a text into one vector, and how it may transform that vector.
pub(super) const POOLING: &str = "1_Pooling/config.json";
const DENSE: &str = "2_Dense";
#[cfg(feature = "hub")]
pub(super) const DENSE_CONFIG: &str = "2_Dense/config.json";

pub(super) fn open(folder: &Path, name: String) -> Result<Checkpoint> {
    let Some(mut settings) = read(folder, CONFIG)? else {
        return Err(missing(folder, CONFIG, "a model's folder holds config.json and model.safetensors"));
    };
    if let Some(pooling) = read(folder, POOLING)? {
        settings.set("sentence_pooling", pooling);
    }
    if folder.join(DENSE).is_dir() {
        settings.set(DENSE, true);
    }
    refuse_adapter(folder)?;
    let weights = Weights::new(files(folder)?);
    let tokenizer = tokenizer(folder, &settings)?;
    Ok(Checkpoint { name, settings, weights, tokenizer, origin: folder.display().to_string() })
}

/// Refuses a folder with a low-rank adapter, which transformers would add to the weights.
fn refuse_adapter(folder: &Path) -> Result<()> {
    let files = ["adapter_model.safetensors", "adapter_model.bin"];
    let Some(path) = files.map(|file| folder.join(file)).into_iter().find(|path| path.exists()) else { return Ok(()) };
    let why = "it changes the weights beside it (LoRA), which glassbox does not do; write the changed model with \
               merge_and_unload() and save_pretrained() of the Python library peft, or take the file away to read the \
               model without it";
    Err(LoadError::Damaged { path, what: "part of a model", why: why.to_owned() }.into())
}

/// The single weights file, or the parts of the index. If both exist, they must hold the same tensors.
fn files(folder: &Path) -> Result<SafetensorFiles> {
    let (single, index) = (folder.join(WEIGHTS), folder.join(INDEX));
    match (is_there(&single)?, is_there(&index)?) {
        (true, false) => SafetensorFiles::single(&single),
        (false, true) => SafetensorFiles::sharded(&index),
        (true, true) => one_of_both(&single, &index),
        (false, false) => {
            let names = std::fs::read_dir(folder).into_iter().flatten().flatten();
            let names: Vec<_> = names.map(|file| file.file_name().to_string_lossy().into_owned()).collect();
            let nowhere = "nor was model.safetensors.index.json; one of them must hold the weights".to_owned();
            Err(missing(folder, WEIGHTS, &only_pickled(names.iter().map(String::as_str)).unwrap_or(nowhere)))
        }
    }
}

/// The single file, as the transformers library chooses, unless the parts of the index beside it differ from it.
fn one_of_both(single: &Path, index: &Path) -> Result<SafetensorFiles> {
    let either = |why: String| {
        let why = format!("{why}; {INDEX} beside it names parts that hold the weights too; remove one or the other");
        LoadError::Damaged { path: single.to_owned(), what: "the model's weights", why }
    };
    let one = SafetensorFiles::single(single).map_err(|error| either(error.to_string()))?;
    let folder = index.parent().unwrap_or(Path::new("."));
    let parts = read_index(index).map_err(|error| either(error.to_string()))?;
    // An index without any of its parts is ignored.
    if !parts.keys().any(|part| folder.join(part).is_file()) {
        return Ok(one);
    }
    let parts = SafetensorFiles::sharded(index).map_err(|error| either(error.to_string()))?;
    match one.difference(&parts)? {
        None => Ok(one),
        Some(name) => Err(either(format!("its `{name}` differs from that of the parts")).into()),
    }
}

/// Whether the file exists.
///
/// # Errors
/// When the name belongs to something else: a folder, or a broken link.
fn is_there(path: &Path) -> Result<bool> {
    match path.symlink_metadata() {
        Ok(_) if path.is_file() => Ok(true),
        Ok(found) => {
            let hint = match found.is_symlink() {
                true => "its name belongs to a broken link; download the model again",
                false => "its name belongs to something that is not a file",
            };
            Err(LoadError::Missing { path: path.to_owned(), hint: hint.to_owned() }.into())
        }
        Err(_) => Ok(false),
    }
}

/// Advice about weights that exist only as a pickle, if one of these files is a pickle.
pub(super) fn only_pickled<'a>(names: impl Iterator<Item = &'a str>) -> Option<String> {
    let beside = ["training_args", "optimizer", "scheduler", "rng_state"];
    let pickled = |name: &&str| {
        let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
        ["bin", "pth", "pt", "ckpt"].contains(&ending) && !beside.contains(&stem) && !stem.contains('/')
    };
    let file = names.filter(pickled).min_by_key(|name| (!name.starts_with("pytorch_model"), *name))?;
    Some(format!(
        "the model has its weights only as {file}, a pickle, which can run code when it is read and which glassbox does \
         not read. In Python, save_pretrained(folder, safe_serialization=True) writes a model of the transformers \
         library as safetensors; the tensors of any other file are written by `from safetensors.torch import save_file; \
         save_file({{name: x.clone().contiguous() for name, x in torch.load(\"{file}\", \"cpu\", \
         weights_only=True).items()}}, \"{WEIGHTS}\")`"
    ))
}

fn tokenizer(folder: &Path, settings: &Settings) -> Result<Option<Tokenizer>> {
    let path = folder.join(TOKENIZER);
    if !is_there(&path)? {
        return Ok(None);
    }
    let tokenizer = Tokenizer::from_file(&path)?;
    let mut written = Vec::new();
    for file in SPECIALS {
        written.extend(read(folder, file)?);
    }
    written.push(settings.clone());
    let specials = specials::find(&written, settings, &tokenizer)?;
    Ok(Some(tokenizer.with_special_ids(specials)))
}

/// The settings in a file of the folder, if it exists.
fn read(folder: &Path, file: &str) -> Result<Option<Settings>> {
    let path = folder.join(file);
    if !is_there(&path)? {
        return Ok(None);
    }
    Settings::parse_file(&Bytes::of_text(&path)?, &path).map(Some)
}

fn missing(folder: &Path, file: &str, hint: &str) -> crate::Error {
    LoadError::Missing { path: folder.join(file), hint: hint.to_owned() }.into()
}
