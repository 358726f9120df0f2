//! The memory that recorded tensors take.

use super::ActivationCache;
use candle_core::{CpuStorage, Storage, Tensor};
use std::collections::HashMap;

impl ActivationCache {
    /// The number of bytes of the recorded activations.
    ///
    /// A buffer that several of them share counts once.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let pass = Model::open("induction-2l")?.pass("red fox blue")?.record([Site::resid_post(1)]);
    /// assert_eq!(pass.run()?.cache().bytes(), 4 * 64 * 4); // positions, d_model, bytes of a float
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn bytes(&self) -> usize {
        bytes_of(self.iter().map(|(_, tensor)| tensor))
    }
}

/// The number of bytes of the buffers behind some tensors, each buffer once.
pub(crate) fn bytes_of(tensors: impl Iterator<Item = Tensor>) -> usize {
    tensors.map(|tensor| buffer(&tensor)).collect::<HashMap<usize, usize>>().into_values().sum()
}

/// The address of the buffer behind a tensor, and its bytes.
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
