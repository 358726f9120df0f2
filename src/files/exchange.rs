//! Exchanges two folders in one step. [`write_folder`](super::write_folder) uses it.

use super::{
    folder::{Staging, walk},
    partial::{keep_permissions, sync_folder, unique},
    steps::step,
    target::parent,
};
use std::{
    collections::HashSet,
    env,
    fs::{self, Metadata},
    io,
    path::{Path, PathBuf},
};

/// The most other files that are carried over to the new folder.
pub(super) const MANY: usize = if cfg!(test) { 20 } else { 10_000 };

/// Replaces an old folder by a new one, and carries the old one's other files over. After an error, the old folder is
/// unchanged.
pub(super) fn exchange(staging: &mut Staging, place: &Path, old: &Metadata, files: &[PathBuf]) -> io::Result<()> {
    // A program whose current folder is exchanged would remain in the old one.
    if env::current_dir().is_ok_and(|current| current.starts_with(place)) {
        return Err(io::ErrorKind::ResourceBusy.into());
    }
    let written: HashSet<&Path> = files.iter().map(PathBuf::as_path).collect();
    step()?;
    let (beside, ()) = unique(parent(place), |path| fs::create_dir(path))?;
    step()?;
    if let Err(error) = fs::rename(&staging.path, &beside) {
        let _ = fs::remove_dir(&beside);
        return Err(error);
    }
    staging.path = beside;
    take_along(place, &staging.path, &written)?;
    keep_permissions(&staging.path, old)?;
    sync_folder(&staging.path)?;
    step()?;
    exchange_names(&staging.path, place)?;
    staging.done = true;
    // The new folder is in place. If one of these steps fails, an old folder is left over.
    let _ = step().and_then(|()| sync_folder(parent(place))).and_then(|()| clear(&staging.path, place, &written));
    Ok(())
}

/// Gives every file of the old folder a second name (hard link) in the new one, except for newly written files.
fn take_along(old: &Path, new: &Path, written: &HashSet<&Path>) -> io::Result<()> {
    let all = walk(old, MANY)?;
    for (path, kind) in &all {
        step()?;
        if kind.is_dir() {
            if !new.join(path).is_dir() {
                fs::create_dir(new.join(path))?;
            }
            keep_permissions(&new.join(path), &fs::metadata(old.join(path))?)?;
        } else if !written.contains(&**path) {
            fs::hard_link(old.join(path), new.join(path))?;
        }
    }
    let mut folders = all.iter().filter(|(_, kind)| kind.is_dir());
    folders.try_for_each(|(path, _)| sync_folder(&new.join(path)))
}

/// Deletes the old folder, whose files are all in the new one. Files added to it in the meantime are moved there too.
fn clear(old: &Path, new: &Path, written: &HashSet<&Path>) -> io::Result<()> {
    for (path, kind) in walk(old, usize::MAX)?.into_iter().rev() {
        step()?;
        let (from, to) = (old.join(&path), new.join(&path));
        if kind.is_dir() {
            fs::remove_dir(from)?;
        } else if written.contains(&*path) {
            fs::remove_file(from)?;
        } else {
            fs::create_dir_all(parent(&to))?;
            fs::rename(&from, &to)?;
            // Renaming does nothing if both names belong to one file.
            let _ = fs::remove_file(&from);
        }
    }
    fs::remove_dir(old)
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn exchange_names(one: &Path, other: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn exchange_names(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
