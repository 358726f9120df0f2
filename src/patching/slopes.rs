//! [`Slopes`]: the gradients that attribution uses.

use super::{
    Patching,
    cell::{self, Cell},
    readout::Readout,
    slice::Slice,
};
use crate::{
    Result,
    cache::ActivationCache,
    config::Sizes,
    error::PatchError,
    hook::{Point, Site},
};
use candle_core::{D, Tensor};

/// The points that the named sweeps read, whose gradients are computed together.
const POINTS: [Point; 10] = [
    Point::ResidPre,
    Point::ResidMid,
    Point::ResidPost,
    Point::AttnOut,
    Point::MlpOut,
    Point::Z,
    Point::Q,
    Point::K,
    Point::V,
    Point::Pattern,
];

/// At each site, the clean value minus the corrupt one, times the mean gradient of a metric.
#[derive(Clone, Debug)]
pub(super) struct Slopes {
    /// The method, for titles.
    pub(super) how: String,
    /// The fractions of the way from the corrupt to the clean prompt at which gradients are computed.
    fractions: Vec<f64>,
    by_metric: Vec<ActivationCache>,
}

impl Patching {
    /// The experiment with the mean gradient at these fractions of the way from the corrupt to the clean prompt.
    pub(super) fn along(&self, fractions: &[f64], how: &str) -> Result<Self> {
        let (model, config) = (&self.experiment.model, self.experiment.model.config());
        let points = |stack, layer| {
            POINTS.map(|point| [point, point.across()].map(|point| Site::in_block(stack, layer, point))).concat()
        };
        let of_stack = |&stack| (0..config.layers_of(stack)).flat_map(move |layer| points(stack, layer));
        let mut sites: Vec<Site> = config.stacks().iter().flat_map(of_stack).filter(|&site| model.has(site)).collect();
        sites.sort();
        sites.dedup();
        let by_metric = self.slopes_at(&sites, fractions)?;
        let slopes = Slopes { how: how.to_owned(), fractions: fractions.to_vec(), by_metric };
        Ok(Self { slopes: Some(slopes), ..self.clone() })
    }

    /// The same method for the present metrics.
    pub(super) fn along_as(&self, slopes: &Slopes) -> Result<Self> {
        self.along(&slopes.fractions, &slopes.how)
    }

    /// The linear approximation of every text's metrics.
    ///
    /// # Shapes
    /// `[metric, cell, batch]`
    pub(super) fn follow(&self, slopes: &Slopes, cells: &[Cell], sizes: Sizes) -> Result<Vec<Vec<Vec<f32>>>> {
        let all = cells.iter().flat_map(|cell| &cell.interventions);
        if let Some(other) = all.clone().find(|one| !one.is_open()) {
            return Err(PatchError::NotAlongALine { deed: format!("{other:?}") }.into());
        }
        let have = |site: &Site| slopes.by_metric.iter().all(|slopes| slopes.contains(*site));
        let mut missing: Vec<Site> = all.map(|one| one.site()).filter(|site| !have(site)).collect();
        missing.sort();
        missing.dedup();
        let further = if missing.is_empty() { Vec::new() } else { self.slopes_at(&missing, &slopes.fractions)? };
        let of_metric = |(nth, corrupt): (usize, &Vec<f32>)| {
            let value = |cell: &Cell| {
                let mut values = corrupt.clone();
                for one in &cell.interventions {
                    let from = if have(&one.site()) { &slopes.by_metric } else { &further };
                    let effects = cell::part(one, &from[nth], &self.experiment.model.config(), sizes)?;
                    let effects = effects.flatten_from(1)?.sum(D::Minus1)?.to_vec1::<f32>()?;
                    values.iter_mut().zip(effects).for_each(|(value, effect)| *value += effect);
                }
                Ok(values)
            };
            cells.iter().map(value).collect::<Result<Vec<_>>>()
        };
        self.measured().map(|(_, (_, corrupt))| corrupt).enumerate().map(of_metric).collect()
    }

    /// The slopes of each metric at some sites, for as many texts at a time as the budget allows.
    fn slopes_at(&self, sites: &[Site], fractions: &[f64]) -> Result<Vec<ActivationCache>> {
        let still = self.still()?;
        let parts = self.slices().map(|slice| slice.along(sites, sites, fractions, &still)?.slopes(sites));
        let parts = parts.collect::<Result<Vec<_>>>()?;
        let joined = |metric: usize| {
            let of_site = |(nth, site): (usize, &Site)| {
                let of_texts: Vec<&Tensor> = parts.iter().map(|part| &part[metric][nth]).collect();
                Ok((*site, Tensor::cat(&of_texts, 0)?))
            };
            let entries = sites.iter().enumerate().map(of_site).collect::<Result<Vec<_>>>()?;
            Ok(ActivationCache::new(self.experiment.model.config().layers(), entries, self.corrupt_input()))
        };
        (0..still.len()).map(joined).collect()
    }

    /// The logits of all corrupt texts at each metric's position. A metric receives those of all texts; only some of
    /// them are differentiated.
    ///
    /// # Shapes
    /// `[batch, d_vocab]` for each metric
    pub(super) fn still(&self) -> Result<Vec<Tensor>> {
        let (model, tokens, resid) =
            (self.baseline.corrupt.run.model(), self.corrupt(), self.baseline.corrupt.run.resid());
        let readout = Readout::new(&model, &tokens, 0);
        self.measured().map(|(metric, _)| readout.logits(metric, &resid)).collect()
    }
}

impl Patching {
    /// The texts, as many at a time as the budget allows, or all at once if the model mixes texts.
    pub(super) fn slices(&self) -> impl Iterator<Item = Slice<'_>> {
        let batch = self.corrupt().batch();
        let models = [&self.experiment.model, &self.baseline.corrupt.run.model()];
        let mixed = models.iter().any(|model| model.standing().iter().any(|one| one.mixes()));
        let (input, len) = (self.corrupt_input(), self.corrupt().len());
        let len = len.max(input.source().map_or(0, |source| source.len()));
        let at_once = if mixed { batch } else { (self.budget / len).max(1) };
        (0..batch).step_by(at_once).map(move |start| Slice::of(self, start..(start + at_once).min(batch)))
    }
}
