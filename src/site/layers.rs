//! [`Layers`]: how many layers there are, for those that are counted from the end.

use super::Stack;

/// How many layers each stack of a model has: what a layer that counts from the end is counted in.
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
