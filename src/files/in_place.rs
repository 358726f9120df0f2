//! Moves files into a folder one after the other, if the folder cannot be exchanged as a whole.

use super::{
    folder::Staging,
    partial::{sync_folder, unique},
    steps::{killed, step},
    target::parent,
};
use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

/// Moves the old files out and the new ones in. The last file is the first out and the last in. If a move fails, all
/// files are moved back.
pub(super) fn in_place(staging: &mut Staging, place: &Path, files: &[PathBuf]) -> io::Result<()> {
    step()?;
    let (aside, ()) = unique(&staging.path, |path| fs::create_dir(path))?;
    let mut moved = Vec::new();
    let mut all = || {
        for file in files.iter().rev().filter(|file| fs::symlink_metadata(place.join(file)).is_ok()) {
            carry(&mut moved, place.join(file), aside.join(file))?;
        }
        for file in files {
            carry(&mut moved, staging.path.join(file), place.join(file))?;
        }
        let folders: BTreeSet<_> = files.iter().map(|file| parent(&place.join(file)).to_owned()).collect();
        folders.iter().try_for_each(|folder| sync_folder(folder))
    };
    let done = all();
    if done.is_err() && !killed() {
        for (from, to) in moved.iter().rev() {
            if let Err(back) = fs::rename(to, from) {
                staging.done = true;
                let kept = staging.path.display();
                return Err(io::Error::new(
                    back.kind(),
                    format!("{back}; the files that should have been replaced are in {kept}"),
                ));
            }
        }
    }
    done
}

fn carry(moved: &mut Vec<(PathBuf, PathBuf)>, from: PathBuf, to: PathBuf) -> io::Result<()> {
    step()?;
    fs::create_dir_all(parent(&to))?;
    fs::rename(&from, &to)?;
    moved.push((from, to));
    Ok(())
}
