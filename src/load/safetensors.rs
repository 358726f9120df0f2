//! Tensors in one safetensors file, or in several with an index
//! ([the format](https://huggingface.co/docs/safetensors)).

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    path::Path,
};

use safetensors::{
    Dtype,
    tensor::{Metadata, TensorInfo},
};
use serde_json::error::Category;

use super::{bytes::Bytes, float::Float, settings::Settings, weights::Source};
use crate::error::{LoadError, Result};

/// The files of one checkpoint, and the file of each tensor.
pub(super) struct SafetensorFiles {
    files: Vec<SafetensorFile>,
    home: BTreeMap<String, usize>,
}

struct SafetensorFile {
    bytes: Bytes,
    data_starts: usize,
    metadata: Metadata,
}

/// The longest header that the format allows.
const MOST_HEADER: usize = 100_000_000;

impl SafetensorFiles {
    /// Opens one file that holds every tensor.
    pub(super) fn single(path: &Path) -> Result<Self> {
        Self::of(vec![SafetensorFile::new(Bytes::open(path)?)?])
    }

    /// Opens a file that is in memory.
    pub(super) fn in_memory(bytes: Vec<u8>) -> Result<Self> {
        Self::of(vec![SafetensorFile::new(Bytes::in_memory("model.safetensors", bytes))?])
    }

    /// Opens every file that an index (`model.safetensors.index.json`) names, beside it.
    pub(super) fn sharded(index: &Path) -> Result<Self> {
        let folder = index.parent().unwrap_or(Path::new("."));
        let shards = read_index(index)?;
        let mut files = Vec::with_capacity(shards.len());
        for (shard, names) in &shards {
            let path = folder.join(shard);
            if !path.is_file() {
                let hint = format!("{} names it as one of {} files", index.display(), shards.len());
                return Err(LoadError::Missing { path, hint }.into());
            }
            let file = SafetensorFile::new(Bytes::open(&path)?)?;
            if let Some(name) = names.iter().find(|name| file.metadata.info(name).is_none()) {
                let why = format!("the index says that `{name}` is in it, but it is not");
                return Err(LoadError::Damaged { path, what: "a part of the model", why }.into());
            }
            files.push(file);
        }
        if let Some(name) = unnamed_part(folder, &shards) {
            let (path, what) = (folder.join(&name), "a part of the model");
            let why = format!("{} does not name it; remove it, or the index with the other parts", index.display());
            return Err(LoadError::Damaged { path, what, why }.into());
        }
        Self::of(files)
    }

    /// # Errors
    /// When two files hold a tensor of one name with different values.
    fn of(files: Vec<SafetensorFile>) -> Result<Self> {
        let mut home = BTreeMap::new();
        for (at, file) in files.iter().enumerate() {
            for name in file.metadata.offset_keys() {
                let Some(first) = home.insert(name.clone(), at) else { continue };
                if !files[first].same(&name, file, &name)?.unwrap_or(false) {
                    let path = file.bytes.path().to_owned();
                    let why = format!("its `{name}` differs from that in {}", files[first].bytes.path().display());
                    return Err(LoadError::Damaged { path, what: "a part of the model", why }.into());
                }
            }
        }
        Ok(Self { files, home })
    }

    /// A tensor that only one of the two has, or whose values differ.
    pub(super) fn difference(&self, other: &Self) -> Result<Option<String>> {
        let lacks = |name: &&String| !other.home.contains_key(*name);
        if let Some(name) = self.home.keys().find(lacks) {
            return Ok(Some(name.clone()));
        }
        for name in other.home.keys() {
            let same = match (self.file(name), other.file(name)) {
                (Some(ours), Some(theirs)) => ours.same(name, theirs, name)?,
                _ => None,
            };
            if same != Some(true) {
                return Ok(Some(name.clone()));
            }
        }
        Ok(None)
    }

    fn file(&self, name: &str) -> Option<&SafetensorFile> {
        self.home.get(name).and_then(|&at| self.files.get(at))
    }
}

/// The files that an index names, each with the tensors it should hold.
pub(super) fn read_index(index: &Path) -> Result<BTreeMap<String, Vec<String>>> {
    let damaged =
        |why: String| LoadError::Damaged { path: index.to_owned(), what: "an index of safetensors files", why };
    let settings = Settings::parse_file(&Bytes::of_text(index)?, index)?;
    let map = settings.value("weight_map")?.and_then(|map| map.as_object());
    let map = map.ok_or_else(|| damaged("it has no `weight_map`".into()))?;
    let mut shards = BTreeMap::<String, Vec<String>>::new();
    for (tensor, file) in map {
        // Bare file names only: an index must not lead out of its folder.
        let name = file.as_str().filter(|name| Path::new(name).file_name().is_some_and(|bare| bare == *name));
        let name = name.ok_or_else(|| damaged(format!("`{tensor}` should be in {file}, which is not a file name")))?;
        shards.entry(name.to_owned()).or_default().push(tensor.clone());
    }
    Ok(shards)
}

