//! Damage to a file of any form.

use arbitrary::{Result, Unstructured};

/// Numbers that overflow, come to nothing or just pass.
const NUMBERS: [u64; 12] =
    [0, 1, 2, 255, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x1_0000_0000, 1 << 40, i64::MAX as u64, 1 << 63, u64::MAX];
/// What a file says of itself stands in its first bytes, and most damage is done there.
const HEAD: usize = 6000;

pub fn damage(original: &[u8], choices: &mut Unstructured) -> Result<Vec<u8>> {
    let mut bytes = original.to_vec();
    for _ in 0..choices.int_in_range(1..=3)? {
        let far = if choices.ratio(3, 4)? { HEAD.min(bytes.len()) } else { bytes.len() };
        if far == 0 {
            break;
        }
        let at = choices.int_in_range(0..=far - 1)?;
        let end = (at + choices.int_in_range(1..=64)?).min(bytes.len());
        match choices.int_in_range(0..=7)? {
            0 => bytes[at] ^= 1 << choices.int_in_range(0..=7)?,
            1 => bytes[at] = choices.arbitrary()?,
            2 | 3 => {
                let number = choices.choose(&NUMBERS)?.to_le_bytes();
                let width = *choices.choose(&[4, 8])?;
                for (byte, new) in bytes[at..].iter_mut().zip(&number[..width]) {
                    *byte = *new;
                }
            }
            4 => bytes.truncate(at),
            5 => drop(bytes.drain(at..end)),
            6 => {
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
            _ => bytes.extend_from_slice(choices.bytes(9)?),
        }
    }
    Ok(bytes)
}
