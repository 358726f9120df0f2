//! Random number generators of probes: an independent stream for each use.

use rand::{SeedableRng, rngs::StdRng};

/// What a random number generator is used for. Each use and each repeat has its own stream, so a different number of
/// shuffles does not change any other result.
#[derive(Clone, Copy)]
pub(crate) enum Stream {
    Split,
    Shuffle,
    RandomFeatures,
}

/// Returns the generator for one use and repeat of a seed.
pub(crate) fn generator(seed: u64, stream: Stream, repeat: usize) -> StdRng {
    let mut bytes = [0; 32];
    for (slot, word) in bytes.chunks_exact_mut(8).zip([seed, stream as u64, repeat as u64]) {
        slot.copy_from_slice(&word.to_le_bytes());
    }
    StdRng::from_seed(bytes)
}
