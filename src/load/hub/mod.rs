//! Models of the Hugging Face hub: from the local cache first, and over the network only for what it lacks.

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

/// For builds that cannot.
#[cfg(not(feature = "hub"))]
const HOW_TO_DOWNLOAD: &str = "this build of glassbox does not download: add its feature `hub`, in Cargo.toml as \
    glassbox = { features = [\"hub\"] }, for a notebook in that of the crate that its first cell loads";

const PATIENCE: Duration = Duration::from_secs(30);

/// The Hugging Face hub and the cache on this machine that it shares with Python's `huggingface_hub`.
///
/// Reading the cache needs nothing; downloading what it lacks needs the feature `hub`.
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

/// Called with a file's name, how many of its bytes have come, and how many there are.
type Progress = Arc<dyn Fn(&str, u64, u64) + Send + Sync>;

impl Hub {
    /// As the environment says, read as Python's `huggingface_hub` reads it: `HF_ENDPOINT`, `HF_HUB_CACHE` (or
    /// `HF_HOME`, or `~/.cache/huggingface`), `HF_TOKEN` (or the file that `HF_TOKEN_PATH` names, or `token` in
    /// `HF_HOME`) and `HF_HUB_OFFLINE`.
    pub fn from_env() -> Self {
        env::hub(|name| std::env::var_os(name), std::env::home_dir())
    }

    /// The same hub at another address, such as a mirror.
    pub fn with_endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = endpoint.into().trim().trim_end_matches('/').to_owned();
        self
    }

    /// The same hub with another cache folder.
    pub fn with_cache(mut self, folder: impl Into<PathBuf>) -> Self {
        self.cache = Cache::new(folder.into());
        self
    }

    /// The same hub, asked as the owner of this token. It is sent to the hub's own address only, never to where the hub
    /// sends a request on to.
    pub fn with_token(mut self, token: Option<String>) -> Self {
        self.token = token.map(|token| token.trim().to_owned()).filter(|token| !token.is_empty());
        self
    }

    /// The same hub, which the network may not be used for.
    pub fn with_offline(mut self, offline: bool) -> Self {
        self.offline = offline;
        self
    }

    /// The same hub, which calls `f` while it downloads: with a file's name, how many of its bytes have come, and how
    /// many there are.
    pub fn with_progress(mut self, f: impl Fn(&str, u64, u64) + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(f));
        self
    }

    /// The same hub, which gives up on a transfer of less than 1 KB a second over this time, and waits no longer than
    /// this before it asks again. It is 30 seconds unless it is said.
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

    /// Opens a model by its id: `org/name` or `name`, and `@revision` after it for a branch, a tag or a commit.
    ///
    /// The network is used only when the cache lacks a file that is needed, or has one that cannot be read. Every file
    /// that comes is held against the size and the hash that the hub announces.
    ///
    /// # Errors
    /// When the id is not one, the model is neither in the cache nor to be had, or a file of it is damaged.
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

    /// The models in the cache, by id.
    pub fn cached(&self) -> Vec<String> {
        self.cache.models()
    }

    /// The folder with the model's files, downloaded where needed.
    fn snapshot(&self, id: &HubId) -> Result<PathBuf> {
        let cached = self.cache.snapshot(id).filter(|snapshot| self.cache.has_weights(snapshot));
        match cached {
            Some(snapshot) if self.cache.is_whole(id, &snapshot) => Ok(snapshot),
            // Weights without a tokenizer are enough where the hub cannot be asked whether there is one.
            cached => self.download(id, false, cached).map(|(snapshot, _)| snapshot),
        }
    }

    /// The folder with the files that the hub lists, and whether one came or was replaced. With `checked`, every byte
    /// of those that are here is held against the hash that the hub announces. Where it cannot be asked, `otherwise`.
    #[cfg(feature = "hub")]
    fn download(&self, id: &HubId, checked: bool, otherwise: Option<PathBuf>) -> Result<(PathBuf, bool)> {
        if self.offline {
            let missing = || self.not_found(&id.to_string(), "HF_HUB_OFFLINE forbids to download it");
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

    /// What else a name without an owner may have been meant for.
    fn shipped(&self, repo: &str) -> String {
        let shipped = || format!("the models that ship with glassbox are {}", crate::load::SHIPPED.join(", "));
        if repo.contains('/') { String::new() } else { shipped() }
    }
}

/// A text from outside for a sentence: quoted, with control characters written out, and not too long.
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
