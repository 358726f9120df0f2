//! [`write_folder`]: writes a folder of files that belong together.

use super::{
    exchange::exchange,
    in_place::in_place,
    opened,
    partial::{keep_permissions, sync_folder, unique},
    steps::{killed, step},
    target::{follow, kind, parent},
};
use crate::{Error, Result, error::FilesError};
use std::{
    fs::{self, File, FileType, Metadata, OpenOptions},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

/// Writes files that belong together. `fill` gets a new, empty folder; when it returns, its files appear in `folder`,
/// all in one step. Everything else in `folder` is kept. If a link in it has the name of a new file, the link is
/// replaced and its target is unchanged.
///
/// The step exchanges two folders. Some folders cannot be exchanged: a mount point, the current folder, one with more
/// than ten thousand other files, and any folder on a system without such an exchange. There, the files are moved one
/// by one. If the process is killed between two moves, the model is left without its `config.json`, so no program opens
/// it. The remaining files, old and new, are then in a folder `.glassbox-….partial` in it or beside it.
///
/// # Errors
/// When `fill` fails or the folder cannot be written. The old content is then unchanged.
///
/// # Examples
/// ```
/// use glassbox::files;
/// let folder = std::env::temp_dir().join(format!("glassbox-example-{}", std::process::id()));
/// files::write_folder(&folder, |new| {
///     files::write(new.join("words.txt"), "red\nfox\n")?;
///     files::write(new.join("counts.csv"), "red,2\nfox,1\n")
/// })?;
/// assert_eq!(std::fs::read_to_string(folder.join("words.txt")).unwrap(), "red\nfox\n");
/// # std::fs::remove_dir_all(folder).ok();
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn write_folder(folder: impl AsRef<Path>, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let folder = folder.as_ref();
    let failed = |error| Error::io(format!("the folder {} cannot be written", folder.display()), error);
    let place = Place::find(folder)?;
    let staging = Staging::near(&place).map_err(failed)?;
    fill(&staging.path).map_err(|error| as_if_in(folder, &staging.path, error))?;
    let files = staging.settle().map_err(failed)?;
    place.check(&files, folder)?;
    let in_use = place.opened(&files);
    let path = place.path.clone();
    place.fill(staging, &files).map_err(failed)?;
    // A file that replaces a file of an opened model belongs to that model.
    in_use.iter().filter_map(|file| fs::metadata(path.join(file)).ok()).for_each(|new| opened::opened(&new));
    Ok(())
}

/// Creates a folder and its parents, if they do not exist.
pub(crate) fn make_folder(path: &Path) -> Result<()> {
    named(path)?;
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(found) => Err(FilesError::NotAFolder { path: path.to_owned(), kind: kind(found.file_type()) }.into()),
        Err(_) => fs::create_dir_all(path)
            .map_err(|error| Error::io(format!("the folder {} cannot be made", path.display()), error)),
    }
}

/// Refuses an empty path.
pub(crate) fn named(path: &Path) -> Result<()> {
    if path.as_os_str().is_empty() { Err(FilesError::NoFolderName.into()) } else { Ok(()) }
}

/// Replaces the path of the staging folder in an error by the folder that the user named.
fn as_if_in(folder: &Path, staging: &Path, error: Error) -> Error {
    let (said, staging) = (error.to_string(), staging.display().to_string());
    if !said.contains(&staging) {
        return error;
    }
    FilesError::Failed(said.replace(&staging, &folder.display().to_string())).into()
}

/// The final location of the folder, after following every link.
struct Place {
    path: PathBuf,
    old: Option<Metadata>,
}

