//! [`Partition`]: which sentences training may use, and which are held out for evaluation.

use super::Wording;

/// The part of the grammar that sentences are drawn from.
///
/// Held out are one in eight pairs of names, one in eight pairs of a subject and the noun beside it, and the judgements
/// ("...: true.") of one in seven combinations of a fact and a wording. Such a fact is judged in its other wording
/// only. So no training text contains what is measured on held-out sentences.
///
/// # Examples
/// ```
/// use glassbox::corpus::{Contrast, Partition, pairs};
/// let contrast = Contrast::Agreement { attractors: 1 };
/// let [seen, held_out] = [Partition::Training, Partition::HeldOut].map(|part| pairs(contrast, part, 20, 0));
/// let seen: Vec<_> = seen?.into_iter().map(|pair| pair.clean).collect();
/// assert!(held_out?.iter().all(|pair| !seen.contains(&pair.clean)));
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Partition {
    /// The whole grammar.
    All,
    /// The grammar without the held-out part.
    Training,
    /// Only the held-out part, in sentences that have one.
    HeldOut,
}

impl Partition {
    fn has(self, held_out: bool) -> bool {
        match self {
            Self::All => true,
            Self::Training => !held_out,
            Self::HeldOut => held_out,
        }
    }

    /// Whether the words at two indices of a list may occur together.
    pub(super) fn has_pair(self, first: usize, second: usize) -> bool {
        self.has((first + second) % 8 == 5)
    }

    /// Whether a fact may be judged in a wording. No fact is held out in both.
    pub(super) fn has_judgement(self, fact: usize, wording: Wording) -> bool {
        self.has(fact % 7 == if wording == Wording::Plain { 3 } else { 5 })
    }
}
