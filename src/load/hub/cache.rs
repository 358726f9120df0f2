//! The cache layout of [`huggingface_hub`](https://huggingface.co/docs/huggingface_hub/guides/manage-cache):
//! `models--org--name/{refs, snapshots, blobs}`, and `.locks` beside the models.

use std::path::{Path, PathBuf};

use super::{HubId, id::is_commit};
use crate::load::{
    folder::{CONFIG, INDEX, TOKENIZER, WEIGHTS},
    safetensors::read_index,
};

#[derive(Clone)]
pub(super) struct Cache {
    folder: PathBuf,
}

impl Cache {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder of one model.
    pub(super) fn model(&self, id: &HubId) -> PathBuf {
        self.folder.join(folder_name(id))
    }

    /// The file that records the commit of a branch.
    pub(super) fn reference(&self, id: &HubId) -> PathBuf {
        self.model(id).join("refs").join(&id.revision)
    }

    /// The folder of one commit.
    pub(super) fn snapshot_of(&self, id: &HubId, commit: &str) -> PathBuf {
        self.model(id).join("snapshots").join(commit)
    }

    /// The contents of a file, named by its hash.
    #[cfg(feature = "hub")]
    pub(super) fn blob(&self, id: &HubId, name: &str) -> PathBuf {
        self.model(id).join("blobs").join(name)
    }

    /// The file that is locked while a blob is written, as in Python.
    #[cfg(feature = "hub")]
    pub(super) fn lock(&self, id: &HubId, name: &str) -> PathBuf {
        self.folder.join(".locks").join(folder_name(id)).join(format!("{name}.lock"))
    }

    /// The file that records that a commit has no tokenizer.
    pub(super) fn no_tokenizer(&self, id: &HubId, commit: &str) -> PathBuf {
        self.model(id).join(".no_exist").join(commit).join(TOKENIZER)
    }

    /// The folder of a revision, if the cache knows it. The revision may be a commit itself. A reference that does not
    /// contain a commit is ignored.
    pub(super) fn snapshot(&self, id: &HubId) -> Option<PathBuf> {
        let commit = std::fs::read_to_string(self.reference(id)).unwrap_or_else(|_| id.revision.clone());
        let commit = Some(commit.trim()).filter(|commit| is_commit(commit))?;
        Some(self.snapshot_of(id, commit)).filter(|snapshot| snapshot.is_dir())
    }

    /// Whether the cache is complete, so that the hub need not be asked: it has the weights, and a tokenizer or the
    /// record that there is none.
    pub(super) fn is_whole(&self, id: &HubId, snapshot: &Path) -> bool {
        let commit = snapshot.file_name().unwrap_or_default().to_string_lossy();
        self.has_weights(snapshot) && (snapshot.join(TOKENIZER).is_file() || self.no_tokenizer(id, &commit).exists())
    }

    /// Whether there is a configuration with all of its weights.
    pub(super) fn has_weights(&self, snapshot: &Path) -> bool {
        let in_parts = || {
            let index = snapshot.join(INDEX);
            index.is_file()
                && read_index(&index).is_ok_and(|shards| shards.keys().all(|shard| snapshot.join(shard).is_file()))
        };
        snapshot.join(CONFIG).is_file() && (snapshot.join(WEIGHTS).is_file() || in_parts())
    }

    /// The ids of the models in the cache.
    pub(super) fn models(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let id =
            |entry: std::fs::DirEntry| Some(entry.file_name().to_str()?.strip_prefix("models--")?.replace("--", "/"));
        let mut models: Vec<_> = entries.filter_map(id).filter(|id| HubId::parse(id).is_ok()).collect();
        models.sort();
        models
    }
}

fn folder_name(id: &HubId) -> String {
    format!("models--{}", id.repo.replace('/', "--"))
}
