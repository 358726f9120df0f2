//! A safetensors file with a checksum of all its bytes in its header, so that damage is noticed.
//!
//! Used to resume trainings.

use crate::{Result, files, tensor::HOST};
use candle_core::Tensor;
use crc32fast::Hasher;
use std::collections::HashMap;

const KEY: &str = "crc32";
/// The placeholder for the checksum while it is computed.
const BLANK: &[u8; 8] = b"00000000";
/// The beginning of the header, before the checksum.
const BEFORE: &[u8] = br#"{"__metadata__":{"crc32":""#;
const START: usize = 8 + BEFORE.len();
const END: usize = START + BLANK.len();

/// Returns the bytes of a sealed file.
pub(super) fn seal(tensors: Vec<(String, Tensor)>) -> Result<Vec<u8>> {
    let blank = String::from_utf8_lossy(BLANK).into_owned();
    let mut bytes = Vec::new();
    // Writing to memory cannot fail.
    let _ = files::encode(tensors, Some(HashMap::from([(KEY.to_owned(), blank)])))?.write(&mut bytes);
    let sum = checksum(&bytes);
    if let Some(place) = bytes.get_mut(START..END) {
        place.copy_from_slice(sum.as_bytes());
    }
    Ok(bytes)
}

/// Returns the tensors of a sealed file, or a description of the damage.
pub(super) fn open(bytes: &[u8]) -> Result<HashMap<String, Tensor>, String> {
    let said = bytes.get(START..END).filter(|_| bytes[8..].starts_with(BEFORE));
    let Some(said) = said else { return Err("it does not start like such a file".into()) };
    let sum = checksum(bytes);
    if said != sum.as_bytes() {
        let said = String::from_utf8_lossy(said);
        return Err(format!("it is damaged: the checksum of its bytes is {sum}, but the header has {said}"));
    }
    let read = candle_core::safetensors::load_buffer(bytes, &HOST);
    read.map_err(|_| "its tensors cannot be read".into())
}

fn checksum(bytes: &[u8]) -> String {
    let mut hasher = Hasher::new();
    hasher.update(&bytes[..START.min(bytes.len())]);
    hasher.update(BLANK);
    hasher.update(bytes.get(END..).unwrap_or_default());
    format!("{:08x}", hasher.finalize())
}
