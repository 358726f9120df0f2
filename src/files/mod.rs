//! How this crate writes files. Whatever happens, a file or a folder has its old content or its new content, never
//! something in between.
//!
//! - **Write, then rename.** The new content is written under a temporary name in the same folder, flushed to the disk
//!   (`fsync`, including the folder), and renamed into place in one step. A full disk, an error or a kill before that
//!   step leaves the old content. Files left behind by a kill are named `.glassbox-….partial` and may be deleted.
//! - **Folders too.** [`write_folder`] fills a new folder beside the old one and exchanges the two in one step, so
//!   that configuration, weights and tokenizer always belong together. All other files in the folder are kept.
//! - **Standard permissions and links.** New files get the permissions of the umask; replaced files keep theirs. A
//!   symbolic link is kept, and its target is replaced. Another name of the replaced file (a hard link) keeps the old
//!   content. A file without write permission is not replaced.
//! - **Refused targets**: devices, pipes, sockets, folders in place of files, files in place of folders, and the files
//!   of models that this process has opened, under any name.
//!
//! Every `save` of the crate uses this module.
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
/// When the file cannot be written. The old content is then unchanged.
pub fn write(path: impl AsRef<Path>, content: impl AsRef<[u8]>) -> Result<()> {
    write_with(path.as_ref(), |file| file.write_all(content.as_ref()))
}

/// Checks in advance that [`write()`] would work. It refuses a target that is not a file, a folder that does not exist
/// or is not writable, and a file of an opened model. It leaves nothing behind.
///
/// # Errors
/// Same as [`write()`].
pub fn check(path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    Partial::beside(&Target::find(path)?).map_err(unwritten(path)).map(drop)
}

/// Writes a whole file piece by piece.
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
