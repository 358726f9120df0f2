//! [`Partial`]: one file that is written beside its target and renamed onto it.

use super::{
    steps::{killed, step},
    target::Target,
};
use std::{
    fs::{self, File, Metadata},
    io::{self, BufWriter, ErrorKind, Write},
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
};

/// A partial file, which is deleted unless it replaces its target.
pub(super) struct Partial {
    path: PathBuf,
    file: File,
    replaced: bool,
}

impl Partial {
    /// Creates it empty, with the permissions of the file to replace, before anything is written.
    pub(super) fn beside(target: &Target) -> io::Result<Self> {
        step()?;
        let (path, file) = unique(&target.folder, |path| File::create_new(path))?;
        let partial = Self { path, file, replaced: false };
        step()?;
        if let Some(old) = &target.old {
            keep_permissions(&partial.path, old)?;
        }
        Ok(partial)
    }

    pub(super) fn fill(&mut self, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        step()?;
        let mut buffered = BufWriter::with_capacity(1 << 20, &self.file);
        fill(&mut buffered)?;
        buffered.flush()?;
        step()?;
        self.file.sync_all()
    }

    pub(super) fn replace(mut self, target: &Target) -> io::Result<()> {
        step()?;
        fs::rename(&self.path, &target.path)?;
        self.replaced = true;
        step()?;
        sync_folder(&target.folder)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.replaced && !killed() {
            // If it cannot be removed, its name explains what it is.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Creates something in a folder under an unused name. The name is short, so it fits wherever the final one does.
pub(super) fn unique<T>(folder: &Path, make: impl Fn(&Path) -> io::Result<T>) -> io::Result<(PathBuf, T)> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    loop {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!(".glassbox-{}-{count}.partial", process::id()));
        match make(&path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            made => return Ok((path, made?)),
        }
    }
}

/// Gives a new file or folder the permissions of the old one and, if allowed, its owner.
pub(super) fn keep_permissions(path: &Path, old: &Metadata) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, chown};
        let new = fs::metadata(path)?;
        if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
            // Only root may give files away. For other users the new file is their own, as after a copy.
            let _ = chown(path, Some(old.uid()), Some(old.gid()));
        }
    }
    if fs::metadata(path)?.permissions() == old.permissions() {
        return Ok(());
    }
    fs::set_permissions(path, old.permissions())
}

/// Flushes the names in a folder to the disk, if the system supports it.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(not(unix)) {
        return Ok(());
    }
    // A folder that is writable but not readable cannot be opened; its files can still be renamed.
    let Ok(opened) = File::open(folder) else { return Ok(()) };
    match opened.sync_all() {
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        done => done,
    }
}
