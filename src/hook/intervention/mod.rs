//! [`Intervention`]: what to change at a site.
//!
//! Used by runs, hooked models, generation and patching.
//!
//! To add an intervention, add a variant to `Action`, its constructor in `make.rs`, its case in `apply` here and its
//! words in `show.rs`.

mod direction;
mod kind;
mod make;
mod mean;
mod narrowed;
mod part;
mod place;
mod selection;
mod show;
mod stored;
mod value;

use crate::{
    Result,
    axes::Axis,
    cache::ActivationCache,
    config::{Config, Sizes},
    error::{Error, SiteError},
    index::ToIndex,
    site::{Layers, Point, Site, Sites, Stack},
};
use candle_core::Tensor;
pub use direction::ablate_direction;
pub(crate) use direction::{length, unit};
use kind::add_whole;
use make::{GradientEdit, same_kind};
pub use make::{
    add, block_attention, edit, edit_at, edit_gradient, mean, observe, observe_at, patch, replace, scale, zero,
};
pub(crate) use make::{block_at, from_clean};
pub use narrowed::Narrow;
pub(crate) use part::select;
use part::{put_back, resolve};
use std::{ops::Range, sync::Arc};
pub use stored::{Stored, store};

type Edit = Arc<dyn Fn(&Tensor, Site) -> Result<Tensor> + Send + Sync>;
type Look = Arc<dyn Fn(&Tensor, Site, Layers) -> Result<()> + Send + Sync>;

#[derive(Clone)]
enum Action {
    Zero,
    Mean,
    Replace(Tensor),
    /// Replace by what another run recorded at the same site.
    Patch(ActivationCache),
    Add(Tensor),
    Scale(f64),
    /// Set scores to -inf, so that the softmax gives them no weight.
    Block,
    /// Remove the component along a direction of unit length.
    Ablate(Tensor),
    Edit(Edit),
    EditGradient(Edit),
    /// Look at the activation without changing it.
    Look(Look),
    /// An intervention that could not be made. Applying it returns the error.
    Failed(Error),
    /// Replace by a value that a sweep fills in later.
    Clean,
}

/// What to do to the activation at a site, narrowed to some heads, positions or neurons.
///
/// Made by [`zero`], [`mean`], [`replace`], [`patch`], [`add`], [`scale`], [`ablate_direction`], [`block_attention`],
/// [`edit`], [`edit_at`], [`observe`] and [`store`]. Passed to [`Model::run_with`](crate::Model::run_with) or
/// [`Pass::intervene`](crate::model::Pass::intervene). Several interventions at one site apply in the given order, each
/// to the result of the one before. The site, the narrowed axes, the indices and the shape of a value are checked
/// before the forward pass starts.
///
/// An intervention may act at many sites: every constructor accepts a name, a pattern, a list or a predicate
/// ([`Sites`]) and acts at every site of the model that it selects, like TransformerLens's `run_with_hooks`.
///
/// # Examples
/// ```
/// use glassbox::{hook::Point, prelude::*};
/// let model = Model::open("induction-2l")?;
/// let text = "red fox blue owl red fox blue";
/// let whole = model.run(text)?;
/// assert_eq!(whole.predictions(-1, 1)?[0].text, "owl");
/// // Without the heads of layer 1 the model no longer predicts the word that came next.
/// let ablated = model.run_with(text, zero(Site::z(1)))?;
/// assert!(ablated.probability("owl", -1)? < 0.1);
///
/// // At many sites: by pattern, or with a closure that receives the site.
/// let silent = model.run_with(text, [zero("blocks.*.attn.hook_z")])?;
/// assert_eq!(silent.loss()?, model.run_with(text, [zero([Site::z(0), Site::z(1)])])?.loss()?);
/// let louder = edit_at(|site: Site| site.point() == Point::AttnOut, |x, site| {
///     x * if site.layer() == Some(1) { 2.0 } else { 1.0 }
/// });
/// assert_eq!(model.run_with(text, [louder])?.loss()?, model.run_with(text, [scale(Site::attn_out(1), 2.0)])?.loss()?);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone)]
pub struct Intervention {
    /// The site, once resolved.
    site: Site,
    /// The selection that a model resolves to one intervention for each site.
    among: Option<Sites>,
    action: Action,
    narrow: Vec<(Axis, Vec<i64>)>,
    /// The dimension and the indices of each narrowing. `check` fills it in.
    resolved: Vec<(usize, Vec<usize>)>,
    /// 1 for each token that a mean is taken over, `[batch, pos]`; `None` if all count.
    counted: Option<Tensor>,
    /// The layer counts of the model. `check` fills them in.
    layers: Layers,
    /// Part of a hooked model, which applies it in every pass, with or without a gradient.
    standing: bool,
}