/// A file in the folder that is numbered like the parts (`model-00003-of-00003.safetensors`) but not in the index.
fn unnamed_part(folder: &Path, shards: &BTreeMap<String, Vec<String>>) -> Option<String> {
    let series = |name: &str| -> Option<(String, String)> {
        let (stem, of) = name.split_once("-of-")?;
        Some((stem.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned(), of.to_owned()))
    };
    let known: BTreeSet<_> = shards.keys().filter_map(|shard| series(shard)).collect();
    let names = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = names.map(|file| file.file_name().to_string_lossy().into_owned());
    let stray = |name: &String| !shards.contains_key(name) && series(name).is_some_and(|of| known.contains(&of));
    names.filter(stray).min()
}

/// The advice about a damaged file.
const AGAIN: &str = "the file is damaged: download it again";

impl SafetensorFile {
    fn new(bytes: Bytes) -> Result<Self> {
        let path = bytes.path().to_owned();
        let damaged = |why| LoadError::Damaged { path: path.clone(), what: "a safetensors file", why };
        let (header, metadata) = header(&bytes)?.map_err(damaged)?;
        let (starts, len) = (header.end, bytes.len());
        let why = match starts.checked_add(metadata.data_len()) {
            Some(end) if end == len => return Ok(Self { bytes, data_starts: starts, metadata }),
            Some(end) if end < len => format!("{} bytes follow its last tensor; {AGAIN}", len - end),
            Some(end) => format!("it ends at byte {len}, but its last tensor at byte {end}; {AGAIN}"),
            None => format!("its tensors are larger than any file; {AGAIN}"),
        };
        Err(damaged(why).into())
    }

    fn info(&self, name: &str) -> Option<(&TensorInfo, Range<usize>)> {
        let info = self.metadata.info(name)?;
        // The offsets were checked against the file's length when it was opened.
        let (start, end) = info.data_offsets;
        Some((info, self.data_starts.saturating_add(start)..self.data_starts.saturating_add(end)))
    }

    fn read(&self, name: &str) -> Result<Option<Vec<f32>>> {
        let Some((info, data)) = self.info(name) else { return Ok(None) };
        let float = match info.dtype {
            Dtype::F64 => Float::F64,
            Dtype::F32 => Float::F32,
            Dtype::F16 => Float::F16,
            Dtype::BF16 => Float::BF16,
            other => {
                let (name, given, known) = (name.to_owned(), format!("{other:?}"), "F64, F32, F16 and BF16");
                return Err(LoadError::TensorType { name, given, known }.into());
            }
        };
        float.read(&self.bytes, data).map(Some)
    }

    /// Whether a tensor here and one in another file are stored identically; `None` if their bytes cannot be compared.
    fn same(&self, name: &str, other: &Self, twin: &str) -> Result<Option<bool>> {
        let (Some((ours, here)), Some((theirs, there))) = (self.info(name), other.info(twin)) else { return Ok(None) };
        if ours.shape != theirs.shape {
            return Ok(Some(false));
        }
        if ours.dtype != theirs.dtype {
            return Ok(None);
        }
        self.bytes.same(here, &other.bytes, there).map(Some)
    }
}

/// The position and content of the header; the inner error says what is wrong with it.
fn header(bytes: &Bytes) -> Result<std::result::Result<(Range<usize>, Metadata), String>> {
    const SIZE: usize = size_of::<u64>();
    let len = bytes.len();
    if len < SIZE {
        return Ok(Err(format!("it has {len} bytes, but the size of its header alone takes {SIZE}; {AGAIN}")));
    }
    let size = bytes.read(0..SIZE)?.iter().rev().fold(0u64, |size, &byte| size << 8 | u64::from(byte));
    let header = match usize::try_from(size) {
        Ok(size) if size > MOST_HEADER => None,
        Ok(size) => Some(SIZE..SIZE + size),
        Err(_) => None,
    };
    let Some(header) = header else {
        return Ok(Err(format!(
            "its header claims to have {size} bytes, but it can have at most {MOST_HEADER}; {AGAIN}"
        )));
    };
    if header.end > len {
        return Ok(Err(format!("it ends at byte {len}, but its header at byte {}; {AGAIN}", header.end)));
    }
    let parsed = serde_json::from_slice::<Metadata>(&bytes.read(header.clone())?);
    Ok(parsed.map(|metadata| (header, metadata)).map_err(|error| match error.classify() {
        Category::Data => format!(
            "its header does not say of every tensor which type, shape and place it has, one after the other without a \
             gap; {AGAIN}"
        ),
        _ => format!("its header is not valid JSON at line {}, column {}; {AGAIN}", error.line(), error.column()),
    }))
}

impl Source for SafetensorFiles {
    fn shapes(&self) -> BTreeMap<String, Vec<usize>> {
        let shape = |name: &String| Some((name.clone(), self.file(name)?.metadata.info(name)?.shape.clone()));
        self.home.keys().filter_map(shape).collect()
    }

    fn read(&self, name: &str) -> Result<Option<Vec<f32>>> {
        self.file(name).map_or(Ok(None), |file| file.read(name))
    }

    fn same(&self, name: &str, twin: &str) -> Result<Option<bool>> {
        match (self.file(name), self.file(twin)) {
            (Some(ours), Some(theirs)) => ours.same(name, theirs, twin),
            _ => Ok(None),
        }
    }

    fn whence(&self, name: &str) -> String {
        let path = self.file(name).map(|file| file.bytes.path().to_owned()).unwrap_or_default();
        format!("{} is damaged: download it again", path.display())
    }
}
