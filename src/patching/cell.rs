//! [`Cell`]: the interventions of one cell of a map.

use crate::{
    Result,
    axes::Axis,
    cache::ActivationCache,
    config::Sizes,
    error::PatchError,
    hook::{Intervention, Site, Stack, select},
    model::Config,
};
use candle_core::Tensor;
use std::ops::Range;

/// The interventions of one cell of a map, and the first place that they change.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    pub(super) interventions: Vec<Intervention>,
    /// The first block with an intervention, counted through all stacks.
    pub(super) block: usize,
    /// The first position of the last stack's text with an intervention. An intervention in an encoder beside a decoder
    /// affects all positions.
    pub(super) start: usize,
}

impl Cell {
    /// # Errors
    /// When there is no intervention, one does not fit, or its site is in no block or not in this model.
    pub(super) fn new(interventions: Vec<Intervention>, config: &Config, sizes: Sizes) -> Result<Self> {
        let placed = interventions.iter().map(|one| one.placed_in(config));
        let interventions = placed.collect::<Result<Vec<_>>>()?.concat();
        let (mut block, mut start) = (usize::MAX, usize::MAX);
        for one in &interventions {
            config.check(one.site())?;
            one.check_gradient(false)?;
            if !has_texts(one.site()) {
                return Err(PatchError::NoTexts { site: one.site().to_string() }.into());
            }
            // What is put in by a sweep fits.
            if !one.is_open() {
                one.clone().check(config, sizes)?;
            }
            let places = (config.block_at(one.site()), along(one.site()));
            let (Some(at), Some(dim)) = places else {
                return Err(PatchError::NotInBlock { site: one.site().to_string() }.into());
            };
            block = block.min(at);
            if config.is_of_encoder(one.site()) {
                start = 0;
            }
            let narrowed = one.indices(config, sizes)?.into_iter().filter(|(narrowed, _)| *narrowed == dim);
            start = start.min(narrowed.flat_map(|(_, positions)| positions).min().unwrap_or(0));
        }
        match block {
            usize::MAX => Err(PatchError::EmptyCell.into()),
            _ => Ok(Self { interventions, block, start }),
        }
    }

    /// The sites that get the clean value.
    pub(super) fn sites(&self) -> impl Iterator<Item = Site> {
        self.interventions.iter().filter(|one| one.is_open()).map(Intervention::site)
    }

    /// The interventions in one layer of a stack, for runs that read the positions `read`.
    pub(super) fn in_layer(
        &self,
        (stack, layer): (Stack, usize),
        read: Range<usize>,
    ) -> impl Iterator<Item = Intervention> {
        let is_here = move |site: Site| (site.stack(), site.layer()) == (stack, Some(layer));
        let here = self.interventions.iter().filter(move |one| is_here(one.site()));
        here.filter_map(move |one| one.clone().within(read.clone()))
    }
}

/// Whether an activation has a row for each text. Those of experts do not.
pub(super) fn has_texts(site: Site) -> bool {
    site.axes().first() == Some(&Axis::Batch)
}

/// The position axis of a site's activation; in a pattern, that of the queries.
pub(super) fn along(site: Site) -> Option<usize> {
    site.axes().iter().position(|axis| matches!(axis, Axis::Pos | Axis::Query))
}

/// The positions of an activation from `start` on.
pub(super) fn from(activation: &Tensor, site: Site, start: usize) -> Result<Tensor> {
    match along(site) {
        Some(dim) => Ok(activation.narrow(dim, start, activation.dim(dim)? - start)?.contiguous()?),
        None => Ok(activation.clone()),
    }
}

/// The part of an activation that is patched, with all axes. `all` holds the activations.
///
/// # Errors
/// When an intervention does something other than setting the clean value.
pub(super) fn part(one: &Intervention, all: &ActivationCache, config: &Config, sizes: Sizes) -> Result<Tensor> {
    match one.is_open() {
        true => select(&all.get(one.site())?, &one.indices(config, sizes)?),
        false => Err(PatchError::NotAlongALine { deed: format!("{one:?}") }.into()),
    }
}
