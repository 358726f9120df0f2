use rand::{SeedableRng, rngs::StdRng};

/// What a random number generator is for. Each use and each repeat has a stream of its own, so that asking for one
/// more shuffle, or for none, changes no other number.
#[derive(Clone, Copy)]
pub(crate) enum Stream {
    Split,
    Shuffle,
    RandomFeatures,
}

/// The generator of one use and repeat of a seed.
pub(crate) fn generator(seed: u64, stream: Stream, repeat: usize) -> StdRng {
    let mut bytes = [0; 32];
    for (slot, word) in bytes.chunks_exact_mut(8).zip([seed, stream as u64, repeat as u64]) {
        slot.copy_from_slice(&word.to_le_bytes());
    }
    StdRng::from_seed(bytes)
}
