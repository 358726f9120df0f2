//! [`Layout`]: how samples lie in a file.

/// How a number is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Coding {
    /// Whole numbers from 0, of which 128 is silence.
    Unsigned8,
    /// Whole numbers of so many bytes around 0.
    Whole(usize),
    Float32,
    Float64,
    /// The two laws of telephones: a logarithm in a byte.
    MuLaw,
    ALaw,
}

/// How samples lie in a file, and how many a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Layout {
    pub coding: Coding,
    pub big_endian: bool,
    pub channels: usize,
    pub rate: u32,
}

impl Coding {
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::Unsigned8 | Self::MuLaw | Self::ALaw => 1,
            Self::Whole(bytes) => bytes,
            Self::Float32 => 4,
            Self::Float64 => 8,
        }
    }

    /// The number of these bytes, least significant first.
    fn number(self, bytes: [u8; 8]) -> f64 {
        let whole = i64::from_le_bytes(bytes);
        match self {
            Self::Unsigned8 => (f64::from(bytes[0]) - 128.0) / 128.0,
            Self::Whole(count) => {
                let unused = 64 - 8 * count as u32;
                (whole << unused) as f64 / 2f64.powi(63)
            }
            Self::Float32 => f64::from(f32::from_bits(whole as u32)),
            Self::Float64 => f64::from_bits(whole as u64),
            Self::MuLaw => mu_law(bytes[0]),
            Self::ALaw => a_law(bytes[0]),
        }
    }
}

impl Layout {
    /// The bytes of one sample of all channels.
    pub(super) fn frame(&self) -> usize {
        self.coding.bytes() * self.channels
    }

    /// The samples of these bytes, channels averaged. What is no whole sample at their end is left.
    pub(super) fn decode(&self, bytes: &[u8], samples: &mut Vec<f32>) {
        let mean = |frame: &[u8]| {
            let sum: f64 = frame.chunks_exact(self.coding.bytes()).map(|bytes| self.number(bytes)).sum();
            (sum / self.channels as f64) as f32
        };
        samples.extend(bytes.chunks_exact(self.frame()).map(mean));
    }

    fn number(&self, bytes: &[u8]) -> f64 {
        let mut little = [0; 8];
        little.iter_mut().zip(bytes).for_each(|(place, &byte)| *place = byte);
        if self.big_endian {
            little[..bytes.len()].reverse();
        }
        self.coding.number(little)
    }
}

/// ITU-T G.711, to 14 bits.
fn mu_law(byte: u8) -> f64 {
    let (byte, sign) = (!byte, if byte & 0x80 == 0 { -1.0 } else { 1.0 });
    let (exponent, mantissa) = (i32::from(byte >> 4 & 7), f64::from(byte & 15));
    sign * ((2.0 * mantissa + 33.0) * 2f64.powi(exponent) - 33.0) / 8192.0
}

/// ITU-T G.711, to 13 bits.
fn a_law(byte: u8) -> f64 {
    let (byte, sign) = (byte ^ 0x55, if byte & 0x80 == 0 { -1.0 } else { 1.0 });
    let (exponent, mantissa) = (i32::from(byte >> 4 & 7), f64::from(byte & 15));
    let magnitude =
        if exponent == 0 { 2.0 * mantissa + 1.0 } else { (2.0 * mantissa + 33.0) * 2f64.powi(exponent - 1) };
    sign * magnitude / 4096.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(coding: Coding, big_endian: bool, channels: usize, bytes: &[u8]) -> Vec<f32> {
        let mut samples = Vec::new();
        Layout { coding, big_endian, channels, rate: 16_000 }.decode(bytes, &mut samples);
        samples
    }

    #[test]
    fn every_kind_of_number_is_read_as_what_it_means() {
        assert_eq!(decoded(Coding::Unsigned8, false, 1, &[0, 128, 192]), [-1.0, 0.0, 0.5]);
        assert_eq!(decoded(Coding::Whole(2), false, 1, &[0, 0x80, 0, 0x40, 255]), [-1.0, 0.5]);
        assert_eq!(decoded(Coding::Whole(2), true, 1, &[0x80, 0, 0x40, 0]), [-1.0, 0.5]);
        assert_eq!(decoded(Coding::Whole(3), false, 1, &[0, 0, 0x80, 0, 0, 0x20]), [-1.0, 0.25]);
        assert_eq!(decoded(Coding::Whole(4), false, 1, &i32::MIN.to_le_bytes()), [-1.0]);
        assert_eq!(decoded(Coding::Float32, false, 1, &0.3f32.to_le_bytes()), [0.3]);
        assert_eq!(decoded(Coding::Float64, true, 1, &(-0.3f64).to_be_bytes()), [-0.3]);
    }

    #[test]
    fn channels_are_averaged() {
        assert_eq!(decoded(Coding::Whole(2), false, 2, &[0, 0x40, 0, 0, 0, 0x80, 0, 0x80]), [0.25, -1.0]);
    }

    /// As Python's audioop had them.
    #[test]
    fn the_laws_of_telephones_are_those_of_the_standard() {
        let laws = |byte| (mu_law(byte) * 32768.0, a_law(byte) * 32768.0);
        assert_eq!([laws(0xff).0, laws(0x7f).0, laws(0x00).0, laws(0x80).0], [0.0, 0.0, -32124.0, 32124.0]);
        assert_eq!([laws(0xd5).1, laws(0x55).1, laws(0x2a).1, laws(0xaa).1], [8.0, -8.0, -32256.0, 32256.0]);
    }
}
