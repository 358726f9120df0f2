//! The one way in which this crate writes: whatever happens, a file or a folder is what it was before or what it was to
//! become, never something in between.
//!
//! - **Beside, then renamed.** The new content is written under a name of its own in the same folder, brought to the
//!   disk (`fsync`, the folder too), and renamed into place in one step. A full disk, an error or a kill before that
//!   step leaves the old content; what a kill leaves behind is named `.glassbox-….partial` and may be deleted.
//! - **Folders, too.** [`write_folder`] fills a new folder beside the old one and exchanges the two in one step, so
//!   that configuration, weights and tokenizer always belong together. Whatever else stands in the folder stays.
//! - **As the system would.** New files have the permissions that the umask gives, replaced ones keep theirs. A
//!   symbolic link stays, and the file it leads to is replaced. Another name of the replaced file (a hard link) keeps
//!   the old content. A file that may not be written is not replaced either.
//! - **Refused by name**: devices, pipes, sockets, folders where a file is meant and files where a folder is; and the
//!   files of models that this process has opened, under whatever name.
//!
//! Every `save` of the crate goes through here.
//!
//! # Examples
//! ```
//! use glassbox::files;
//! let path = std::env::temp_dir().join(format!("glassbox-example-{}.csv", std::process::id()));
//! files::check(&path)?; // before an hour's work, not after
//! files::write(&path, "step,loss\n1,5.9\n")?;
//! assert_eq!(std::fs::read_to_string(&path).unwrap(), "step,loss\n1,5.9\n");
//! assert!(files::write(std::env::temp_dir(), "").unwrap_err().to_string().contains("is a folder"));
//! # std::fs::remove_file(path).ok();
//! # Ok::<(), glassbox::Error>(())
//! ```

mod exchange;
mod folder;
mod in_place;
mod opened;
mod partial;
mod steps;
mod target;
mod tensors;
#[cfg(test)]
mod tests;

use crate::{Error, Result};
pub use folder::write_folder;
pub(crate) use folder::{make_folder, named};
pub(crate) use opened::opened;
use partial::Partial;
use std::{
    io::{self, Write},
    path::Path,
};
use target::Target;
pub(crate) use tensors::encode;
pub use tensors::write_tensors;

/// Writes a whole file.
///
/// # Errors
/// When the file cannot be written; then what stood there before still does.
pub fn write(path: impl AsRef<Path>, content: impl AsRef<[u8]>) -> Result<()> {
    write_with(path.as_ref(), |file| file.write_all(content.as_ref()))
}

/// Says now what [`write()`] would refuse later: a place that is no file, a folder that is not there or may not be
/// written, a file of a model that was opened. It leaves nothing behind.
///
/// # Errors
/// As [`write()`].
pub fn check(path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    Partial::beside(&Target::find(path)?).map_err(unwritten(path)).map(drop)
}

/// Writes a whole file, piece by piece.
fn write_with(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let target = Target::find(path)?;
    let write = || {
        let mut partial = Partial::beside(&target)?;
        partial.fill(fill)?;
        partial.replace(&target)
    };
    write().map_err(unwritten(path))
}

fn unwritten(path: &Path) -> impl Fn(io::Error) -> Error {
    move |error| Error::io(format!("{} cannot be written", path.display()), error)
}
