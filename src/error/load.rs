//! The errors of reading a model's files ([`load`](crate::load)).
use super::{Error, Kind};
use std::path::{Path, PathBuf};

/// A problem with a model's files.
#[derive(thiserror::Error, Debug)]
pub(crate) enum LoadError {
    #[error("{} was not found; {hint}", whole(path).display())]
    Missing { path: PathBuf, hint: String },
    #[error("{} cannot be read as {what}: {why}", path.display())]
    Damaged { path: PathBuf, what: &'static str, why: String },
    #[error("glassbox does not know the model type `{given}`; the nearest is `{nearest}`, and it knows {known}")]
    UnknownFamily { given: String, nearest: String, known: String },
    #[error("the configuration says `{key}` = {value}, which glassbox does not implement: {why}")]
    Unsupported { key: String, value: String, why: String },
    #[error("the configuration has no `{key}`, which a {family} model needs")]
    MissingKey { key: String, family: String },
    #[error("the configuration key `{key}` is {value} where {expected} is needed")]
    BadKey { key: String, value: String, expected: String },
    #[error("the configuration says `{key}` = {value}, which makes no sense: {why}")]
    Senseless { key: String, value: String, why: String },
    #[error("the weights have no tensor `{name}`; the nearest are {nearest}")]
    MissingTensor { name: String, nearest: String },
    #[error("the tensor `{name}` has shape {got:?} where the configuration needs {expected:?}")]
    TensorShape { name: String, got: Vec<usize>, expected: Vec<usize> },
    #[error("the tensor `{name}` is stored as {given}, which glassbox does not read; it reads {known}")]
    TensorType { name: String, given: String, known: &'static str },
    #[error("the tensor `{name}` has values that are not finite (NaN or infinite), {count} in all; {whence}")]
    NotFinite { name: String, count: usize, whence: String },
    #[error(
        "the weights hold `{first}` and `{second}`, two names of one tensor, with different values, and glassbox \
         cannot tell which is meant; leave one of them out"
    )]
    TwoNames { first: String, second: String },
    #[error(
        "{} became shorter while it was read: it had {len} bytes when it was opened; wait until it is written, and \
         open it again", path.display()
    )]
    Shortened { path: PathBuf, len: usize },
    #[error(
        "this {family} model does not use {count} of the stored tensors ({names}), so its answers would \
         differ from the real model's; its configuration asks for something that glassbox does not implement"
    )]
    UnusedTensors { family: String, count: usize, names: String },
    #[error(
        "`{id}` is neither a file nor a folder here, nor a model in the hub's cache {}, which {cached}; {hint}",
        cache.display()
    )]
    NotInCache { id: String, cache: PathBuf, cached: String, hint: String },
    #[error(
        "`{name}` ships inside glassbox with the feature `models`, which this build leaves out; add it in Cargo.toml: \
         glassbox = {{ features = [\"models\"] }}"
    )]
    ModelsLeftOut { name: String },
    #[error("`{name}` was not kept at step `{step}` of its training; it was kept at {}", steps(known))]
    NoSuchStep { name: String, step: String, known: Vec<String> },
    #[cfg(feature = "hub")]
    #[error("the hub answers {status} for `{id}` ({url}): {why}")]
    HubRefused { id: String, url: String, status: u16, why: String },
    #[cfg(feature = "hub")]
    #[error("the hub's answer for `{id}` {why} ({url})")]
    HubAnswer { id: String, url: String, why: String },
    #[cfg(feature = "hub")]
    #[error("{why}")]
    HubSetting { why: String },
    #[cfg(feature = "hub")]
    #[error("{url} could not be downloaded: {why}; {}", what_is_kept(*kept))]
    Download { url: String, why: String, kept: u64 },
    #[error(
        "{why}; the file is in the hub's cache and could not be verified; delete {} to download the model again",
        folder.display()
    )]
    BrokenCache { why: String, folder: PathBuf },
}

impl super::Error {
    /// True when the hub cannot be reached or does not give us the model.
    pub(crate) fn is_out_of_reach(&self) -> bool {
        match &*self.0 {
            super::Kind::Load(LoadError::NotInCache { .. }) => true,
            #[cfg(feature = "hub")]
            super::Kind::Load(LoadError::HubRefused { .. }) => true,
            _ => false,
        }
    }
}

#[cfg(feature = "hub")]
fn what_is_kept(count: u64) -> String {
    match count {
        0 => "nothing of it was saved".into(),
        count => format!("the {count} bytes received are saved, and the next attempt continues from there"),
    }
}

fn steps(known: &[String]) -> String {
    if known.is_empty() { "no step but its last, which has no `@`".into() } else { known.join(", ") }
}

impl Error {
    /// The same error with another name for the key of its setting.
    pub(crate) fn with_keys(self, named: impl Fn(&str) -> String) -> Self {
        match &*self.0 {
            Kind::Load(LoadError::Senseless { key, value, why }) => {
                LoadError::Senseless { key: named(key), value: value.clone(), why: why.clone() }.into()
            }
            Kind::Load(LoadError::Unsupported { key, value, why }) => {
                LoadError::Unsupported { key: named(key), value: value.clone(), why: why.clone() }.into()
            }
            _ => self,
        }
    }
}

/// The path from the root, so that it is clear which folder a relative path was looked up in.
fn whole(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
