//! A folder as the hub and `save_pretrained` write it.

use std::path::Path;

use super::{Checkpoint, Settings, Weights, bytes::Bytes, safetensors::SafetensorFiles, specials};
use crate::{
    error::{LoadError, Result},
    text::Tokenizer,
};

pub(super) const CONFIG: &str = "config.json";
pub(super) const WEIGHTS: &str = "model.safetensors";
pub(super) const INDEX: &str = "model.safetensors.index.json";
pub(super) const TOKENIZER: &str = "tokenizer.json";
/// Where the names and ids of special tokens are written, the first to say it wins. The configuration itself is last.
pub(super) const SPECIALS: [&str; 3] = ["tokenizer_config.json", "special_tokens_map.json", "generation_config.json"];
/// How the sentence-transformers library makes one vector of a text, and what it may do to that vector afterwards.
pub(super) const POOLING: &str = "1_Pooling/config.json";
const DENSE: &str = "2_Dense";

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
    let weights = weights(folder)?;
    let tokenizer = tokenizer(folder, &settings)?;
    Ok(Checkpoint { name, settings, weights, tokenizer, origin: folder.display().to_string() })
}

fn weights(folder: &Path) -> Result<Weights> {
    let (single, index) = (folder.join(WEIGHTS), folder.join(INDEX));
    if single.is_file() {
        Ok(Weights::new(SafetensorFiles::single(&single)?))
    } else if index.is_file() {
        Ok(Weights::new(SafetensorFiles::sharded(&index)?))
    } else {
        let names = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let names: Vec<_> = names.map(|file| file.file_name().to_string_lossy().into_owned()).collect();
        let nowhere = "nor was model.safetensors.index.json; one of them must hold the weights".to_owned();
        Err(missing(folder, WEIGHTS, &only_pickled(names.iter().map(String::as_str)).unwrap_or(nowhere)))
    }
}

/// What to do about weights that are there only as a pickle, where one of these files is one.
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
    if !path.is_file() {
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

/// The settings in a file of the folder, where there is one.
fn read(folder: &Path, file: &str) -> Result<Option<Settings>> {
    let path = folder.join(file);
    if !path.is_file() {
        return Ok(None);
    }
    Settings::parse_file(&Bytes::map(&path)?, &path).map(Some)
}

fn missing(folder: &Path, file: &str, hint: &str) -> crate::Error {
    LoadError::Missing { path: folder.join(file), hint: hint.to_owned() }.into()
}
