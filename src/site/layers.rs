//! [`Layers`]: the number of layers in each stack, used to resolve layers that count from the end.

use super::Stack;

/// The number of layers in each stack of a model.
///
/// A negative layer is resolved against it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layers([usize; 3]);

impl Layers {
    pub(crate) fn new(of: impl Fn(Stack) -> usize) -> Self {
        Self(Stack::ALL.map(of))
    }

    pub(crate) fn of(self, stack: Stack) -> usize {
        self.0[stack as usize]
    }
}
