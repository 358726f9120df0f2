use std::{fs::File, ops::Deref, ops::Range, path::Path, sync::Arc};

use memmap2::{Mmap, MmapOptions};

use crate::error::{Error, Result};

/// The bytes of one file, shared. A file on disk is mapped, so that opening is instant and nothing is held twice.
#[derive(Clone)]
pub(super) struct Bytes {
    whole: Arc<dyn AsRef<[u8]> + Send + Sync>,
    /// Where the bytes are mapped from.
    file: Option<Arc<File>>,
}

impl Bytes {
    pub(super) fn map(path: &Path) -> Result<Self> {
        let fail = |source| Error::io(format!("{} cannot be opened", path.display()), source);
        let file = File::open(path).map_err(fail)?;
        let whole = map(&MmapOptions::new(), &file).map_err(fail)?;
        crate::files::opened(&file.metadata().map_err(fail)?);
        Ok(Self { whole: Arc::new(whole), file: Some(Arc::new(file)) })
    }

    /// Some of the bytes, mapped by themselves: once they are read and let go, they take no memory any more, as they
    /// would if they were read from the whole. `None` where they are not there.
    pub(super) fn window(&self, range: Range<usize>) -> Option<Self> {
        let bytes = self.get(range.clone())?;
        let of_file = |file: &Arc<File>| {
            let window = map(MmapOptions::new().offset(range.start as u64).len(range.len()), file).ok()?;
            Some(Self { whole: Arc::new(window), file: None })
        };
        let copy = || Self::from(bytes.to_vec());
        Some(self.file.as_ref().filter(|_| !range.is_empty()).and_then(of_file).unwrap_or_else(copy))
    }
}

fn map(options: &MmapOptions, file: &File) -> std::io::Result<Mmap> {
    // SAFETY: the map is only ever read, as plain bytes that are checked before use. What the type system cannot
    // promise is that no other program shortens the file meanwhile; a model's files are written once (the hub cache
    // renames complete files into place), and every loader of such files maps them on this assumption.
    #[allow(unsafe_code)]
    unsafe {
        options.map(file)
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self { whole: Arc::new(bytes), file: None }
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        (*self.whole).as_ref()
    }
}
