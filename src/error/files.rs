//! The errors of writing files ([`files`](crate::files)).
use std::path::PathBuf;

/// A target that cannot be written.
#[derive(thiserror::Error, Debug)]
pub(crate) enum FilesError {
    #[error("`{}` is not the name of a file; give one, such as `picture.svg`", path.display())]
    NoName { path: PathBuf },
    #[error("the name of the folder to write is empty; give one, such as `model`, or `.` for the current folder")]
    NoFolderName,
    #[error("{} is {kind}, which is never overwritten; name a file", path.display())]
    NotAFile { path: PathBuf, kind: &'static str },
    #[error("{} is {kind}, not a folder; name a folder", path.display())]
    NotAFolder { path: PathBuf, kind: &'static str },
    #[error(
        "{} cannot be written, because the folder {} does not exist; create it first", path.display(), folder.display()
    )]
    NoFolder { path: PathBuf, folder: PathBuf },
    #[error("{} is a symbolic link that leads back to itself; remove it, or name another file", path.display())]
    Circle { path: PathBuf },
    #[error("{} is a file of a model that is open; write to another file", path.display())]
    Opened { path: PathBuf },
    #[error("two tensors are named `{name}`; give each its own name")]
    TwoOfAName { name: String },
    #[error("a tensor of {given} cannot be written to a safetensors file; convert `{name}` to F32 first")]
    Unwritable { name: String, given: String },
    #[error(
        "the names and shapes of {count} tensors take {len} bytes, but the header of a safetensors file holds at most \
         100000000"
    )]
    Header { count: usize, len: usize },
    #[error("{0}")]
    Failed(String),
}
