//! Models of the [Hugging Face hub](https://huggingface.co/models): read from the local cache, and downloaded if
//! missing.

#[cfg(feature = "hub")]
mod address;
#[cfg(feature = "hub")]
mod answer;
mod cache;
#[cfg(feature = "hub")]
mod download;
mod env;
mod id;
#[cfg(feature = "hub")]
mod place;
#[cfg(feature = "hub")]
mod transfer;
#[cfg(feature = "hub")]
mod verify;
#[cfg(feature = "hub")]
mod web;

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use self::cache::Cache;
pub(super) use self::id::HubId;
use super::{Checkpoint, folder};
use crate::error::{LoadError, Result, nearest};

/// The advice in builds without the feature `hub`.
#[cfg(not(feature = "hub"))]
const HOW_TO_DOWNLOAD: &str = "this build of glassbox does not download: add its feature `hub`, in Cargo.toml as \
    glassbox = { features = [\"hub\"] }, for a notebook in that of the crate that its first cell loads";

const PATIENCE: Duration = Duration::from_secs(30);

/// The Hugging Face hub, and the local cache that is shared with Python's `huggingface_hub`.
///
/// Reading the cache always works. Downloading needs the feature `hub`.
///
/// ```
/// use glassbox::load::Hub;
/// let cache = std::env::temp_dir().join("an-empty-cache");
/// let error = Hub::from_env().with_cache(cache).with_offline(true).open("openai-community/gpt2").unwrap_err();
/// assert!(error.to_string().contains("an-empty-cache"));
/// ```
#[derive(Clone)]
pub struct Hub {
    endpoint: String,
    cache: Cache,
    token: Option<String>,
    offline: bool,
    progress: Option<Progress>,
    patience: Duration,
}

/// Called with a file's name, the bytes received so far, and the total.
type Progress = Arc<dyn Fn(&str, u64, u64) + Send + Sync>;

impl Hub {
    /// Configures the hub from the environment variables of Python's `huggingface_hub`: `HF_ENDPOINT`, `HF_HUB_CACHE`
    /// (or `HF_HOME`, or `~/.cache/huggingface`), `HF_TOKEN` (or the file named by `HF_TOKEN_PATH`, or `token` in
    /// `HF_HOME`) and `HF_HUB_OFFLINE`.
    pub fn from_env() -> Self {
        env::hub(|name| std::env::var_os(name), std::env::home_dir())
    }

