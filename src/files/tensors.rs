//! Writes named tensors as a safetensors file.

use super::write_with;
use crate::{Result, error::FilesError};
use candle_core::{DType, Tensor};
use safetensors::{
    View,
    tensor::{Metadata, TensorInfo},
};
use std::{
    cmp::Reverse,
    collections::HashMap,
    io::{self, Write},
    path::Path,
};

/// The limit of the format.
const LONGEST_HEADER: usize = 100_000_000;

/// Writes named tensors to a safetensors file. An existing file is replaced in one step.
///
/// # Errors
/// When two tensors have the same name, or the file cannot be written. The old content is then unchanged.
///
/// # Examples
/// ```
/// use glassbox::{candle_core::{Device, Tensor}, files};
/// let path = std::env::temp_dir().join(format!("glassbox-example-{}.safetensors", std::process::id()));
/// let direction = Tensor::new(&[0.6f32, 0.8], &Device::Cpu)?;
/// files::write_tensors(&path, [("direction".to_owned(), direction)])?;
/// # std::fs::remove_file(path).ok();
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn write_tensors(path: impl AsRef<Path>, tensors: impl IntoIterator<Item = (String, Tensor)>) -> Result<()> {
    let encoded = encode(tensors, None)?;
    write_with(path.as_ref(), |file| encoded.write(file))
}

/// Tensors in the order of their file, and the header before them.
pub(crate) struct Encoded {
    header: Vec<u8>,
    tensors: Vec<Tensor>,
}

impl Encoded {
    pub(crate) fn write(&self, file: &mut dyn Write) -> io::Result<()> {
        file.write_all(&(self.header.len() as u64).to_le_bytes())?;
        file.write_all(&self.header)?;
        self.tensors.iter().try_for_each(|tensor| file.write_all(&View::data(tensor)))
    }
}

/// Encodes a safetensors file in the order of the safetensors library: wide types first, then by name.
pub(crate) fn encode(
    tensors: impl IntoIterator<Item = (String, Tensor)>,
    metadata: Option<HashMap<String, String>>,
) -> Result<Encoded> {
    let mut tensors: Vec<_> = tensors.into_iter().collect();
    tensors.sort_by_cached_key(|(name, tensor)| (Reverse(View::dtype(tensor)), name.clone()));
    let mut offset = 0;
    let mut infos = Vec::new();
    for (name, tensor) in &mut tensors {
        use DType::{BF16, F8E4M3, F16, F32, F64, I16, I32, I64, U8, U32};
        if !matches!(tensor.dtype(), U8 | U32 | I16 | I32 | I64 | BF16 | F16 | F32 | F64 | F8E4M3) {
            return Err(FilesError::Unwritable { name: name.clone(), given: format!("{:?}", tensor.dtype()) }.into());
        }
        *tensor = tensor.contiguous()?;
        let end = offset + View::data_len(&*tensor);
        let (dtype, shape) = (View::dtype(&*tensor), tensor.dims().to_vec());
        infos.push((name.clone(), TensorInfo { dtype, shape, data_offsets: (offset, end) }));
        offset = end;
    }
    let mut names: Vec<&String> = infos.iter().map(|(name, _)| name).collect();
    names.sort();
    if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(FilesError::TwoOfAName { name: twice[0].clone() }.into());
    }
    let unwritten = |_| FilesError::Failed("the tensors' sizes do not fit a safetensors file".into());
    let header = Metadata::new(metadata, infos).map_err(unwritten)?;
    let mut header = serde_json::to_vec(&header).map_err(|error| FilesError::Failed(error.to_string()))?;
    header.resize(header.len().next_multiple_of(8), b' ');
    if header.len() > LONGEST_HEADER {
        return Err(FilesError::Header { count: tensors.len(), len: header.len() }.into());
    }
    Ok(Encoded { header, tensors: tensors.into_iter().map(|(_, tensor)| tensor).collect() })
}
