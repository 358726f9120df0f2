//! [`Layers`]: what is needed of a model to resolve layers that count from the end, and to tell which sites cost extra.

use super::{Point, Site, Stack};

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

    /// Whether recording a site costs extra in this model. In an encoder of sound the scores and patterns do, because
    /// they relate every frame to every frame.
    pub(crate) fn is_gated(self, site: Site) -> bool {
        let large = self.reads_sound && matches!(site.point(), Point::AttnScores | Point::Pattern);
        site.is_gated() || (large && site.stack() == Stack::Encoder)
    }
}
