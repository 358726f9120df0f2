//! Models of the Hugging Face hub: from the local cache first, and over the network only for what it lacks.

mod cache;
#[cfg(feature = "hub")]
mod download;

use std::{fmt, path::PathBuf, sync::Arc};

use self::cache::Cache;
use super::{Checkpoint, folder};
use crate::error::{LoadError, Result, nearest};

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
}

/// Called with a file's name, how many of its bytes have come, and how many there are.
type Progress = Arc<dyn Fn(&str, u64, u64) + Send + Sync>;

/// One revision of one model.
#[derive(Clone, Debug, PartialEq, Eq)]
struct HubId {
    repo: String,
    revision: String,
}

impl Hub {
    /// As the environment says: `HF_ENDPOINT`, `HF_HUB_CACHE` (or `HF_HOME`, or `~/.cache/huggingface`), `HF_TOKEN`
    /// (or the file `token` in `HF_HOME`) and `HF_HUB_OFFLINE`.
    pub fn from_env() -> Self {
        Self::from_variables(|name| std::env::var(name).ok().filter(|value| !value.is_empty()), std::env::home_dir())
    }

    fn from_variables(variable: impl Fn(&str) -> Option<String>, user: Option<PathBuf>) -> Self {
        let caches = variable("XDG_CACHE_HOME").map(PathBuf::from).or(user.map(|user| user.join(".cache")));
        let home = variable("HF_HOME").map(PathBuf::from);
        let home = home.unwrap_or_else(|| caches.unwrap_or_default().join("huggingface"));
        let cache = variable("HF_HUB_CACHE").or(variable("HUGGINGFACE_HUB_CACHE")).map(PathBuf::from);
        let token_file = variable("HF_TOKEN_PATH").map_or_else(|| home.join("token"), PathBuf::from);
        let token = variable("HF_TOKEN").or_else(|| std::fs::read_to_string(token_file).ok());
        let is_yes = |value: String| ["1", "on", "yes", "true"].contains(&&*value.to_lowercase());
        Self {
            endpoint: variable("HF_ENDPOINT").unwrap_or_else(|| "https://huggingface.co".into()),
            cache: Cache::new(cache.unwrap_or_else(|| home.join("hub"))),
            token: token.map(|token| token.trim().to_owned()).filter(|token| !token.is_empty()),
            offline: variable("HF_HUB_OFFLINE").is_some_and(is_yes),
            progress: None,
        }
    }

    /// The same hub at another address, such as a mirror.
    pub fn with_endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = endpoint.into().trim_end_matches('/').to_owned();
        self
    }

    /// The same hub with another cache folder.
    pub fn with_cache(mut self, folder: impl Into<PathBuf>) -> Self {
        self.cache = Cache::new(folder.into());
        self
    }

    /// The same hub, asked as the owner of this token.
    pub fn with_token(mut self, token: Option<String>) -> Self {
        self.token = token;
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

    /// Opens a model by its id: `org/name`, or `org/name@revision` with a branch, a tag or a commit.
    ///
    /// The network is used only when the cache lacks a file that is needed.
    ///
    /// # Errors
    /// When the id is not one, the model is neither in the cache nor to be had, or a file of it is damaged.
    pub fn open(&self, id: &str) -> Result<Checkpoint> {
        let id = HubId::parse(id).ok_or_else(|| self.not_found(id, "an id has the form `org/name`"))?;
        let snapshot = self.snapshot(&id)?;
        let mut checkpoint = folder::open(&snapshot, id.repo.clone())?;
        checkpoint.origin = format!("{id} in {}", snapshot.display());
        Ok(checkpoint)
    }

    /// The models in the cache, by id.
    pub fn cached(&self) -> Vec<String> {
        self.cache.models()
    }

    /// The folder with the model's files, downloaded where needed.
    fn snapshot(&self, id: &HubId) -> Result<PathBuf> {
        let cached = self.cache.snapshot(id);
        match cached {
            Some(snapshot) if self.cache.is_whole(id, &snapshot) => Ok(snapshot),
            // Weights without a tokenizer are enough where the hub cannot be asked whether there is one.
            Some(snapshot) if self.cache.has_weights(&snapshot) => self.download(id).or(Ok(snapshot)),
            _ => self.download(id),
        }
    }

    #[cfg(feature = "hub")]
    fn download(&self, id: &HubId) -> Result<PathBuf> {
        if self.offline {
            return Err(self.not_found(&id.to_string(), "HF_HUB_OFFLINE forbids to download it"));
        }
        download::snapshot(self, id)
    }

    #[cfg(not(feature = "hub"))]
    fn download(&self, id: &HubId) -> Result<PathBuf> {
        let _ = (&self.endpoint, &self.token, self.offline, &self.progress);
        Err(self.not_found(&id.to_string(), "enable glassbox's feature `hub` to download it"))
    }

    fn not_found(&self, id: &str, hint: &str) -> crate::Error {
        let (cache, models) = (self.cache.folder().to_owned(), self.cached());
        let cached = match models.len() {
            0 => "is empty or not there".to_owned(),
            count => format!("holds {count} models, the nearest {}", super::weights::quoted(&nearest(id, models, 3))),
        };
        LoadError::NotInCache { id: id.to_owned(), cache, cached, hint: hint.to_owned() }.into()
    }
}

