use std::{fs::File, ops::Deref, path::Path, sync::Arc};

use crate::error::{Error, Result};

/// The bytes of one file, shared. A file on disk is mapped, so that opening is instant and nothing is held twice.
#[derive(Clone)]
pub(super) struct Bytes(Arc<dyn AsRef<[u8]> + Send + Sync>);

impl Bytes {
    pub(super) fn map(path: &Path) -> Result<Self> {
        let fail = |source| Error::io(format!("{} cannot be opened", path.display()), source);
        let file = File::open(path).map_err(fail)?;
        // SAFETY: the map is only ever read, as plain bytes that are checked before use. What the type system cannot
        // promise is that no other program shortens the file meanwhile; a model's files are written once (the hub
        // cache renames complete files into place), and every loader of such files maps them on this assumption.
        #[allow(unsafe_code)]
        let map = unsafe { memmap2::Mmap::map(&file) }.map_err(fail)?;
        Ok(Self(Arc::new(map)))
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Arc::new(bytes))
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        (*self.0).as_ref()
    }
}
