//! The head of a GGUF file: what it says about the model, and where each tensor is.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Everything before the tensors' values.
pub(super) struct Header {
    pub(super) metadata: Map<String, Value>,
    pub(super) tensors: BTreeMap<String, TensorInfo>,
}

/// One tensor's place in the file.
#[derive(Clone, Debug)]
pub(super) struct TensorInfo {
    /// Last axis fastest, the other way round than in the file.
    pub(super) shape: Vec<usize>,
    /// The number of its ggml type.
    pub(super) kind: u32,
    /// Where its values begin in the file.
    pub(super) start: usize,
}

/// What is wrong with the bytes, for a sentence.
type Parsed<T> = std::result::Result<T, String>;

impl Header {
    /// Reads versions 2 and 3 of the format.
    pub(super) fn parse(bytes: &[u8]) -> Parsed<Self> {
        let mut reader = Reader { bytes, at: 0 };
        if reader.take(4)? != b"GGUF" {
            return Err("it does not begin with the letters GGUF".into());
        }
        let version = reader.u32()?;
        if !(2..=3).contains(&version) {
            return Err(format!("it is version {version} of the format, and glassbox reads versions 2 and 3"));
        }
        let (n_tensors, n_keys) = (reader.len()?, reader.len()?);
        let mut metadata = Map::new();
        for _ in 0..n_keys {
            let (key, kind) = (reader.text()?, reader.u32()?);
            metadata.insert(key, reader.value(kind, 0)?);
        }
        let mut tensors = BTreeMap::new();
        for _ in 0..n_tensors {
            let name = reader.text()?;
            let n_axes = reader.u32()?;
            if n_axes > 4 {
                return Err(format!("`{name}` has {n_axes} axes, and a tensor has at most 4"));
            }
            let mut shape = (0..n_axes).map(|_| reader.size()).collect::<Parsed<Vec<_>>>()?;
            shape.reverse();
            let (kind, start) = (reader.u32()?, reader.size()?);
            tensors.insert(name, TensorInfo { shape, kind, start });
        }
        let align = metadata.get("general.alignment").map_or(Some(32), Value::as_u64);
        let align = align.filter(|&align| align > 0 && align % 8 == 0).ok_or("its alignment is not a multiple of 8")?;
        let values = reader.at.checked_next_multiple_of(align as usize).ok_or("its alignment is too large")?;
        for (name, tensor) in &mut tensors {
            let start = values.checked_add(tensor.start).filter(|_| tensor.start % align as usize == 0);
            tensor.start = start.ok_or_else(|| format!("`{name}` does not begin at a multiple of {align} bytes"))?;
        }
        Ok(Self { metadata, tensors })
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Parsed<&'a [u8]> {
        let end = self.at.checked_add(count);
        let taken = end.and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or_else(|| {
            format!("{count} bytes are needed at byte {} and it has {} in all", self.at, self.bytes.len())
        })?;
        self.at += count;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Parsed<[u8; N]> {
        let bytes = self.take(N)?;
        bytes.try_into().map_err(|_| "internal: a slice of the wrong length".to_owned())
    }

    fn u32(&mut self) -> Parsed<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn size(&mut self) -> Parsed<usize> {
        let size = u64::from_le_bytes(self.array()?);
        usize::try_from(size).map_err(|_| format!("the size {size} is too large for this machine"))
    }

    /// A count of things that follow, each of at least one byte.
    fn len(&mut self) -> Parsed<usize> {
        let (len, left) = (self.size()?, self.bytes.len() - self.at);
        if len > left {
            return Err(format!("{len} entries are announced at byte {} and {left} bytes are left", self.at));
        }
        Ok(len)
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
                Value::Array((0..len).map(|_| self.value(kind, depth + 1)).collect::<Parsed<_>>()?)
            }
            10 => u64::from_le_bytes(self.array()?).into(),
            11 => i64::from_le_bytes(self.array()?).into(),
            12 => number(f64::from_le_bytes(self.array()?)),
            _ => return Err(format!("a value at byte {} has the unknown type {kind}", self.at)),
        })
    }
}

/// The number as a person wrote it: 1e-5, where widening the float would give 9.999999747378752e-6.
fn shortest(value: f32) -> Value {
    value.to_string().parse().map_or(Value::Null, number)
}

/// A number; what is none (NaN, infinite) as a text, which no setting takes for a number, nor for absent.
fn number(value: f64) -> Value {
    if value.is_finite() { value.into() } else { value.to_string().into() }
}
