//! How much memory recorded tensors hold.

use super::ActivationCache;
use candle_core::{CpuStorage, Storage, Tensor};
use std::collections::HashMap;

impl ActivationCache {
    /// How many bytes the recorded activations hold, each buffer once, however many of them share it.
    pub fn bytes(&self) -> usize {
        bytes_of(self.iter().map(|(_, tensor)| tensor))
    }
}

/// The bytes of the buffers behind some tensors, each buffer once.
pub(crate) fn bytes_of(tensors: impl Iterator<Item = Tensor>) -> usize {
    tensors.map(|tensor| buffer(&tensor)).collect::<HashMap<usize, usize>>().into_values().sum()
}

/// Which buffer a tensor looks into, and its bytes.
fn buffer(tensor: &Tensor) -> (usize, usize) {
    let (storage, layout) = tensor.storage_and_layout();
    let count = match &*storage {
        Storage::Cpu(CpuStorage::F32(values)) => values.len(),
        Storage::Cpu(CpuStorage::F64(values)) => values.len(),
        Storage::Cpu(CpuStorage::U32(values)) => values.len(),
        Storage::Cpu(CpuStorage::I64(values)) => values.len(),
        _ => layout.shape().elem_count(),
    };
    (std::ptr::from_ref::<Storage>(&storage).addr(), count * tensor.dtype().size_in_bytes())
}
