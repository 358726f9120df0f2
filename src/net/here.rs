//! [`Here`]: which stack and layer a part is in, so that its activations get their names.

use crate::site::{Point, Site, Stack};

/// Where in the model a part runs, so that the same part can serve any layer of any stack.
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

    /// The same layer's look at the encoder.
    pub(crate) fn across(self) -> Self {
        Self { across: true, ..self }
    }

    /// Whether this is a look at the encoder.
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