    /// Sets another address, such as a mirror.
    pub fn with_endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = endpoint.into().trim().trim_end_matches('/').to_owned();
        self
    }

    /// Sets another cache folder.
    pub fn with_cache(mut self, folder: impl Into<PathBuf>) -> Self {
        self.cache = Cache::new(folder.into());
        self
    }

    /// Sets the access token. It is sent to the hub's own address only, never to the target of a redirect.
    pub fn with_token(mut self, token: Option<String>) -> Self {
        self.token = token.map(|token| token.trim().to_owned()).filter(|token| !token.is_empty());
        self
    }

    /// Sets whether the network is off limits.
    pub fn with_offline(mut self, offline: bool) -> Self {
        self.offline = offline;
        self
    }

    /// Sets a callback for downloads. It gets a file's name, the bytes received so far, and the total.
    pub fn with_progress(mut self, f: impl Fn(&str, u64, u64) + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(f));
        self
    }

    /// Sets how long a transfer may stay below 1 KB per second before it is given up, which is also the longest pause
    /// before a retry. The default is 30 seconds.
    ///
    /// ```
    /// use glassbox::load::Hub;
    /// let slow = Hub::from_env().with_patience(std::time::Duration::from_secs(120));
    /// assert!(format!("{slow:?}").starts_with("Hub("));
    /// ```
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience.clamp(Duration::from_millis(10), Duration::from_secs(24 * 3600));
        self
    }

    /// Opens a model by its id: `org/name` or `name`, with `@revision` after it for a branch, a tag or a commit.
    ///
    /// The network is used only if the cache lacks a needed file or has an unreadable one. Every downloaded file is
    /// checked against the size and the hash that the hub announces.
    ///
    /// # Errors
    /// When the id is malformed, the model is neither in the cache nor available on the hub, or one of its files is
    /// damaged.
    pub fn open(&self, id: &str) -> Result<Checkpoint> {
        self.open_id(&HubId::parse(id).map_err(|rule| self.not_found(id, rule))?)
    }

    pub(super) fn open_id(&self, id: &HubId) -> Result<Checkpoint> {
        let mut snapshot = self.snapshot(id)?;
        let opened = match folder::open(&snapshot, id.repo.clone()) {
            Err(why) => match self.download(id, true, None) {
                Ok((checked, changed)) if changed || checked != snapshot => {
                    snapshot = checked;
                    folder::open(&snapshot, id.repo.clone())
                }
                Err(unasked) if unasked.is_out_of_reach() => {
                    let (why, folder) = (why.to_string(), self.cache.model(id));
                    Err(LoadError::BrokenCache { why, folder }.into())
                }
                checked => checked.and(Err(why)),
            },
            opened => opened,
        };
        let mut checkpoint = opened?;
        checkpoint.origin = format!("{id} in {}", snapshot.display());
        Ok(checkpoint)
    }

    /// The ids of the models in the cache.
    pub fn cached(&self) -> Vec<String> {
        self.cache.models()
    }

    /// The folder with the model's files, downloaded if needed.
    fn snapshot(&self, id: &HubId) -> Result<PathBuf> {
        let cached = self.cache.snapshot(id).filter(|snapshot| self.cache.has_weights(snapshot));
        match cached {
            Some(snapshot) if self.cache.is_whole(id, &snapshot) => Ok(snapshot),
            // Weights without a tokenizer are accepted if the hub cannot be asked whether there is one.
            cached => self.download(id, false, cached).map(|(snapshot, _)| snapshot),
        }
    }

    /// The folder with the files that the hub lists, and whether any file is new or replaced. With `checked`, the bytes
    /// of existing files are compared with the hub's hashes. If the hub cannot be reached, `otherwise` is the folder.
    #[cfg(feature = "hub")]
    fn download(&self, id: &HubId, checked: bool, otherwise: Option<PathBuf>) -> Result<(PathBuf, bool)> {
        if self.offline {
            let missing = || self.not_found(&id.to_string(), "HF_HUB_OFFLINE forbids downloading it");
            return otherwise.map(|snapshot| (snapshot, false)).ok_or_else(missing);
        }
        download::snapshot(self, id, checked, otherwise)
    }

    #[cfg(not(feature = "hub"))]
    fn download(&self, id: &HubId, _checked: bool, otherwise: Option<PathBuf>) -> Result<(PathBuf, bool)> {
        let _ = (&self.token, self.offline, &self.progress, self.patience);
        let missing = || self.not_found(&id.to_string(), HOW_TO_DOWNLOAD);
        otherwise.map(|snapshot| (snapshot, false)).ok_or_else(missing)
    }

    fn not_found(&self, id: &str, hint: &str) -> crate::Error {
        let (cache, models) = (self.cache.folder().to_owned(), self.cached());
        let repo = id.split('@').next().unwrap_or(id);
        let cached = match models.len() {
            0 => "is empty or not there".to_owned(),
            _ if models.iter().any(|model| model == repo) => "holds it, but not all files of this revision".to_owned(),
            1 => format!("holds only {}", super::weights::quoted(&models)),
            count => format!("holds {count} models, the nearest {}", super::weights::quoted(&nearest(id, models, 3))),
        };
        let shipped = Some(self.shipped(repo)).filter(|text| !text.is_empty());
        let hint = std::iter::once(hint.to_owned()).chain(shipped).collect::<Vec<_>>().join("; ");
        LoadError::NotInCache { id: id.to_owned(), cache, cached, hint }.into()
    }

    /// A hint for a name without an owner that may mean a shipped model.
    fn shipped(&self, repo: &str) -> String {
        let shipped = || format!("the models that ship with glassbox are {}", crate::load::SHIPPED.join(", "));
        if repo.contains('/') { String::new() } else { shipped() }
    }
}

/// Outside text for an error message: quoted, with control characters escaped, and shortened.
#[cfg(feature = "hub")]
fn shown(text: &str) -> String {
    let start: String = text.chars().take(80).collect();
    if start.len() < text.len() { format!("{start:?}...") } else { format!("{start:?}") }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hub({}, {})", self.endpoint, self.cache.folder().display())
    }
}
