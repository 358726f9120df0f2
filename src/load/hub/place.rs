//! Places files in the cache safely while other processes do the same. Each file is written under a unique name and
//! then renamed, so that under its final name it is complete or absent.

use std::{
    ffi::OsString,
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

/// A name beside `path` that no other process or thread uses.
pub(super) fn own_name(path: &Path, ending: &str) -> PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let mut name = path.file_name().map(OsString::from).unwrap_or_default();
    name.push(format!(".{}-{}.{ending}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
    path.with_file_name(name)
}

/// Creates a file with `make` and renames it to its final name, replacing an existing file.
pub(super) fn put(path: &Path, make: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(path))?;
    let own = own_name(path, "tmp");
    let done = make(&own).and_then(|()| fs::rename(&own, path));
    if done.is_err() {
        let _ = fs::remove_file(&own);
    }
    done
}

/// Places a blob in a snapshot: as a relative link, or as a copy where links are not supported.
pub(super) fn link(blob: &Path, snapshot: &Path, name: &str) -> io::Result<()> {
    put(&snapshot.join(name), |own| {
        #[cfg(unix)]
        if let Some(hash) = blob.file_name() {
            let up = "../".repeat(2 + name.matches('/').count());
            return std::os::unix::fs::symlink(Path::new(&up).join("blobs").join(hash), own);
        }
        fs::copy(blob, own).map(drop)
    })
}

/// The right to write a blob's unfinished file, held until dropped. The system releases it if the process ends.
pub(super) struct Turn(Option<File>);

impl Turn {
    /// Waits for the holder as long as the unfinished file grows. If it stops growing for longer than `patience`, or
    /// the file system has no locks, the right is not held, and the caller must write a separate file.
    pub(super) fn wait(lock: &Path, written: &Path, patience: Duration) -> Self {
        let folder = lock.parent().map_or(Ok(()), fs::create_dir_all);
        let file = folder.and_then(|()| File::options().create(true).truncate(false).write(true).open(lock));
        let Ok(file) = file else { return Self(None) };
        let size = || written.metadata().map_or(0, |data| data.len());
        let (mut seen, mut since) = (size(), Instant::now());
        loop {
            match file.try_lock() {
                Ok(()) => return Self(Some(file)),
                Err(TryLockError::Error(_)) => return Self(None),
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(20)),
            }
            if size() != seen {
                (seen, since) = (size(), Instant::now());
            } else if since.elapsed() > patience {
                return Self(None);
            }
        }
    }

    pub(super) fn is_held(&self) -> bool {
        self.0.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("glassbox-place-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn a_file_that_cannot_be_made_leaves_what_had_its_name() {
        let folder = folder("put");
        let path = folder.join("deep/file");
        put(&path, |own| fs::write(own, "old")).unwrap();
        let fail = |own: &Path| fs::write(own, "half").and(Err(io::Error::from(io::ErrorKind::StorageFull)));
        assert!(put(&path, fail).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(fs::read_dir(folder.join("deep")).unwrap().count(), 1);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn one_at_a_time_has_the_turn_and_nobody_waits_for_one_who_does_nothing() {
        let folder = folder("turn");
        let (lock, written) = (folder.join("locks/a.lock"), folder.join("a.incomplete"));
        let patience = Duration::from_millis(200);
        let first = Turn::wait(&lock, &written, patience);
        assert!(first.is_held());
        let start = Instant::now();
        assert!(!Turn::wait(&lock, &written, patience).is_held());
        assert!(start.elapsed() >= patience);
        drop(first);
        assert!(Turn::wait(&lock, &written, patience).is_held());
        fs::write(folder.join("file"), "").unwrap();
        assert!(!Turn::wait(&folder.join("file/a.lock"), &written, patience).is_held());
        fs::remove_dir_all(folder).unwrap();
    }
}