impl Place {
    fn find(folder: &Path) -> Result<Self> {
        named(folder)?;
        let failed = |error| Error::io(format!("the folder {} cannot be written", folder.display()), error);
        match fs::metadata(folder) {
            Ok(old) if old.is_dir() => Ok(Self { path: folder.canonicalize().map_err(failed)?, old: Some(old) }),
            Ok(old) => Err(FilesError::NotAFolder { path: folder.to_owned(), kind: kind(old.file_type()) }.into()),
            Err(error) if error.kind() == ErrorKind::NotFound || fs::symlink_metadata(folder).is_ok() => {
                let place = follow(folder)?;
                let Some(name) = place.file_name() else { return Err(failed(error)) };
                make_folder(parent(&place))?;
                Ok(Self { path: parent(&place).canonicalize().map_err(failed)?.join(name), old: None })
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// The new files that replace a file of an opened model.
    fn opened(&self, files: &[PathBuf]) -> Vec<PathBuf> {
        let is_opened = |file: &&PathBuf| fs::metadata(self.path.join(file)).is_ok_and(|old| opened::is_opened(&old));
        files.iter().filter(is_opened).cloned().collect()
    }

    /// Refuses to replace anything but a file, and a file without write permission.
    fn check(&self, files: &[PathBuf], folder: &Path) -> Result<()> {
        for file in files {
            let path = folder.join(file);
            match fs::symlink_metadata(self.path.join(file)) {
                Ok(old) if old.is_file() => {
                    let written = OpenOptions::new().write(true).open(self.path.join(file));
                    written.map_err(super::unwritten(&path))?;
                }
                Ok(old) if !old.is_symlink() => {
                    return Err(FilesError::NotAFile { path, kind: kind(old.file_type()) }.into());
                }
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(super::unwritten(&path)(error)),
                _ => {}
            }
        }
        Ok(())
    }

    /// Puts the new files in place.
    fn fill(&self, mut staging: Staging, files: &[PathBuf]) -> io::Result<()> {
        step()?;
        let Some(old) = &self.old else {
            fs::rename(&staging.path, &self.path)?;
            staging.done = true;
            step()?;
            return sync_folder(parent(&self.path));
        };
        for file in files {
            match fs::symlink_metadata(self.path.join(file)) {
                Ok(old) if old.is_file() => keep_permissions(&staging.path.join(file), &old)?,
                _ => {}
            }
        }
        // If the exchange is refused, nothing has changed yet.
        exchange(&mut staging, &self.path, old, files).or_else(|_| in_place(&mut staging, &self.path, files))
    }
}

/// A new folder that is deleted when it is dropped, unless it is done.
pub(super) struct Staging {
    pub(super) path: PathBuf,
    /// Whether the folder holds files to keep.
    pub(super) done: bool,
}

impl Staging {
    /// Creates it inside the old folder, which is known to be writable, or beside the location if there is no old
    /// folder.
    fn near(place: &Place) -> io::Result<Self> {
        step()?;
        let within = if place.old.is_some() { &place.path } else { parent(&place.path) };
        let (path, ()) = unique(within, |path| fs::create_dir(path))?;
        Ok(Self { path, done: false })
    }

    /// Flushes everything in it to the disk. Returns its files, a model's `config.json` last.
    fn settle(&self) -> io::Result<Vec<PathBuf>> {
        step()?;
        let (folders, mut files): (Vec<_>, Vec<_>) =
            walk(&self.path, usize::MAX)?.into_iter().partition(|(_, kind)| kind.is_dir());
        files.sort_by_key(|(file, _)| (file == Path::new("config.json"), file.clone()));
        for (file, kind) in &files {
            if kind.is_file() {
                File::open(self.path.join(file))?.sync_all()?;
            }
        }
        folders.iter().rev().try_for_each(|(folder, _)| sync_folder(&self.path.join(folder)))?;
        sync_folder(&self.path)?;
        Ok(files.into_iter().map(|(file, _)| file).collect())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.done && !killed() {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// Everything in a folder, by relative path; a folder comes before its content. Links are not followed, and more than
/// `most` files are an error.
pub(super) fn walk(folder: &Path, most: usize) -> io::Result<Vec<(PathBuf, FileType)>> {
    let (mut found, mut ahead) = (Vec::new(), vec![PathBuf::new()]);
    while let Some(within) = ahead.pop() {
        for entry in fs::read_dir(folder.join(&within))? {
            let entry = entry?;
            let (path, kind) = (within.join(entry.file_name()), entry.file_type()?);
            if kind.is_dir() {
                ahead.push(path.clone());
            }
            found.push((path, kind));
            if found.len() > most {
                return Err(io::Error::other(format!("{} holds more than {most} files", folder.display())));
            }
        }
    }
    Ok(found)
}
