//! [`GgufTensors`]: the tensors of a GGUF file, dequantized from their blocks.

use std::{collections::BTreeMap, ops::Range};

use candle_core::quantized::{GgmlDType, ggml_file::qtensor_from_ggml};

use super::{
    family::Family,
    header::TensorInfo,
    layout::{Heads, Layout},
};
use crate::{
    error::{Error, LoadError, Result},
    load::{bytes::Bytes, float::Float, weights::Source},
    tensor::HOST,
};

/// The tensors by the model's own names.
pub(super) struct GgufTensors {
    bytes: Bytes,
    heads: Heads,
    tensors: BTreeMap<String, (TensorInfo, Layout)>,
}

impl GgufTensors {
    /// Collects the tensors. It fails at once if the file ends before a tensor's values do, as after a broken download,
    /// or if two tensors would share a name.
    pub(super) fn new(
        bytes: Bytes,
        stored: &BTreeMap<String, TensorInfo>,
        family: &Family,
        heads: Heads,
    ) -> Result<Self> {
        let mut tensors = BTreeMap::new();
        for (name, tensor) in stored {
            if let Ok(stored) = Stored::of(name, tensor.kind) {
                stored.byte_range(name, tensor, &bytes)?;
            }
            for (own, tensor, layout) in family.tensors(name, tensor) {
                if tensors.contains_key(&own) {
                    return Err(damaged(&bytes, format!("`{name}` is a second tensor `{own}`")));
                }
                tensors.insert(own, (tensor, layout));
            }
        }
        Ok(Self { bytes, heads, tensors })
    }
}

fn damaged(bytes: &Bytes, why: String) -> Error {
    LoadError::Damaged { path: bytes.path().to_owned(), what: "a GGUF file", why }.into()
}

impl Source for GgufTensors {
    fn shapes(&self) -> BTreeMap<String, Vec<usize>> {
        let shape = |(tensor, layout): &(TensorInfo, Layout)| layout.shape(&tensor.shape);
        self.tensors.iter().map(|(name, stored)| (name.clone(), shape(stored))).collect()
    }

    fn read(&self, name: &str) -> Result<Option<Vec<f32>>> {
        let Some((tensor, layout)) = self.tensors.get(name) else { return Ok(None) };
        let values = values(name, tensor, &self.bytes)?;
        let Heads { queries, keys } = self.heads;
        let why = || format!("the rows of `{name}` {:?} are not {queries} heads, or {keys} of keys", tensor.shape);
        Ok(Some(layout.restore(values, &tensor.shape, self.heads).ok_or_else(|| damaged(&self.bytes, why()))?))
    }

    fn whence(&self, _: &str) -> String {
        format!("{} is damaged: download it again", self.bytes.path().display())
    }
}

/// The values of one tensor, in the order of the file.
pub(super) fn values(name: &str, tensor: &TensorInfo, bytes: &Bytes) -> Result<Vec<f32>> {
    let stored = Stored::of(name, tensor.kind)?;
    let place = stored.byte_range(name, tensor, bytes)?;
    match stored {
        _ if place.is_empty() => Ok(Vec::new()),
        Stored::Floats(float) => float.read(bytes, place),
        Stored::Blocks(dtype) => {
            let blocks = qtensor_from_ggml(dtype, &bytes.read(place)?, tensor.shape.clone(), &HOST)?;
            Ok(blocks.dequantize(&HOST)?.flatten_all()?.to_vec1()?)
        }
    }
}

/// Whether two tensors exist and are stored identically.
pub(super) fn same(bytes: &Bytes, tensors: [Option<&TensorInfo>; 2]) -> Result<bool> {
    let [Some(one), Some(other)] = tensors else { return Ok(false) };
    let place = |tensor: &TensorInfo| Stored::of("", tensor.kind).ok()?.byte_range("", tensor, bytes).ok();
    match (place(one), place(other)) {
        (Some(here), Some(there)) if one.kind == other.kind && one.shape == other.shape => {
            bytes.same(here, bytes, there)
        }
        _ => Ok(false),
    }
}

