//! Reads little-endian floating point numbers of every width as `f32`.

use std::ops::Range;

use super::bytes::Bytes;
use crate::error::Result;

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
            Self::F16 => to.extend(bytes.as_chunks().0.iter().map(|&b| from_f16(u16::from_le_bytes(b)))),
            Self::BF16 => to.extend(bytes.as_chunks().0.iter().map(|&b| from_bf16(u16::from_le_bytes(b)))),
        }
    }
}

/// Widens a bfloat16, which is the upper half of a float.
fn from_bf16(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

/// Widens an IEEE half. Its exponent is 112 smaller than a float's, which one exact multiplication corrects, including
/// for subnormals. There are no branches on the value, so the loop can be vectorised.
fn from_f16(bits: u16) -> f32 {
    const TWO_TO_112: f32 = f32::from_bits((112 + 127) << 23);
    let bits = u32::from(bits);
    let magnitude = (bits & 0x7fff) << 13;
    let not_finite = bits & 0x7c00 == 0x7c00;
    let value = if not_finite { magnitude | 0x7f80_0000 } else { (f32::from_bits(magnitude) * TWO_TO_112).to_bits() };
    f32::from_bits(value | (bits & 0x8000) << 16)
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
