//! One cell of a map: what is done to the corrupt run.

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

/// What is done in one cell of a map, and where it begins to matter.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    pub(super) interventions: Vec<Intervention>,
    /// The first block that anything is done in, counted through all stacks.
    pub(super) block: usize,
    /// The first position, of what the last stack reads, that anything is done at; what is done in an encoder beside a
    /// decoder, or to what is made of it, is done to all.
    pub(super) start: usize,
}

impl Cell {
    /// # Errors
    /// When nothing is done, or something that does not fit, or a place is in no block or not in this model.
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

    /// The sites where the clean value is put in.
    pub(super) fn sites(&self) -> impl Iterator<Item = Site> {
        self.interventions.iter().filter(|one| one.is_open()).map(Intervention::site)
    }

    /// What is done in one layer of a stack, in runs that read the positions `read`.
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

/// Whether an activation has a row for each text: not where tokens were sent to experts.
pub(super) fn has_texts(site: Site) -> bool {
    site.axes().first() == Some(&Axis::Batch)
}

/// The dimension of a site's activation that counts positions: those that look, in a pattern.
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

/// The part of a whole activation that is put in; the axes stay. `all` has the activations.
///
/// # Errors
/// When something else is done than putting in the clean value.
pub(super) fn part(one: &Intervention, all: &ActivationCache, config: &Config, sizes: Sizes) -> Result<Tensor> {
    match one.is_open() {
        true => select(&all.get(one.site())?, &one.indices(config, sizes)?),
        false => Err(PatchError::NotAlongALine { deed: format!("{one:?}") }.into()),
    }
}
