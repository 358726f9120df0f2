use std::path::PathBuf;

/// What can be wrong with a place to write to.
#[derive(thiserror::Error, Debug)]
pub(crate) enum FilesError {
    #[error("`{}` names no file; give a file's name, such as `picture.svg`", path.display())]
    NoName { path: PathBuf },
    #[error(
        "the name of the folder to write is empty; give one, such as `model`, or `.` for the folder that you are in"
    )]
    NoFolderName,
    #[error("{} is {kind}, which is never written over; name a file", path.display())]
    NotAFile { path: PathBuf, kind: &'static str },
    #[error("{} is {kind}, not a folder; name a folder", path.display())]
    NotAFolder { path: PathBuf, kind: &'static str },
    #[error("{} cannot be written, because the folder {} is not there; make it first", path.display(), folder.display())]
    NoFolder { path: PathBuf, folder: PathBuf },
    #[error("{} is a symbolic link that leads nowhere: it goes round in a circle", path.display())]
    Circle { path: PathBuf },
    #[error("{} is a file of a model that was opened; write to another file", path.display())]
    Opened { path: PathBuf },
    #[error("two tensors are named `{name}`; give each a name of its own")]
    TwoOfAName { name: String },
    #[error("a tensor of {given} cannot be written to a safetensors file; convert `{name}` to F32 first")]
    Unwritable { name: String, given: String },
    #[error("the names and shapes of {count} tensors take {len} bytes, and a safetensors file has room for 100000000")]
    Header { count: usize, len: usize },
    #[error("{0}")]
    Failed(String),
}
