//! Attribution patching: effects along the gradient instead of one run for each cell.

use super::{Patching, cell::Cell, source::Source};
use crate::{
    Result,
    cache::ActivationCache,
    error::PatchError,
    hook::{Point, Site, replace},
};
use candle_core::{D, Tensor};

/// What the sweeps read: where gradients are taken.
const POINTS: [Point; 9] = [
    Point::ResidPre,
    Point::ResidMid,
    Point::AttnOut,
    Point::MlpOut,
    Point::Z,
    Point::Q,
    Point::K,
    Point::V,
    Point::Pattern,
];

/// At each site, what is put in less what was there, times the metric's gradient.
#[derive(Clone, Debug)]
pub(super) struct Slopes {
    /// By what they were found, for titles.
    pub(super) how: String,
    by_site: ActivationCache,
}

impl Slopes {
    /// The metric of every text if it went on as straight as it sets out.
    ///
    /// # Shapes
    /// `[cell][batch]`
    pub(super) fn follow(&self, cells: &[Cell], corrupt: &[f32]) -> Result<Vec<Vec<f32>>> {
        let value = |cell: &Cell| {
            let effects = cell.of(self.by_site.get(cell.site)?)?.flatten_from(1)?.sum(D::Minus1)?.to_vec1::<f32>()?;
            Ok(effects.iter().zip(corrupt).map(|(effect, corrupt)| corrupt + effect).collect())
        };
        cells.iter().map(value).collect()
    }
}

impl Patching {
    /// The same experiment by attribution patching (Nanda 2023; Syed et al. 2023): all of its maps, approximated from
    /// three forward passes and one backward pass. The effect of a cell is (clean activation - corrupt activation) ·
    /// gradient of the metric at the corrupt one; values are on the scale of exact patching, one for each pair of
    /// prompts, where a closure as metric looks at each text by itself. Works for ablations too.
    ///
    /// It is exact as far as the model is straight between the two activations. The smaller the part that is patched,
    /// the better: trust it for single positions, less for the whole residual stream, and least where attention is all
    /// or nothing, because there the gradient is near 0 (Kramár et al. 2024). The shipped model is of that kind: for the
    /// prompts below attribution says what exact patching says for patterns, and the opposite for values. All texts go
    /// through the backward pass together; [`Patching::budget`] does not bound it.
    ///
    /// # Errors
    /// When the metric has no gradient ([`Metric::rank`](super::Metric::rank)), or a closure's result does not depend on
    /// the logits differentiably.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{patching::{HeadPart, Metric, Patching}, prelude::*};
    /// let model = Model::open("induction-2l")?;
    /// let clean = "red fox blue owl tree red fox";
    /// let corrupt = "red owl blue fox tree red fox";
    /// let exact = Patching::new(&model, clean, corrupt, Metric::logit_diff(&model, "blue", "tree", 1)?)?;
    /// let (slow, quick) = (exact.heads(HeadPart::Pattern)?, exact.attribution()?.heads(HeadPart::Pattern)?);
    /// assert_eq!(slow.mean().shape(), quick.mean().shape());
    /// assert_eq!(slow.strongest().0, quick.strongest().0);
    /// assert_eq!(slow.strongest().0, [1, 0], "the induction head looks elsewhere");
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn attribution(&self) -> Result<Self> {
        self.along(&[0.0], "attribution")
    }

    /// As [`Patching::attribution`], with the mean of the gradient at `steps` points between the corrupt and the clean
    /// prompt: both are mixed as they enter the first block (EAP-IG, Hanna et al. 2024, here with the midpoints of the
    /// steps). Takes `steps` times as long, and sees what changes on the way: in the shipped model it is near exact
    /// patching where attribution is not. Neither sees the jump where the router of a mixture takes another expert.
    ///
    /// # Errors
    /// As there; also when there are no steps, or zeros or means are put in, with no prompt to go towards.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{patching::{Metric, Patching}, prelude::*};
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let patching =
    ///     Patching::new(&model, "red fox blue owl tree red fox", "red owl blue fox tree red fox", metric)?;
    /// // What the positions of the first layer do to the metric adds up to all that the prompts do.
    /// let effects = patching.integrated_gradients(20)?.resid_pre()?.mean();
    /// let total: f32 = effects.index_axis(glassbox::ndarray::Axis(0), 0).sum();
    /// assert!((total - 1.0).abs() < 0.05, "{total}");
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn integrated_gradients(&self, steps: usize) -> Result<Self> {
        if steps == 0 {
            return Err(PatchError::NoSteps.into());
        }
        let middles: Vec<f64> = (0..steps).map(|step| (step as f64 + 0.5) / steps as f64).collect();
        self.along(&middles, &format!("integrated gradients ({steps} steps)"))
    }

    /// The mean gradient at these fractions of the way from the corrupt to the clean prompt.
    fn along(&self, fractions: &[f64], how: &str) -> Result<Self> {
        let sites = self.slope_sites();
        let source = self.source.values(&self.model, self.corrupt(), sites.clone())?;
        let corrupt = Source::Run(self.corrupt().clone()).values(&self.model, self.corrupt(), sites.clone())?;
        let way = |&site: &Site| Ok((site, (source.get(site)? - corrupt.get(site)?)?));
        let ways = sites.iter().map(way).collect::<Result<Vec<_>>>()?;
        let mut slopes = ways.iter().map(|(site, way)| Ok((*site, way.zeros_like()?))).collect::<Result<Vec<_>>>()?;
        for &fraction in fractions {
            let gradients = self.gradients(&sites, fraction, &source, &corrupt)?;
            for ((site, sum), (_, way)) in slopes.iter_mut().zip(&ways) {
                *sum = (&*sum + ((way * gradients.get(*site)?)? / fractions.len() as f64)?)?;
            }
        }
        let slopes =
            Slopes { how: how.to_owned(), by_site: ActivationCache::new(slopes, self.corrupt().clone(), None) };
        Ok(Self { slopes: Some(slopes), ..self.clone() })
    }

    fn slope_sites(&self) -> Vec<Site> {
        let in_layer = |layer| POINTS.map(|point| Site::in_block(Default::default(), layer, point));
        let sites = (0..self.model.config().n_layers).flat_map(in_layer);
        sites.filter(|&site| self.model.has(site)).collect()
    }

    /// The gradient of the sum over texts; each text's metric depends on its own rows alone.
    pub(super) fn gradients(
        &self,
        sites: &[Site],
        fraction: f64,
        source: &ActivationCache,
        corrupt: &ActivationCache,
    ) -> Result<ActivationCache> {
        let metric = self.metric.clone();
        let mut pass = self.model.pass(self.corrupt())?.logits_at([-1]);
        if fraction > 0.0 {
            let (there, here) = self.ends(source, corrupt)?;
            let mixed = (here + ((there - here)? * fraction)?)?;
            pass = pass.intervene([replace(Site::resid_pre(0), mixed)]);
        }
        let pass =
            pass.differentiate(sites.to_vec(), move |logits| Ok(metric.tensor(&logits.squeeze(1)?)?.sum_all()?));
        Ok(pass.run()?.gradients()?.clone())
    }

    /// What enters the first block of either prompt.
    fn ends<'a>(&self, source: &'a ActivationCache, corrupt: &'a ActivationCache) -> Result<(&'a Tensor, &'a Tensor)> {
        let first = Site::resid_pre(0);
        let source_name = match &self.source {
            Source::Run(_) => return Ok((source.get(first)?, corrupt.get(first)?)),
            Source::Zero => "zeros",
            Source::Mean(_) => "means",
        };
        Err(PatchError::NoLine { source_name }.into())
    }
}
