//! One cell of a map: what is taken from the clean run.

use crate::{
    Result,
    axes::Axis,
    hook::{Intervention, Point, Site, replace},
};
use candle_core::Tensor;

/// One activation, or a part of it, that comes from the clean run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cell {
    pub(super) site: Site,
    /// The position, or the row of a pattern; all where absent.
    pub(super) position: Option<usize>,
    pub(super) head: Option<usize>,
    /// The column of a pattern.
    pub(super) key: Option<usize>,
}

impl Cell {
    pub(super) fn layer(&self) -> usize {
        self.site.layer().unwrap_or(0)
    }

    /// The first position that the cell can change, when nothing sees what comes after it.
    pub(super) fn start(&self) -> usize {
        self.position.unwrap_or(0)
    }

    /// The intervention on runs that begin at position `start`, given the clean value from there on.
    pub(super) fn intervention(&self, clean: Tensor, start: usize) -> Intervention {
        let mut intervention = replace(self.site, clean);
        if let Some(position) = self.position {
            intervention = intervention.position((position - start) as i64);
        }
        if let Some(head) = self.head {
            intervention = intervention.head(head as i64);
        }
        if let Some(key) = self.key {
            intervention = intervention.key(key as i64);
        }
        intervention
    }

    /// The cell's part of the whole activation at its site; the axes stay.
    pub(super) fn of(&self, activation: &Tensor) -> Result<Tensor> {
        let mut part = activation.clone();
        for (dim, axis) in self.site.axes().iter().enumerate() {
            let at = match axis {
                Axis::Pos | Axis::Query => self.position,
                Axis::Head | Axis::KvHead => self.head,
                Axis::Key => self.key,
                _ => None,
            };
            part = at.map_or(Ok(part.clone()), |at| part.narrow(dim, at, 1))?;
        }
        Ok(part)
    }

    /// Whether the site's keys are positions too.
    pub(super) fn is_pattern(&self) -> bool {
        matches!(self.site.point(), Point::Pattern | Point::AttnScores)
    }
}