impl Intervention {
    fn new(sites: impl Into<Sites>, action: Action) -> Self {
        let sites = sites.into();
        // A layer that counts from the end can be resolved only in a model.
        let (site, among) = match sites.one().filter(|site| site.is_resolved()) {
            Some(site) => (site, None),
            None => (Site::tokens(), Some(sites)),
        };
        let (narrow, resolved) = (Vec::new(), Vec::new());
        Self { site, among, action, narrow, resolved, counted: None, layers: Layers::default(), standing: false }
    }

    /// An intervention that could not be made.
    pub(crate) fn failed(error: Error) -> Self {
        Self::new(Sites::Only(Vec::new()), Action::Failed(error))
    }

    /// The sites that the intervention acts at.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// assert_eq!(format!("{:?}", zero(Site::z(1)).sites()), format!("{:?}", Sites::from(Site::z(1))));
    /// ```
    pub fn sites(&self) -> Sites {
        self.among.clone().unwrap_or_else(|| self.site.into())
    }

    /// The site that the intervention acts at, once it is [placed](Self::placed).
    pub(crate) fn site(&self) -> Site {
        self.site
    }

    fn along(mut self, axis: Axis, indices: impl IntoIterator<Item = impl ToIndex>) -> Self {
        self.narrow.push((axis, indices.into_iter().map(ToIndex::to_index).collect()));
        self
    }