impl HubId {
    /// Nothing where the text cannot be the id of a model on the hub, such as a path.
    fn parse(id: &str) -> Option<Self> {
        let (repo, revision) = id.split_once('@').unwrap_or((id, "main"));
        let is_word = |word: &str| {
            word.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
                && word.starts_with(|c: char| c.is_ascii_alphanumeric())
                && !word.contains("..")
        };
        let is_repo = repo.split('/').count() <= 2 && repo.split('/').all(is_word);
        (is_repo && revision.split('/').all(is_word))
            .then(|| Self { repo: repo.to_owned(), revision: revision.to_owned() })
    }
}

impl fmt::Display for HubId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.revision.as_str() {
            "main" => f.write_str(&self.repo),
            revision => write!(f, "{}@{revision}", self.repo),
        }
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hub({}, {})", self.endpoint, self.cache.folder().display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hub(variables: &[(&str, &str)]) -> Hub {
        let get = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_string());
        Hub::from_variables(get, Some(PathBuf::from("/home/me")))
    }

    #[test]
    fn the_environment_decides_as_it_does_for_pythons_library() {
        let folder = |variables| hub(variables).cache.folder().to_owned();
        assert_eq!(folder(&[]), PathBuf::from("/home/me/.cache/huggingface/hub"));
        assert_eq!(folder(&[("XDG_CACHE_HOME", "/c")]), PathBuf::from("/c/huggingface/hub"));
        assert_eq!(folder(&[("HF_HOME", "/h"), ("XDG_CACHE_HOME", "/c")]), PathBuf::from("/h/hub"));
        assert_eq!(folder(&[("HF_HUB_CACHE", "/hub"), ("HF_HOME", "/h")]), PathBuf::from("/hub"));
        let set = hub(&[("HF_TOKEN", " secret\n"), ("HF_HUB_OFFLINE", "True"), ("HF_ENDPOINT", "https://mirror")]);
        assert_eq!((set.token.as_deref(), set.offline, &*set.endpoint), (Some("secret"), true, "https://mirror"));
        assert!(!format!("{set:?}").contains("secret"));
        let unset = hub(&[]);
        assert_eq!((unset.token, unset.offline, &*unset.endpoint), (None, false, "https://huggingface.co"));
    }

    #[test]
    fn ids_have_an_owner_a_name_and_a_revision_and_paths_are_none() {
        let parse = |id| HubId::parse(id).map(|id| (id.repo, id.revision));
        assert_eq!(parse("gpt2"), Some(("gpt2".into(), "main".into())));
        assert_eq!(parse("a-b/c_d.e@refs/pr/1"), Some(("a-b/c_d.e".into(), "refs/pr/1".into())));
        for path in ["", "/a/b", "./a", "a/b/c", "../a", "a/..", "a@", "a@..", "~/a", "a\\b", "a b", "a/", "a@b/../c"] {
            assert_eq!(parse(path), None, "{path}");
        }
    }
}