impl TensorInfo {
    /// The tensors stacked along the first axis. `None` if there is no such axis or the rest is empty.
    ///
    /// Blocks never cross rows, so each tensor is a contiguous piece of the file.
    pub(super) fn unstack(&self) -> Option<Vec<Self>> {
        let (&count, shape) = self.shape.split_first()?;
        let (per_block, size) = Stored::of("", self.kind).ok()?.block();
        let values = shape.iter().try_fold(1usize, |values, &axis| values.checked_mul(axis))?;
        let each = (values / per_block).checked_mul(size)?;
        let piece = |at| Self { shape: shape.to_vec(), kind: self.kind, start: self.start + at * each };
        // A mixture has at most a few hundred experts; a damaged file may claim any number.
        (each > 0 && !shape.is_empty() && count <= 1 << 16).then(|| (0..count).map(piece).collect())
    }
}

/// The storage format of a tensor's values.
#[derive(Clone, Copy)]
enum Stored {
    Floats(Float),
    Blocks(GgmlDType),
}

impl Stored {
    /// Returns the format for a ggml type number.
    fn of(name: &str, kind: u32) -> Result<Self> {
        Ok(match kind {
            0 => Self::Floats(Float::F32),
            1 => Self::Floats(Float::F16),
            28 => Self::Floats(Float::F64),
            30 => Self::Floats(Float::BF16),
            2 => Self::Blocks(GgmlDType::Q4_0),
            3 => Self::Blocks(GgmlDType::Q4_1),
            6 => Self::Blocks(GgmlDType::Q5_0),
            7 => Self::Blocks(GgmlDType::Q5_1),
            8 => Self::Blocks(GgmlDType::Q8_0),
            10 => Self::Blocks(GgmlDType::Q2K),
            11 => Self::Blocks(GgmlDType::Q3K),
            12 => Self::Blocks(GgmlDType::Q4K),
            13 => Self::Blocks(GgmlDType::Q5K),
            14 => Self::Blocks(GgmlDType::Q6K),
            other => {
                let known = "F64, F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0 and Q2_K to Q6_K";
                let given = format!("ggml type {other}{}", other_name(other));
                return Err(LoadError::TensorType { name: name.to_owned(), given, known }.into());
            }
        })
    }

    /// The values in a block, and the bytes of a block.
    fn block(self) -> (usize, usize) {
        match self {
            Self::Floats(float) => (1, float.bytes()),
            Self::Blocks(dtype) => (dtype.block_size(), dtype.type_size()),
        }
    }

    /// The byte range of a tensor, whose rows must consist of whole blocks.
    fn byte_range(self, name: &str, tensor: &TensorInfo, bytes: &Bytes) -> Result<Range<usize>> {
        let (per_block, size) = self.block();
        let whole = tensor.shape.last().unwrap_or(&1).is_multiple_of(per_block);
        let count = tensor.shape.iter().try_fold(1usize, |count, &axis| count.checked_mul(axis));
        let len = count.filter(|_| whole).and_then(|count| (count / per_block).checked_mul(size));
        let why = || format!("`{name}` cannot have shape {:?} in blocks of {per_block}", tensor.shape);
        let end = len.and_then(|len| len.checked_add(tensor.start)).ok_or_else(|| damaged(bytes, why()))?;
        if end > bytes.len() {
            let len = bytes.len();
            let why = format!("`{name}` ends at byte {end}, but the file has {len}; download it again, to its end");
            return Err(damaged(bytes, why));
        }
        Ok(tensor.start..end)
    }
}

/// The name of another type that exists, for an error.
fn other_name(kind: u32) -> &'static str {
    match kind {
        16..=23 | 29 => " (an IQ quantization)",
        24..=27 => " (whole numbers)",
        34 | 35 => " (a ternary quantization)",
        39 => " (MXFP4)",
        _ => "",
    }
}
