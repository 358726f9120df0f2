//! The files of models that this process has opened. They are never overwritten by accident.

use std::{
    collections::HashSet,
    fs::Metadata,
    sync::{Mutex, PoisonError},
};

/// Identifies a file under every name. Length and time distinguish it from a later file with the same number.
type Identity = (u64, u64, u64, i64, i64);

static OPENED: Mutex<Option<HashSet<Identity>>> = Mutex::new(None);

#[cfg(unix)]
fn identity(file: &Metadata) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    Some((file.dev(), file.ino(), file.len(), file.mtime(), file.mtime_nsec()))
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> Option<Identity> {
    None
}

/// Registers a file of a model.
pub(crate) fn opened(file: &Metadata) {
    let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    opened.get_or_insert_default().extend(identity(file));
}

pub(super) fn is_opened(file: &Metadata) -> bool {
    let opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    opened.as_ref().zip(identity(file)).is_some_and(|(opened, file)| opened.contains(&file))
}
