//! [`Material`]: what training may see, and what is kept back to measure with.

use super::Wording;

/// Which part of the grammar sentences are drawn from.
///
/// Kept back are one in eight pairs of names, one in eight pairs of a subject and the noun that stands beside it, and
/// the judgements ("...: true.") of one in seven combinations of a fact and the words it is stated in. Such a fact is
/// judged in its other words only. So what is measured on held-out sentences is not in any text of the training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Material {
    /// The whole grammar.
    All,
    /// Without what is kept back.
    Training,
    /// Where there is something to keep back, only that.
    HeldOut,
}

impl Material {
    fn has(self, held_out: bool) -> bool {
        match self {
            Self::All => true,
            Self::Training => !held_out,
            Self::HeldOut => held_out,
        }
    }

    /// Whether the words at two places of a list may stand together.
    pub(super) fn has_pair(self, first: usize, second: usize) -> bool {
        self.has((first + second) % 8 == 5)
    }

    /// Whether a fact may be judged in some words. No fact is kept back in both.
    pub(super) fn has_judgement(self, fact: usize, wording: Wording) -> bool {
        self.has(fact % 7 == if wording == Wording::Plain { 3 } else { 5 })
    }
}
