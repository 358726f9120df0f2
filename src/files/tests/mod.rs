//! Tests the writer, stopped between any two of its steps and with every odd kind of target.

#[cfg(unix)]
mod places;
mod stopped;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

/// A temporary folder of one test, deleted at its end.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("glassbox-files-{}-{count}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

/// Every file under a folder with its content, except for unfinished files of a writer.
fn files(folder: &Path) -> Vec<(String, String)> {
    let mut found: Vec<_> = under(folder).into_iter().filter(|(name, _)| !name.contains(".partial")).collect();
    found.sort();
    found
}

/// Every file under a folder with its content.
fn under(folder: &Path) -> Vec<(String, String)> {
    let walked = super::folder::walk(folder, usize::MAX).unwrap().into_iter();
    let files = walked.filter(|(_, kind)| !kind.is_dir());
    files.map(|(path, _)| (path.display().to_string(), fs::read_to_string(folder.join(&path)).unwrap())).collect()
}

/// Names that a writer must not leave behind when it succeeds.
fn leftovers(folder: &Path) -> Vec<PathBuf> {
    let walked = super::folder::walk(folder, usize::MAX).unwrap().into_iter().map(|(path, _)| path);
    walked.filter(|path| path.to_string_lossy().contains(".partial")).collect()
}
