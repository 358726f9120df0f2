//! Two folders that change places in one step.

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

/// Files that are taken along at most.
pub(super) const MANY: usize = if cfg!(test) { 20 } else { 10_000 };

/// Puts a new folder in the place of an old one, whose other files the new one takes along. An error means that the old
/// one is as it was.
pub(super) fn exchange(staging: &mut Staging, place: &Path, old: &Metadata, files: &[PathBuf]) -> io::Result<()> {
    // Whoever works in a folder keeps working in it.
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
    // The new folder is in place; what fails now leaves only a folder too many.
    let _ = step().and_then(|()| sync_folder(parent(place))).and_then(|()| clear(&staging.path, place, &written));
    Ok(())
}

/// Gives every file of the old folder a second name in the new one, but for those that were written anew.
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

/// Removes the old folder, of which everything stands in the new one. What came into it meanwhile moves there, too.
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
            // Two names of one file are left as they are by a rename.
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
