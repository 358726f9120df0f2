//! The header of a GGUF file: its metadata, and the name, type and position of each tensor.
//!
//! The format is described in [ggml's documentation](https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::{error::Error, load::bytes::Bytes};

/// Everything before the tensors' values.
pub(super) struct Header {
    pub(super) metadata: Map<String, Value>,
    pub(super) tensors: BTreeMap<String, TensorInfo>,
}

/// The description of one tensor.
#[derive(Clone, Debug)]
pub(super) struct TensorInfo {
    /// The last axis varies fastest; the file lists the axes in the opposite order.
    pub(super) shape: Vec<usize>,
    /// The number of its ggml type.
    pub(super) kind: u32,
    /// The offset of its values in the file.
    pub(super) start: usize,
}

/// A problem with the bytes, as part of a sentence, or the error of reading them.
pub(super) enum Bad {
    Why(String),
    Unread(Error),
}

impl From<String> for Bad {
    fn from(why: String) -> Self {
        Self::Why(why)
    }
}

impl From<&str> for Bad {
    fn from(why: &str) -> Self {
        Self::Why(why.to_owned())
    }
}

impl From<Error> for Bad {
    fn from(error: Error) -> Self {
        Self::Unread(error)
    }
}

type Parsed<T> = std::result::Result<T, Bad>;

/// The most values in all metadata lists together; no model has more. A value takes 32 bytes here and may take one byte
/// in the file.
const MOST_LISTED: usize = 1 << 23;
/// The most tensors or metadata keys; no model has more.
const MOST_NAMES: usize = 1 << 20;

impl Header {
    /// Parses versions 2 and 3 of the format.
    pub(super) fn parse(bytes: &Bytes) -> Parsed<Self> {
        let mut reader = Reader { bytes, at: 0, read: Vec::new(), read_at: 0, listed: 0 };
        if reader.take(4)? != b"GGUF" {
            return Err("it does not start with the letters GGUF".into());
        }
        let version = reader.u32()?;
        if !(2..=3).contains(&version) {
            return Err(format!("it has version {version} of the format, but glassbox reads versions 2 and 3").into());
        }
        let (n_tensors, n_keys) = (reader.names("tensors")?, reader.names("keys of metadata")?);
        let mut metadata = Map::new();
        for _ in 0..n_keys {
            let (key, kind) = (reader.name()?, reader.u32()?);
            let value = reader.value(kind, 0)?;
            if metadata.contains_key(&key) {
                return Err(format!("it says `{key}` twice").into());
            }
            metadata.insert(key, value);
        }
        let mut tensors = BTreeMap::new();
        for _ in 0..n_tensors {
            let name = reader.name()?;
            let n_axes = reader.u32()?;
            if n_axes > 4 {
                return Err(format!("`{name}` has {n_axes} axes, but a tensor has at most 4").into());
            }
            let mut shape = (0..n_axes).map(|_| reader.size()).collect::<Parsed<Vec<_>>>()?;
            shape.reverse();
            let (kind, start) = (reader.u32()?, reader.size()?);
            if tensors.contains_key(&name) {
                return Err(format!("it holds two tensors `{name}`").into());
            }
            tensors.insert(name, TensorInfo { shape, kind, start });
        }
        let align = metadata.get("general.alignment").map_or(Some(32), Value::as_u64);
        let align = align.filter(|&align| align > 0 && align % 8 == 0).ok_or("its alignment is not a multiple of 8")?;
        let values = reader.at.checked_next_multiple_of(align as usize).ok_or("its alignment is too large")?;
        for (name, tensor) in &mut tensors {
            let start = values.checked_add(tensor.start).filter(|_| tensor.start % align as usize == 0);
            tensor.start = start.ok_or_else(|| format!("`{name}` does not start at a multiple of {align} bytes"))?;
        }
        Ok(Self { metadata, tensors })
    }
}

struct Reader<'a> {
    bytes: &'a Bytes,
    at: usize,
    /// The bytes read ahead, and their offset.
    read: Vec<u8>,
    read_at: usize,
    /// The number of list values read so far.
    listed: usize,
}

