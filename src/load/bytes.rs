//! [`Bytes`]: the bytes of one file, read on demand. The readers of safetensors and GGUF files use it.
use std::{
    fs::File,
    io::{ErrorKind, Read, Seek, SeekFrom},
    ops::Range,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use crate::error::{Error, LoadError, Result};

/// The shared bytes of one file, read on demand. The file is not memory-mapped, because a mapped file that another
/// program shortens would end the whole process; here it gives an error.
#[derive(Clone)]
pub(super) struct Bytes(Arc<Inner>);

struct Inner {
    path: PathBuf,
    /// The length when the file was opened.
    len: usize,
    source: Source,
}

enum Source {
    Memory(Vec<u8>),
    File(Mutex<File>),
}

/// The most bytes of a file that is read as a whole. Configurations and indices are far smaller.
const MOST_TEXT: usize = 100 << 20;

impl Bytes {
    /// The bytes read at once when a long piece goes through a short buffer. It is a multiple of every number's width,
    /// and small enough to stay in the processor's cache.
    pub(super) const PIECE: usize = 256 << 10;

    pub(super) fn open(path: &Path) -> Result<Self> {
        let fail = |source| Error::io(format!("{} cannot be opened", path.display()), source);
        let file = File::open(path).map_err(fail)?;
        let metadata = file.metadata().map_err(fail)?;
        crate::files::opened(&metadata);
        let len = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
        Ok(Self(Arc::new(Inner { path: path.to_owned(), len, source: Source::File(Mutex::new(file)) })))
    }

    /// Bytes that are in memory, with a name for errors.
    pub(super) fn in_memory(name: &str, bytes: Vec<u8>) -> Self {
        Self(Arc::new(Inner { path: name.into(), len: bytes.len(), source: Source::Memory(bytes) }))
    }

    /// Reads a small file as a whole.
    pub(super) fn of_text(path: &Path) -> Result<Vec<u8>> {
        let bytes = Self::open(path)?;
        if bytes.len() > MOST_TEXT {
            let why = format!("it has {} bytes, but such a file has at most {MOST_TEXT}", bytes.len());
            return Err(LoadError::Damaged { path: path.to_owned(), what: "a JSON object", why }.into());
        }
        bytes.read(0..bytes.len())
    }

    pub(super) fn path(&self) -> &Path {
        &self.0.path
    }

    pub(super) fn len(&self) -> usize {
        self.0.len
    }

    /// Reads some of the bytes.
    ///
    /// # Errors
    /// When the range is outside the file, or the file has become shorter.
    pub(super) fn read(&self, range: Range<usize>) -> Result<Vec<u8>> {
        // Checked before anything is allocated.
        if range.end > self.len() || range.start > range.end {
            return Err(self.shorter());
        }
        let mut piece = vec![0; range.len()];
        self.fill(range.start, &mut piece)?;
        Ok(piece)
    }

    /// Reads some of the bytes, one [`PIECE`](Self::PIECE) after the other.
    ///
    /// # Errors
    /// Same as [`read`](Self::read), and those of `each`.
    pub(super) fn pieces(&self, range: Range<usize>, mut each: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        if let Source::Memory(bytes) = &self.0.source {
            return each(bytes.get(range).ok_or_else(|| self.shorter())?);
        }
        let mut buffer = vec![0; range.len().min(Self::PIECE)];
        let mut at = range.start;
        while at < range.end {
            let piece = &mut buffer[..(range.end - at).min(Self::PIECE)];
            self.fill(at, piece)?;
            each(piece)?;
            at += piece.len();
        }
        Ok(())
    }

    /// Whether two pieces are equal. It stops at the first difference.
    pub(super) fn same(&self, range: Range<usize>, other: &Self, other_range: Range<usize>) -> Result<bool> {
        if range.len() != other_range.len() {
            return Ok(false);
        }
        let mut at = 0;
        while at < range.len() {
            let end = range.len().min(at + Self::PIECE);
            let ours = self.read(range.start + at..range.start + end)?;
            if ours != other.read(other_range.start + at..other_range.start + end)? {
                return Ok(false);
            }
            at = end;
        }
        Ok(true)
    }

    fn fill(&self, at: usize, piece: &mut [u8]) -> Result<()> {
        let file = match &self.0.source {
            Source::Memory(bytes) => {
                let bytes = at.checked_add(piece.len()).and_then(|end| bytes.get(at..end));
                piece.copy_from_slice(bytes.ok_or_else(|| self.shorter())?);
                return Ok(());
            }
            Source::File(file) => file,
        };
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        let read = file.seek(SeekFrom::Start(at as u64)).and_then(|_| file.read_exact(piece));
        read.map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => self.shorter(),
            _ => Error::io(format!("{} cannot be read", self.path().display()), error),
        })
    }

    fn shorter(&self) -> Error {
        LoadError::Shortened { path: self.path().to_owned(), len: self.len() }.into()
    }
}
