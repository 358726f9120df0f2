//! Damage to a safetensors file that keeps its form: the header is changed as JSON and its length put right.

use super::json;
use arbitrary::{Result, Unstructured};

pub fn damage(original: &[u8], choices: &mut Unstructured) -> Result<Vec<u8>> {
    let Some((length, rest)) = original.split_first_chunk::<8>() else { return Ok(Vec::new()) };
    let (header, data) = rest.split_at(usize::try_from(u64::from_le_bytes(*length)).unwrap_or(0).min(rest.len()));
    let mut header = json::damage(header, header, choices)?;
    header.resize(header.len().next_multiple_of(8), b' ');
    Ok([&(header.len() as u64).to_le_bytes(), header.as_slice(), data].concat())
}
