//! [`Here`]: which stack and layer a part is in, so that its activations get their names.

use crate::site::{Point, Site, Stack};

/// The place in the model at which a part runs, so that one part can serve any layer of any stack.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Here {
    pub(crate) stack: Stack,
    pub(crate) layer: usize,
    across: bool,
}

impl Here {
    pub(crate) fn new(stack: Stack, layer: usize) -> Self {
        Self { stack, layer, across: false }
    }

    /// Cross attention in the same layer.
    pub(crate) fn across(self) -> Self {
        Self { across: true, ..self }
    }

    /// Whether this is cross attention.
    pub(crate) fn is_across(self) -> bool {
        self.across
    }

    pub(crate) fn site(self, point: Point) -> Site {
        let point = if self.across { point.across() } else { point.in_stack(self.stack) };
        match point.is_once() {
            true => Site::once(point),
            false => Site::in_block(self.stack, self.layer, point),
        }
    }
}
