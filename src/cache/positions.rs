//! [`Positions`]: the positions that a run recorded, if it was asked for some only.

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
    /// The stack of the blocks whose positions these are.
    stack: Stack,
    /// Whether the logits were computed at all positions, so that these are chosen among them.
    logits: bool,
}

impl Positions {
    pub(crate) fn new(at: Vec<u32>, stack: Stack, logits: bool) -> Self {
        Self { at: at.into(), stack, logits }
    }

    /// The axis of a site along which positions were chosen: `pos`, or `query` if there is no `pos`.
    /// `None` for what is recorded at every position: sites without such an axis, sites of the other stack, sites of
    /// experts, whose rows are the tokens of all texts, and logits that were asked for at positions of their own.
    fn axis(&self, site: Site) -> Option<usize> {
        let own = match site.layer() {
            Some(_) => site.stack() == self.stack && !matches!(site.point(), Point::CrossK | Point::CrossV),
            // In a model with two stacks, the sites before the blocks belong to the encoder.
            None => self.stack != Stack::Decoder || matches!(site.point().stage(), Stage::BeforeDecoder | Stage::End),
        };
        let axis = site.axes().iter().position(|axis| matches!(axis, Axis::Pos | Axis::Query))?;
        (own && axis > 0 && (self.logits || site != Site::unembed_out())).then_some(axis)
    }

    /// Returns the part of an activation that is recorded.
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

    /// The recorded positions as indices, in their order along the axis; `None` if all were recorded.
    ///
    /// [`Pass::positions`](crate::model::Pass::positions) chooses them, and documents which sites are recorded at every
    /// position anyway.
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

    /// The positions of the text that the blocks' own stack recorded.
    pub(crate) fn recorded(&self) -> Vec<u32> {
        self.positions().unwrap_or_else(|| (0..self.tokens().len() as u32).collect())
    }

    /// Returns the index of a position of the text along the axis of a site.
    ///
    /// # Errors
    /// Fails when the position was not recorded.
    pub(crate) fn row(&self, site: Site, position: usize) -> Result<usize> {
        match &self.positions {
            Some(positions) if positions.axis(site).is_some() => index_of(position, &positions.at),
            _ => Ok(position),
        }
    }

    /// Fails unless all positions of a site were recorded. `what` is the analysis that needs them.
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

/// Returns the index of a position among the recorded ones.
///
/// # Errors
/// Fails when it was not recorded.
pub(crate) fn index_of(position: usize, kept: &[u32]) -> Result<usize> {
    let index = kept.iter().position(|&at| at as usize == position);
    index.ok_or_else(|| RunError::NotKept { position, kept: kept.to_vec() }.into())
}

/// Returns the index of a text's last token among the recorded positions.
///
/// # Errors
/// Fails when all recorded positions are padding in this text.
pub(crate) fn last_of(tokens: &Tokens, text: usize, kept: &[u32]) -> Result<usize> {
    let real = tokens.real(text);
    let own = kept.iter().enumerate().filter(|(_, position)| real.contains(&(**position as usize)));
    let last = own.max_by_key(|(_, position)| **position).map(|(row, _)| row);
    last.ok_or_else(|| RunError::NoneInText { text, kept: kept.to_vec() }.into())
}
