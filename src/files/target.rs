//! [`Target`]: where a file will be written, checked before anything is written.

use super::opened;
use crate::{Error, Result, error::FilesError};
use std::{
    fs::{self, FileType, Metadata, OpenOptions},
    io::ErrorKind,
    path::{Path, PathBuf, is_separator},
};

/// The most links followed in a row, as on Linux.
const LINKS: usize = 40;

/// An unused name, or a file that may be replaced.
pub(super) struct Target {
    /// The path after following every link.
    pub(super) path: PathBuf,
    pub(super) folder: PathBuf,
    /// The file to replace.
    pub(super) old: Option<Metadata>,
}

impl Target {
    pub(super) fn find(path: &Path) -> Result<Self> {
        let failed = super::unwritten(path);
        let named = path.as_os_str().as_encoded_bytes().last().is_some_and(|&end| !is_separator(end.into()));
        // Checks the path itself, because the target of `/dev/stdout` cannot always be followed by name.
        match fs::metadata(path) {
            Ok(found) if !found.is_file() => {
                return Err(FilesError::NotAFile { path: path.to_owned(), kind: kind(found.file_type()) }.into());
            }
            Err(error) if error.kind() != ErrorKind::NotFound && !is_link(path) => return Err(failed(error)),
            _ if !named || path.file_name().is_none() => {
                return Err(FilesError::NoName { path: path.to_owned() }.into());
            }
            _ => {}
        }
        let place = follow(path)?;
        let folder = parent(&place).to_owned();
        let old = match fs::metadata(&place) {
            Ok(found) => {
                if opened::is_opened(&found) {
                    return Err(FilesError::Opened { path: path.to_owned() }.into());
                }
                OpenOptions::new().write(true).open(&place).map_err(failed)?;
                Some(found)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                if !folder.is_dir() {
                    return Err(FilesError::NoFolder { path: path.to_owned(), folder }.into());
                }
                None
            }
            Err(error) => return Err(failed(error)),
        };
        Ok(Self { path: place, folder, old })
    }
}

fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink())
}

/// The path at the end of a chain of symbolic links; nothing need exist there.
pub(super) fn follow(path: &Path) -> Result<PathBuf> {
    let mut place = path.to_owned();
    for _ in 0..LINKS {
        if !is_link(&place) {
            return Ok(place);
        }
        let next = fs::read_link(&place)
            .map_err(|error| Error::io(format!("the link {} cannot be followed", place.display()), error))?;
        place = parent(&place).join(next);
    }
    Err(FilesError::Circle { path: path.to_owned() }.into())
}

/// The folder that holds a path, in a form that can be opened.
pub(super) fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The name of a kind of file, for errors.
pub(super) fn kind(of: FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if of.is_char_device() || of.is_block_device() {
            return "a device";
        } else if of.is_fifo() {
            return "a pipe";
        } else if of.is_socket() {
            return "a socket";
        }
    }
    if of.is_dir() { "a folder" } else { "a file" }
}
