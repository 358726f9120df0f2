//! [`Positions`]: which positions a run recorded, where it was not told to record all.

use super::ActivationCache;
use crate::{
    Result,
    axes::Axis,
    error::RunError,
    site::{Point, Site, Stack, Stage},
    text::Tokens,
};
use candle_core::{Device, Tensor};
use std::sync::Arc;

/// The positions that a run recorded, as indices into the texts.
#[derive(Clone, Debug)]
pub(crate) struct Positions {
    at: Arc<[u32]>,
    /// The blocks' own stack, whose positions they are.
    stack: Stack,
    /// The logits are at all positions too, so that these are chosen among them.
    logits: bool,
}

impl Positions {
    pub(crate) fn new(at: Vec<u32>, stack: Stack, logits: bool) -> Self {
        Self { at: at.into(), stack, logits }
    }

    /// The axis of a site along which the positions were chosen: `pos`, or `query` where there is no `pos`. `None` for
    /// what is kept whole: what has no such axis, what belongs to the other stack, what experts hold, whose rows are
    /// the tokens of all texts, and logits that were asked for at positions of their own.
    fn axis(&self, site: Site) -> Option<usize> {
        let own = match site.layer() {
            Some(_) => site.stack() == self.stack && !matches!(site.point(), Point::CrossK | Point::CrossV),
            // In a model of two stacks, the places before the blocks are the encoder's.
            None => self.stack != Stack::Decoder || matches!(site.point().stage(), Stage::BeforeDecoder | Stage::End),
        };
        let axis = site.axes().iter().position(|axis| matches!(axis, Axis::Pos | Axis::Query))?;
        (own && axis > 0 && (self.logits || site != Site::unembed_out())).then_some(axis)
    }

    /// The part of an activation that is recorded.
    pub(crate) fn part(&self, site: Site, x: &Tensor) -> Result<Tensor> {
        match self.axis(site) {
            Some(axis) => Ok(x.index_select(&Tensor::new(&*self.at, &Device::Cpu)?, axis)?),
            None => Ok(x.clone()),
        }
    }
}

impl ActivationCache {
    pub(crate) fn with_positions(self, positions: Option<Positions>) -> Self {
        Self { positions, ..self }
    }

    /// The positions that were recorded, as indices, in their order along the axis; `None` when all were. Chosen with
    /// [`Pass::positions`](crate::model::Pass::positions), which says what is kept whole all the same.
    ///
    /// # Examples
    /// ```
    /// use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let last = model.pass("red fox blue")?.record(Sites::All).positions([-1]).run()?;
    /// assert_eq!(last.cache().positions(), Some(vec![3]));
    /// assert_eq!(last.cache().get(Site::z(0))?.dims()[..2], [1, 1]);
    /// assert_eq!(model.run("red fox blue")?.cache().positions(), None);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn positions(&self) -> Option<Vec<u32>> {
        self.positions.as_ref().map(|positions| positions.at.to_vec())
    }

    /// The positions of the texts that the blocks' own stack recorded.
    pub(crate) fn recorded(&self) -> Vec<u32> {
        self.positions().unwrap_or_else(|| (0..self.tokens().len() as u32).collect())
    }

    /// Where a position of the texts is along the axis of a site.
    ///
    /// # Errors
    /// When it was not recorded.
    pub(crate) fn row(&self, site: Site, position: usize) -> Result<usize> {
        match &self.positions {
            Some(positions) if positions.axis(site).is_some() => index_of(position, &positions.at),
            _ => Ok(position),
        }
    }

    /// Fails unless all positions of a site were recorded, which is what `what` needs.
    pub(crate) fn need_whole(&self, site: Site, what: &'static str) -> Result<()> {
        match &self.positions {
            Some(positions) if positions.axis(site).is_some() => {
                let (site, kept) = (site.to_string(), positions.at.to_vec());
                Err(RunError::SomePositions { what, site, kept }.into())
            }
            _ => Ok(()),
        }
    }
}

/// Where a position is among those that are kept.
///
/// # Errors
/// When it is not.
pub(crate) fn index_of(position: usize, kept: &[u32]) -> Result<usize> {
    let index = kept.iter().position(|&at| at as usize == position);
    index.ok_or_else(|| RunError::NotKept { position, kept: kept.to_vec() }.into())
}

/// Where the last token of a text is among the positions that are kept.
///
/// # Errors
/// When all that are kept are its padding.
pub(crate) fn last_of(tokens: &Tokens, text: usize, kept: &[u32]) -> Result<usize> {
    let real = tokens.real(text);
    let own = kept.iter().enumerate().filter(|(_, position)| real.contains(&(**position as usize)));
    let last = own.max_by_key(|(_, position)| **position).map(|(row, _)| row);
    last.ok_or_else(|| RunError::NoneInText { text, kept: kept.to_vec() }.into())
}
