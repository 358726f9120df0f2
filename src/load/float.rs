//! Reads little-endian floating point numbers of every width as `f32`.

use super::bytes::Bytes;
use crate::error::Result;
use half::{bf16, f16, slice::HalfFloatSliceExt};
use std::ops::Range;

/// A floating point type that weights are stored in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Float {
    F64,
    F32,
    F16,
    BF16,
}

impl Float {
    /// The number of bytes of one value.
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::F64 => 8,
            Self::F32 => 4,
            Self::F16 | Self::BF16 => 2,
        }
    }

    /// Reads the numbers in a byte range, in order; an incomplete last number is left out.
    ///
    /// # Errors
    /// When the file has become shorter.
    pub(super) fn read(self, bytes: &Bytes, range: Range<usize>) -> Result<Vec<f32>> {
        let mut numbers = Vec::with_capacity(range.len() / self.bytes());
        bytes.pieces(range, |piece| {
            self.append(piece, &mut numbers);
            Ok(())
        })?;
        Ok(numbers)
    }

    fn append(self, bytes: &[u8], to: &mut Vec<f32>) {
        match self {
            Self::F64 => to.extend(bytes.as_chunks().0.iter().map(|&b| f64::from_le_bytes(b) as f32)),
            Self::F32 => to.extend(bytes.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b))),
            Self::F16 => widen(bytes.as_chunks().0, to),
            Self::BF16 => to.extend(bytes.as_chunks().0.iter().map(|&b| bf16::from_le_bytes(b).to_f32())),
        }
    }
}

/// Widens IEEE halves, 1024 at a time, because the conversion needs a slice of them.
fn widen(bytes: &[[u8; 2]], to: &mut Vec<f32>) {
    let mut halves = [f16::ZERO; 1024];
    for bytes in bytes.chunks(halves.len()) {
        let halves = &mut halves[..bytes.len()];
        halves.iter_mut().zip(bytes).for_each(|(half, &bytes)| *half = f16::from_le_bytes(bytes));
        let start = to.len();
        to.resize(start + halves.len(), 0.0);
        halves.convert_to_f32_slice(&mut to[start..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device, Tensor};

    fn read(float: Float, bytes: &[u8]) -> Vec<f32> {
        float.read(&Bytes::in_memory("numbers", bytes.to_vec()), 0..bytes.len()).unwrap()
    }

    fn by_candle(bytes: &[u8], dtype: DType) -> Vec<f32> {
        let tensor = Tensor::from_raw_buffer(bytes, dtype, &[bytes.len() / 2], &Device::Cpu).unwrap();
        tensor.to_dtype(DType::F32).unwrap().to_vec1().unwrap()
    }

    #[test]
    fn every_sixteen_bit_number_widens_to_the_bits_candle_gives() {
        let all: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_le_bytes).collect();
        for (float, dtype) in [(Float::F16, DType::F16), (Float::BF16, DType::BF16)] {
            for (bits, (ours, theirs)) in read(float, &all).iter().zip(by_candle(&all, dtype)).enumerate() {
                let same = ours.to_bits() == theirs.to_bits() || (ours.is_nan() && theirs.is_nan());
                assert!(same, "{dtype:?} {bits:#06x}: {ours} is not {theirs}");
            }
        }
    }

    #[test]
    fn doubles_and_floats_are_read_in_order() {
        let doubles: Vec<u8> = [1.5f64, -2.25].iter().flat_map(|v| v.to_le_bytes()).collect();
        assert_eq!(read(Float::F64, &doubles), [1.5, -2.25]);
        let floats: Vec<u8> = [0.1f32, f32::MIN_POSITIVE].iter().flat_map(|v| v.to_le_bytes()).collect();
        assert_eq!(read(Float::F32, &floats), [0.1, f32::MIN_POSITIVE]);
    }
}