impl Reader<'_> {
    fn left(&self) -> usize {
        self.bytes.len().saturating_sub(self.at)
    }

    fn take(&mut self, count: usize) -> Parsed<&[u8]> {
        if count > self.left() {
            let (at, len) = (self.at, self.bytes.len());
            return Err(format!("{count} bytes are needed at byte {at}, but it has only {len} in all").into());
        }
        if self.at + count > self.read_at + self.read.len() {
            let more = count.max(Bytes::PIECE).min(self.left());
            (self.read, self.read_at) = (self.bytes.read(self.at..self.at + more)?, self.at);
        }
        let from = self.at - self.read_at;
        self.at += count;
        self.read.get(from..from + count).ok_or_else(|| "internal: too little was read".into())
    }

    fn array<const N: usize>(&mut self) -> Parsed<[u8; N]> {
        let bytes = self.take(N)?;
        bytes.try_into().map_err(|_| "internal: a slice of the wrong length".into())
    }

    fn u32(&mut self) -> Parsed<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn size(&mut self) -> Parsed<usize> {
        let size = u64::from_le_bytes(self.array()?);
        usize::try_from(size).map_err(|_| format!("the size {size} is too large for this machine").into())
    }

    /// Reads a count of items that follow, each of at least one byte.
    fn len(&mut self) -> Parsed<usize> {
        let (len, left) = (self.size()?, self.left());
        if len > left {
            let why = format!("{len} entries are announced at byte {}, but only {left} bytes are left", self.at);
            return Err(why.into());
        }
        Ok(len)
    }

    fn names(&mut self, what: &str) -> Parsed<usize> {
        match self.len()? {
            count if count > MOST_NAMES => {
                Err(format!("it announces {count} {what}, but no model has more than {MOST_NAMES}").into())
            }
            count => Ok(count),
        }
    }

    /// Reads the name of a key or a tensor.
    fn name(&mut self) -> Parsed<String> {
        const LONGEST: usize = 1000;
        let at = self.at;
        let name = self.text()?;
        match name.len() {
            0..=LONGEST => Ok(name),
            len => Err(format!("the name at byte {at} has {len} bytes, but no name has more than {LONGEST}").into()),
        }
    }

    fn text(&mut self) -> Parsed<String> {
        let len = self.len()?;
        Ok(String::from_utf8_lossy(self.take(len)?).into_owned())
    }

    fn value(&mut self, kind: u32, depth: usize) -> Parsed<Value> {
        Ok(match kind {
            0 => u8::from_le_bytes(self.array()?).into(),
            1 => i8::from_le_bytes(self.array()?).into(),
            2 => u16::from_le_bytes(self.array()?).into(),
            3 => i16::from_le_bytes(self.array()?).into(),
            4 => self.u32()?.into(),
            5 => i32::from_le_bytes(self.array()?).into(),
            6 => shortest(f32::from_le_bytes(self.array()?)),
            7 => (self.array::<1>()? != [0]).into(),
            8 => self.text()?.into(),
            9 if depth < 4 => {
                let (kind, len) = (self.u32()?, self.len()?);
                self.listed += len;
                if self.listed > MOST_LISTED {
                    let at = self.at;
                    return Err(format!(
                        "its lists have over {MOST_LISTED} values at byte {at}, more than any model's"
                    )
                    .into());
                }
                Value::Array((0..len).map(|_| self.value(kind, depth + 1)).collect::<Parsed<_>>()?)
            }
            10 => u64::from_le_bytes(self.array()?).into(),
            11 => i64::from_le_bytes(self.array()?).into(),
            12 => number(f64::from_le_bytes(self.array()?)),
            _ => return Err(format!("a value at byte {} has the unknown type {kind}", self.at).into()),
        })
    }
}

/// The shortest decimal form of a float: 1e-5, where widening would give 9.999999747378752e-6.
fn shortest(value: f32) -> Value {
    value.to_string().parse().map_or(Value::Null, number)
}

/// A number. NaN and infinities become text, which every numeric setting refuses.
fn number(value: f64) -> Value {
    if value.is_finite() { value.into() } else { value.to_string().into() }
}
