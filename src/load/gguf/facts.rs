//! [`Facts`]: the settings and the tensor shapes of a GGUF file, for translation into a `config.json`.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use serde_json::Value;

use super::header::TensorInfo;
use crate::{
    error::{Error, LoadError, Result},
    load::{FromSetting, Settings},
};

/// The settings of the file's architecture and the shapes of its tensors.
///
/// It records which settings were read, so that an untranslated setting is noticed.
pub(super) struct Facts<'a> {
    pub(super) architecture: String,
    pub(super) metadata: &'a Settings,
    pub(super) tensors: &'a BTreeMap<String, TensorInfo>,
    asked: RefCell<BTreeSet<String>>,
}

/// Settings that do not change the computation, or that repeat what the tensors show.
const SAYS_NOTHING: [&str; 6] = [
    "vocab_size",
    "tensor_data_layout",
    "feed_forward_length",
    "expert_feed_forward_length",
    "pooling_type",
    "rope.scaling.finetuned",
];

impl<'a> Facts<'a> {
    pub(super) fn new(metadata: &'a Settings, tensors: &'a BTreeMap<String, TensorInfo>) -> Result<Self> {
        let architecture = metadata.get("general.architecture")?;
        Ok(Self { architecture, metadata, tensors, asked: RefCell::default() })
    }

    /// The full key of a setting of this architecture.
    pub(super) fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.architecture)
    }

    pub(super) fn find<T: FromSetting>(&self, name: &str) -> Result<Option<T>> {
        self.asked.borrow_mut().insert(self.key(name));
        self.metadata.find(self.key(name).as_str())
    }

    pub(super) fn get<T: FromSetting>(&self, name: &str) -> Result<T> {
        self.asked.borrow_mut().insert(self.key(name));
        self.metadata.get(self.key(name).as_str())
    }

    pub(super) fn or<T: FromSetting>(&self, name: &str, default: T) -> Result<T> {
        Ok(self.find(name)?.unwrap_or(default))
    }

    /// Whether a setting exists and is not 0, which GGUF writes for "none".
    pub(super) fn states(&self, name: &str) -> bool {
        self.find::<Value>(name).is_ok_and(|value| value.is_some_and(|value| value != 0))
    }

    pub(super) fn has(&self, tensor: &str) -> bool {
        self.tensors.contains_key(tensor)
    }

    /// The size of a tensor's first axis (rows) or of its last (columns).
    pub(super) fn rows(&self, tensor: &str) -> Option<usize> {
        self.tensors.get(tensor)?.shape.first().copied()
    }

    pub(super) fn columns(&self, tensor: &str) -> Option<usize> {
        self.tensors.get(tensor)?.shape.last().copied()
    }

    /// The numbers of query heads and of key heads, which are equal by default.
    pub(super) fn heads(&self) -> Result<(usize, usize)> {
        let queries = self.get("attention.head_count")?;
        Ok((queries, self.or("attention.head_count_kv", queries)?))
    }

    /// The width of a head: its own setting, or `d_model / n_heads`.
    pub(super) fn d_head(&self) -> Result<usize> {
        let (width, (heads, _)): (usize, _) = (self.get("embedding_length")?, self.heads()?);
        self.or("attention.key_length", width.checked_div(heads).unwrap_or_default())
    }

    pub(super) fn refuse(&self, name: &str, value: impl ToString, why: impl Into<String>) -> Error {
        LoadError::Unsupported { key: self.key(name), value: value.to_string(), why: why.into() }.into()
    }

    /// Refuses settings of this architecture that were never read, because they may change the computation.
    pub(super) fn refuse_unasked(&self) -> Result<()> {
        let prefix = self.key("");
        let known =
            |key: &str| self.asked.borrow().contains(key) || SAYS_NOTHING.iter().any(|name| self.key(name) == key);
        let unknown = self.metadata.keys().into_iter().find(|key| key.starts_with(&prefix) && !known(key));
        let Some(name) = unknown.as_ref().and_then(|key| key.strip_prefix(&prefix)) else { return Ok(()) };
        let value = self.metadata.find::<Value>(self.key(name).as_str())?.unwrap_or_default();
        Err(self.refuse(name, value, "its effect on such a model is not known"))
    }
}
