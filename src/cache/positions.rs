//! [`Positions`]: the positions that a run recorded, if it was asked for some only.

use super::ActivationCache;
use crate::{
    Result,
    axes::Axis,
    error::RunError,
    site::{Point, Site, Stack, Stage},
    tensor::vector,
    text::Tokens,
};
use candle_core::Tensor;
use std::sync::Arc;

/// The positions that a run recorded, as indices into what was read.
#[derive(Clone, Debug)]
pub(crate) struct Positions {
    /// Of what the only stack or the decoder reads; all where absent.
    own: Option<Arc<[u32]>>,
    /// Of what the encoder beside a decoder reads; all where absent.
    source: Option<Arc<[u32]>>,
    /// Whether there is an encoder beside a decoder.
    two_stacks: bool,
    /// The logits are at all positions too, so that these are chosen among them.
    logits: bool,
}

impl Positions {
    /// Those of what one stack and the encoder beside it read.
    pub(crate) fn new(two_stacks: bool, own: Option<Vec<u32>>, source: Option<Vec<u32>>, logits: bool) -> Self {
        Self { own: own.map(Arc::from), source: source.map(Arc::from), two_stacks, logits }
    }

    /// The axis of a site along which positions were chosen, and which: `pos`, or `query` where there is no `pos`. `None`
    /// for what is kept whole: what has no such axis, what experts hold, whose rows are the tokens of all texts, and logits
    /// that were asked for at positions of their own.
    fn chosen(&self, site: Site) -> Option<(usize, &[u32])> {
        let of_source = match site.layer() {
            Some(_) => site.stack() == Stack::Encoder || matches!(site.point(), Point::CrossK | Point::CrossV),
            None => self.two_stacks && !matches!(site.point().stage(), Stage::BeforeDecoder | Stage::End),
        };
        let at = if of_source { &self.source } else { &self.own };
        let axis = site.axes().iter().position(|axis| matches!(axis, Axis::Pos | Axis::Query))?;
        let is_chosen = axis > 0 && (self.logits || site != Site::unembed_out());
        at.as_deref().filter(|_| is_chosen).map(|at| (axis, at))
    }

    /// Returns the part of an activation that is recorded.
    pub(crate) fn part(&self, site: Site, x: &Tensor) -> Result<Tensor> {
        match self.chosen(site) {
            Some((axis, at)) => Ok(x.index_select(&vector(at.to_vec())?, axis)?),
            None => Ok(x.clone()),
        }
    }
}

impl ActivationCache {
    pub(crate) fn with_positions(self, positions: Option<Positions>) -> Self {
        Self { positions, ..self }
    }

    /// The positions that were recorded, as indices, in their order along the axis; `None` when all were. Of an
    /// encoder-decoder those of what the decoder reads. Chosen with
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
        self.positions.as_ref()?.own.as_ref().map(|at| at.to_vec())
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
        match self.positions.as_ref().and_then(|positions| positions.chosen(site)) {
            Some((_, at)) => index_of(position, at),
            None => Ok(position),
        }
    }

    /// Fails unless all positions of a site were recorded. `what` is the analysis that needs them.
    pub(crate) fn need_whole(&self, site: Site, what: &'static str) -> Result<()> {
        match self.positions.as_ref().and_then(|positions| positions.chosen(site)) {
            Some((_, at)) => {
                let (site, kept) = (site.to_string(), at.to_vec());
                Err(RunError::SomePositions { what, site, kept }.into())
            }
            None => Ok(()),
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