    /// Whether a sweep still has to fill in the value.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.action, Action::Clean)
    }

    /// Returns the intervention with this value to put in.
    pub(crate) fn filled(self, value: Tensor) -> Self {
        Self { action: Action::Replace(value), ..self }
    }

    /// Returns the intervention for a pass that reads only the last tokens of a text, those in `read`.
    /// Positions are renumbered so that each is changed when it is read.
    /// `None` if no position is among them, or no key has been read yet.
    pub(crate) fn within(mut self, read: Range<usize>) -> Option<Self> {
        use Point::{CrossK, CrossV, EncoderFinalLnNormalized, EncoderFinalLnScale};
        let of_encoder = matches!(self.site.point(), CrossK | CrossV | EncoderFinalLnScale | EncoderFinalLnNormalized);
        if of_encoder || self.site.stack() == Stack::Encoder {
            return Some(self);
        }
        self.keep_rows(&read);
        let across = matches!(self.site.point(), Point::CrossAttnScores | Point::CrossPattern);
        for (axis, indices) in &mut self.narrow {
            let first = match axis {
                Axis::Pos => read.start as i64,
                Axis::Key if !across => 0,
                _ => continue,
            };
            let end = read.end as i64;
            let counted = indices.iter().map(|&index| if index < 0 { index + end } else { index });
            *indices = counted.filter(|index| (first..end).contains(index)).map(|index| index - first).collect();
            if indices.is_empty() {
                return None;
            }
        }
        Some(self)
    }

    /// Returns the intervention for some texts of a batch; `None` if it acts on other texts.
    pub(crate) fn of_texts(mut self, texts: &Range<usize>, batch: usize) -> Option<Self> {
        let rank = self.site.axes().len();
        if let Action::Replace(value) | Action::Add(value) = &mut self.action
            && value.rank() == rank
            && value.dim(0).is_ok_and(|rows| rows == batch)
            && let Ok(own) = value.narrow(0, texts.start, texts.len())
        {
            *value = own;
        }
        for (_, indices) in self.narrow.iter_mut().filter(|(axis, _)| *axis == Axis::Batch) {
            let (start, end) = (texts.start as i64, texts.end as i64);
            let counted = indices.iter().map(|&index| if index < 0 { index + batch as i64 } else { index });
            *indices = counted.filter(|index| (start..end).contains(index)).map(|index| index - start).collect();
            if indices.is_empty() {
                return None;
            }
        }
        Some(self)
    }

    /// Returns all indices counted from 0, for an activation of these sizes.
    pub(crate) fn indices(&self, config: &Config, sizes: Sizes) -> Result<Vec<(usize, Vec<usize>)>> {
        let Some(shape) = config.shape_of(self.site, sizes)? else { return Ok(Vec::new()) };
        let resolved = self.narrow.iter().map(|(axis, at)| resolve(self.site, *axis, at, &shape));
        let resolved = resolved.collect::<Result<Vec<_>>>()?;
        let twice = |nth: &usize| resolved[..*nth].iter().any(|(dim, _)| *dim == resolved[*nth].0);
        if let Some(nth) = (0..resolved.len()).find(twice) {
            let (site, axis) = (self.site.to_string(), self.narrow[nth].0.name());
            return Err(SiteError::NarrowedTwice { site, axis }.into());
        }
        Ok(resolved)
    }

    /// Checks everything that can be wrong before the forward pass starts.
    pub(crate) fn check(mut self, config: &Config, sizes: Sizes) -> Result<Self> {
        self.check_type()?;
        self.layers = config.layers();
        let Some(shape) = config.shape_of(self.site, sizes)? else { return self.unnarrowed() };
        self.resolved = self.indices(config, sizes)?;
        let mut part = shape.clone();
        for (dim, indices) in &self.resolved {
            part[*dim] = indices.len();
        }
        let site = self.site.to_string();
        match &self.action {
            Action::Replace(value) | Action::Add(value) => {
                let whole = value.dims() == shape;
                match whole || value.broadcast_as(part.as_slice()).is_ok() {
                    true => Ok(self),
                    false => Err(SiteError::Shape { site, got: value.dims().to_vec(), expected: part }.into()),
                }
            }
            Action::Ablate(direction) if direction.dims() != &shape[shape.len() - 1..] => {
                let (got, expected) = (direction.dims().to_vec(), shape[shape.len() - 1..].to_vec());
                Err(SiteError::Shape { site, got, expected }.into())
            }
            Action::Clean => Err(SiteError::NothingClean { site }.into()),
            Action::Mean if self.site.axes().contains(&Axis::Query) => Err(SiteError::NoMean { site }.into()),
            _ => Ok(self),
        }
    }

    /// Refuses narrowing where the shape depends on the tokens and is not known before the run.
    fn unnarrowed(self) -> Result<Self> {
        match self.narrow.first() {
            None => Ok(self),
            Some((axis, _)) => {
                let (site, shape) = (self.site.to_string(), "not known before the run".into());
                Err(SiteError::NoSuchAxis { site, axis: axis.name(), shape }.into())
            }
        }
    }

    /// Returns the changed activation.
    pub(crate) fn apply(&self, x: &Tensor) -> Result<Tensor> {
        let part = select(x, &self.resolved)?;
        if let Action::Look(look) = &self.action {
            look(&part, self.site, self.layers).map_err(|why| self.of_closure("observe", why, &part))?;
            return Ok(x.clone());
        }
        let new = same_kind(self.site, &part, self.change(&part, x.dims())?)?;
        // A broadcast value is copied out, because later operations need it contiguous.
        Ok(put_back(x, &new, &self.resolved)?.contiguous()?)
    }

    fn change(&self, part: &Tensor, whole: &[usize]) -> Result<Tensor> {
        // A value as large as the whole activation is narrowed in the same way.
        let fitted = |value: &Tensor| -> Result<Tensor> {
            let value = if value.dims() == whole { select(value, &self.resolved)? } else { value.clone() };
            Ok(value.broadcast_as(part.shape())?)
        };
        Ok(match &self.action {
            Action::Zero => part.zeros_like()?,
            Action::Mean => self.mean_over_tokens(part)?,
            Action::Replace(value) => fitted(value)?,
            Action::Add(value) if !self.site.is_differentiable() => add_whole(part, &fitted(value)?)?,
            Action::Add(value) => (part + fitted(value)?)?,
            Action::Scale(factor) => (part * *factor)?,
            // Multiplying by 0 would turn scores of -inf into NaN.
            Action::Block => (part.zeros_like()? + f64::NEG_INFINITY)?,
            Action::Ablate(direction) => direction::without(part, direction)?,
            // `Patch` becomes `Replace` once its site is resolved, and a sweep replaces `Clean` before it runs.
            Action::Patch(_) | Action::Clean | Action::Look(_) => part.clone(),
            Action::Failed(error) => return Err(error.clone()),
            Action::Edit(f) => f(part, self.site).map_err(|why| self.of_closure("edit", why, part))?,
            Action::EditGradient(f) => part.contiguous()?.apply_op1(GradientEdit(f.clone(), self.site))?,
        })
    }

    fn of_closure(&self, verb: &str, why: Error, part: &Tensor) -> Error {
        why.of_closure(format!("`{verb}` at `{}`", self.site), part.dims())
    }
}
