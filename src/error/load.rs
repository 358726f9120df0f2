use std::path::PathBuf;

/// What can be wrong with a model's files.
#[derive(thiserror::Error, Debug)]
pub(crate) enum LoadError {
    #[error("{} was not found; {hint}", path.display())]
    Missing { path: PathBuf, hint: String },
    #[error("{} cannot be read as {what}: {why}", path.display())]
    Damaged { path: PathBuf, what: &'static str, why: String },
    #[error("the model type `{given}` is not one that glassbox knows; it knows {known}")]
    UnknownFamily { given: String, known: String },
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
    #[error(
        "the tensor `{name}` has values that are not finite (NaN or infinite), {count} in all: the file is damaged"
    )]
    NotFinite { name: String, count: usize },
    #[error(
        "the weights hold {count} tensors that this {family} model does not use ({names}), so its answers would \
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
    #[error("{url} could not be downloaded: {why}; what came is kept, and the next try goes on from there")]
    Download { url: String, why: String },
}

fn steps(known: &[String]) -> String {
    if known.is_empty() { "no step but its last, which has no `@`".into() } else { known.join(", ") }
}
