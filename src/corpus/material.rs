//! [`Material`]: what training may see, and what is kept back to measure with.

/// Which part of the grammar sentences are drawn from.
///
/// Kept back are one in eight pairs of names, one in eight pairs of a subject and the noun that stands beside it, and
/// the judgements ("... : true.") of one in seven facts. Held-out facts are stated and asked for in training, only
/// never judged. So what is measured on held-out sentences cannot have been learned by heart.
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

    /// Whether a fact may be judged.
    pub(super) fn has_judgement(self, fact: usize) -> bool {
        self.has(fact % 7 == 3)
    }
}
