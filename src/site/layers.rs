//! [`Layers`]: the facts about a model that are needed to resolve its sites.

use super::Stack;

/// The number of layers in each stack of a model, and whether its encoder reads sound.
///
/// A negative layer is resolved against it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layers {
    counts: [usize; 3],
    reads_sound: bool,
}

impl Layers {
    pub(crate) fn new(of: impl Fn(Stack) -> usize, reads_sound: bool) -> Self {
        Self { counts: Stack::ALL.map(of), reads_sound }
    }

    pub(crate) fn of(self, stack: Stack) -> usize {
        self.counts[stack as usize]
    }

    /// Whether the encoder reads sound.
    pub(crate) fn reads_sound(self) -> bool {
        self.reads_sound
    }
}
