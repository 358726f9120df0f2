//! Tensors in one safetensors file, or in several with an index.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use safetensors::{Dtype, SafeTensors, tensor::Metadata};

use super::{bytes::Bytes, float::Float, settings::Settings, weights::Source};
use crate::error::{LoadError, Result};

/// The files of one checkpoint, and in which of them each tensor is.
pub(super) struct SafetensorFiles {
    files: Vec<SafetensorFile>,
    home: BTreeMap<String, usize>,
}

struct SafetensorFile {
    path: PathBuf,
    bytes: Bytes,
    data_starts: usize,
    metadata: Metadata,
}

impl SafetensorFiles {
    /// One file that holds every tensor.
    pub(super) fn single(path: &Path) -> Result<Self> {
        Ok(Self::of(vec![SafetensorFile::new(path, Bytes::map(path)?)?]))
    }

    /// A file that is in memory already.
    pub(super) fn in_memory(bytes: Vec<u8>) -> Result<Self> {
        Ok(Self::of(vec![SafetensorFile::new(Path::new("model.safetensors"), bytes.into())?]))
    }

    /// Every file that an index (`model.safetensors.index.json`) names, beside it.
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
            let file = SafetensorFile::new(&path, Bytes::map(&path)?)?;
            if let Some(name) = names.iter().find(|name| file.metadata.info(name).is_none()) {
                let why = format!("the index says that `{name}` is in it, and it is not");
                return Err(LoadError::Damaged { path, what: "a part of the model", why }.into());
            }
            files.push(file);
        }
        Ok(Self::of(files))
    }

    fn of(files: Vec<SafetensorFile>) -> Self {
        let names = |(at, file): (usize, &SafetensorFile)| {
            file.metadata.offset_keys().into_iter().map(move |name| (name, at)).collect::<Vec<_>>()
        };
        let home = files.iter().enumerate().flat_map(names).collect();
        Self { files, home }
    }
}

/// The files that an index names, each with the tensors it should hold.
pub(super) fn read_index(index: &Path) -> Result<BTreeMap<String, Vec<String>>> {
    let damaged =
        |why: String| LoadError::Damaged { path: index.to_owned(), what: "an index of safetensors files", why };
    let settings = Settings::parse_file(&Bytes::map(index)?, index)?;
    let map = settings.value("weight_map")?.and_then(|map| map.as_object());
    let map = map.ok_or_else(|| damaged("it has no `weight_map`".into()))?;
    let mut shards = BTreeMap::<String, Vec<String>>::new();
    for (tensor, file) in map {
        // A bare file name only: an index must not lead out of its folder.
        let name = file.as_str().filter(|name| Path::new(name).file_name().is_some_and(|bare| bare == *name));
        let name = name.ok_or_else(|| damaged(format!("`{tensor}` is said to be in {file}, which is no file name")))?;
        shards.entry(name.to_owned()).or_default().push(tensor.clone());
    }
    Ok(shards)
}

impl SafetensorFile {
    fn new(path: &Path, bytes: Bytes) -> Result<Self> {
        let damaged = |why| LoadError::Damaged { path: path.to_owned(), what: "a safetensors file", why };
        let (header, metadata) =
            SafeTensors::read_metadata(&bytes).map_err(|why| damaged(format!("{why} (of {} bytes)", bytes.len())))?;
        Ok(Self { path: path.to_owned(), bytes, data_starts: size_of::<u64>() + header, metadata })
    }

    fn read(&self, name: &str) -> Result<Option<Vec<f32>>> {
        let Some(info) = self.metadata.info(name) else { return Ok(None) };
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
        let (start, end) = info.data_offsets;
        let from = |at: usize| self.data_starts.checked_add(at);
        let data = from(start).zip(from(end)).and_then(|(start, end)| self.bytes.window(start..end));
        let why = || format!("the values of `{name}` lie past its end");
        let data = data.ok_or_else(|| LoadError::Damaged { path: self.path.clone(), what: "tensors", why: why() })?;
        Ok(Some(float.read(&data)))
    }
}

impl Source for SafetensorFiles {
    fn shapes(&self) -> BTreeMap<String, Vec<usize>> {
        let shape = |(name, &at): (&String, &usize)| {
            Some((name.clone(), self.files.get(at)?.metadata.info(name)?.shape.clone()))
        };
        self.home.iter().filter_map(shape).collect()
    }

    fn read(&self, name: &str) -> Result<Option<Vec<f32>>> {
        let file = self.home.get(name).and_then(|&at| self.files.get(at));
        file.map_or(Ok(None), |file| file.read(name))
    }
}
