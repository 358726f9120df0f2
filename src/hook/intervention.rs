//! [`Intervention`]: what to change at a site.

use super::{Point, Site, Stack, ToSite};
use crate::{
    Result,
    axes::Axis,
    cache::ActivationCache,
    error::SiteError,
    model::{Config, Sizes},
};
use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor};
use std::{fmt, ops::Range, sync::Arc};

type Edit = Arc<dyn Fn(&Tensor) -> Result<Tensor> + Send + Sync>;

#[derive(Clone)]
enum Action {
    Zero,
    Mean,
    Replace(Tensor),
    Add(Tensor),
    Scale(f64),
    Edit(Edit),
    EditGradient(Edit),
}

/// What to do to the activation at one site, narrowed to some heads, positions or neurons.
///
/// Made by [`zero`], [`mean`], [`replace`], [`patch`], [`add`], [`scale`] and [`edit`]; given to
/// [`Model::run_with`](crate::Model::run_with) or [`Pass::intervene`](crate::model::Pass::intervene). Several at one
/// site are done in the order given, each seeing what the one before left. Everything about it is checked before the
/// forward pass starts: the site, the axes it is narrowed along, the indices, the shape of a value.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?;
/// let text = "red fox blue owl red fox blue";
/// let whole = model.run(text)?;
/// assert_eq!(whole.predictions(-1, 1)?[0].text, "owl");
/// // Without anything from layer 1's heads the model no longer knows what came next.
/// let ablated = model.run_with(text, [zero(Site::z(1))])?;
/// assert!(ablated.probability("owl", -1)? < 0.1);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone)]
pub struct Intervention {
    site: Site,
    action: Action,
    narrow: Vec<(Axis, Vec<i64>)>,
    /// Filled in by `check`: the dimension and the indices of each narrowing.
    resolved: Vec<(usize, Vec<usize>)>,
}

/// Sets the activation to zero.
pub fn zero(site: Site) -> Intervention {
    Intervention::new(site, Action::Zero)
}

/// Sets every position to the mean over all positions (and texts of the batch): keeps what the activation always
/// says, loses what it says here.
pub fn mean(site: Site) -> Intervention {
    Intervention::new(site, Action::Mean)
}

/// Puts a value in the activation's place. Its shape is the activation's, that of the part it is narrowed to, or
/// anything that broadcasts to the latter.
pub fn replace(site: Site, value: Tensor) -> Intervention {
    Intervention::new(site, Action::Replace(value))
}

/// Puts in what another run had at the same site.
///
/// # Errors
/// When that run did not record the site.
pub fn patch(site: Site, from: &ActivationCache) -> Result<Intervention> {
    Ok(replace(site, from.get(site)?.clone()))
}

/// Adds a direction: steering. The value broadcasts, so one `[d_model]` vector goes to every position.
pub fn add(site: Site, value: Tensor) -> Intervention {
    Intervention::new(site, Action::Add(value))
}

/// Multiplies the activation by a number.
pub fn scale(site: Site, factor: f64) -> Intervention {
    Intervention::new(site, Action::Scale(factor))
}

/// Does anything: the closure is given the (narrowed) activation and returns one of the same shape.
pub fn edit(site: Site, f: impl Fn(&Tensor) -> Result<Tensor> + Send + Sync + 'static) -> Intervention {
    Intervention::new(site, Action::Edit(Arc::new(f)))
}

/// Does anything to the gradient that flows back through here, when a [`Pass`](crate::model::Pass) differentiates;
/// the forward pass is left as it is. What other sites' gradients are is worked out from the changed one.
///
/// # Examples
/// ```
/// use candle_core::Tensor;
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?;
/// let stopped = edit_gradient(Site::attn_out(1), |grad| Ok(grad.zeros_like()?));
/// let gradient = |interventions: Vec<Intervention>| -> Result<f32, glassbox::Error> {
///     let first = |logits: &Tensor| Ok(logits.flatten_all()?.get(0)?);
///     let run = model.pass("red fox red")?.intervene(interventions).differentiate([Site::z(1)], first).run()?;
///     Ok(run.gradients()?.get(Site::z(1))?.sqr()?.sum_all()?.to_scalar()?)
/// };
/// assert!(gradient(vec![])? > 0.0);
/// assert_eq!(gradient(vec![stopped])?, 0.0);
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn edit_gradient(site: Site, f: impl Fn(&Tensor) -> Result<Tensor> + Send + Sync + 'static) -> Intervention {
    Intervention::new(site, Action::EditGradient(Arc::new(f)))
}

/// Leaves the activation as it is, and gives its gradient to a closure.
struct GradientEdit(Edit);

impl CustomOp1 for GradientEdit {
    fn name(&self) -> &'static str {
        "gradient edit"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let (start, end) = layout.contiguous_offsets().unwrap_or_default();
        Ok((CpuStorage::F32(storage.as_slice::<f32>()?[start..end].to_vec()), layout.shape().clone()))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, grad: &Tensor) -> candle_core::Result<Option<Tensor>> {
        let new = (self.0)(grad).map_err(|error| candle_core::Error::Msg(error.to_string()))?;
        if new.dims() != grad.dims() {
            candle_core::bail!("a gradient of shape {:?} was edited into one of {:?}", grad.dims(), new.dims())
        }
        Ok(Some(new))
    }
}

impl Intervention {
    fn new(site: Site, action: Action) -> Self {
        Self { site, action, narrow: Vec::new(), resolved: Vec::new() }
    }

    /// Where it acts.
    pub fn site(&self) -> Site {
        self.site
    }

    /// Only this head (key head at `hook_k`, `hook_v`). Negative indices count from the end.
    pub fn head(self, head: i64) -> Self {
        self.heads([head])
    }

    /// Only these heads.
    pub fn heads(self, heads: impl IntoIterator<Item = i64>) -> Self {
        self.along(Axis::Head, heads)
    }

    /// Only this position (the looking position of a pattern); -1 is the last.
    pub fn position(self, position: i64) -> Self {
        self.positions([position])
    }

    /// Only these positions.
    pub fn positions(self, positions: impl IntoIterator<Item = i64>) -> Self {
        self.along(Axis::Pos, positions)
    }

    /// Only this looked-at position of scores or a pattern.
    pub fn key(self, key: i64) -> Self {
        self.along(Axis::Key, [key])
    }

    /// Only this neuron of an MLP.
    pub fn neuron(self, neuron: i64) -> Self {
        self.neurons([neuron])
    }

    /// Only these neurons.
    pub fn neurons(self, neurons: impl IntoIterator<Item = i64>) -> Self {
        self.along(Axis::DMlp, neurons)
    }

    /// Only this text of the batch.
    pub fn text(self, text: i64) -> Self {
        self.along(Axis::Batch, [text])
    }

    fn along(mut self, axis: Axis, indices: impl IntoIterator<Item = i64>) -> Self {
        self.narrow.push((axis, indices.into_iter().collect()));
        self
    }

    /// The same for a pass that reads only the tokens `read` of a text, which ends with them: positions are counted
    /// along the text, so that each is changed when it is read. `None` where none is, or no key is there yet.
    pub(crate) fn within(mut self, read: Range<usize>) -> Option<Self> {
        if self.site.stack() == Stack::Encoder {
            return Some(self);
        }
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

    /// Where every index counts from 0, if the activation has these sizes.
    pub(crate) fn indices(&self, config: &Config, sizes: Sizes) -> Result<Vec<(usize, Vec<usize>)>> {
        let Some(shape) = config.shape_of(self.site, sizes)? else { return Ok(Vec::new()) };
        self.narrow.iter().map(|(axis, at)| resolve(self.site, *axis, at, &shape)).collect()
    }

    /// Everything that can be wrong, found before the forward pass.
    pub(crate) fn check(mut self, config: &Config, sizes: Sizes) -> Result<Self> {
        let Some(shape) = config.shape_of(self.site, sizes)? else { return self.unnarrowed() };
        self.resolved = self.indices(config, sizes)?;
        let mut part = shape.clone();
        for (dim, indices) in &self.resolved {
            part[*dim] = indices.len();
        }
        if let Action::Replace(value) | Action::Add(value) = &self.action {
            let whole = value.dims() == shape;
            if !whole && value.broadcast_as(part.as_slice()).is_err() {
                let got = value.dims().to_vec();
                return Err(SiteError::Shape { site: self.site.to_string(), got, expected: part }.into());
            }
        }
        Ok(self)
    }

    /// Where only the tokens decide the shape as they pass, nothing can be narrowed beforehand.
    fn unnarrowed(self) -> Result<Self> {
        match self.narrow.first() {
            None => Ok(self),
            Some((axis, _)) => {
                let (site, shape) = (self.site.to_string(), "not known before the run".into());
                Err(SiteError::NoSuchAxis { site, axis: axis.name(), shape }.into())
            }
        }
    }

    /// The changed activation.
    pub(crate) fn apply(&self, x: &Tensor) -> Result<Tensor> {
        let part = select(x, &self.resolved)?;
        let new = self.change(&part, x.dims())?;
        if new.dims() != part.dims() {
            let (got, expected) = (new.dims().to_vec(), part.dims().to_vec());
            return Err(SiteError::Shape { site: self.site.to_string(), got, expected }.into());
        }
        put_back(x, &new, &self.resolved)
    }

    fn change(&self, part: &Tensor, whole: &[usize]) -> Result<Tensor> {
        // A value as large as the whole activation is narrowed just as the activation was.
        let fitted = |value: &Tensor| -> Result<Tensor> {
            let value = if value.dims() == whole { select(value, &self.resolved)? } else { value.clone() };
            Ok(value.broadcast_as(part.shape())?)
        };
        Ok(match &self.action {
            Action::Zero => part.zeros_like()?,
            Action::Mean => self.mean_over_positions(part)?,
            Action::Replace(value) => fitted(value)?,
            Action::Add(value) => (part + fitted(value)?)?,
            Action::Scale(factor) => (part * *factor)?,
            Action::Edit(f) => f(part)?,
            Action::EditGradient(f) => part.contiguous()?.apply_op1(GradientEdit(f.clone()))?,
        })
    }

    fn mean_over_positions(&self, part: &Tensor) -> Result<Tensor> {
        let mut mean = part.clone();
        for (dim, axis) in self.site.axes().iter().enumerate() {
            if matches!(axis, Axis::Batch | Axis::Pos | Axis::Query) {
                mean = mean.mean_keepdim(dim)?;
            }
        }
        Ok(mean.broadcast_as(part.shape())?)
    }
}

/// The dimension of an axis at a site, and the indices along it counted from 0.
fn resolve(site: Site, axis: Axis, indices: &[i64], shape: &[usize]) -> Result<(usize, Vec<usize>)> {
    let same = |have: Axis| match axis {
        Axis::Pos => matches!(have, Axis::Pos | Axis::Query),
        Axis::Head => matches!(have, Axis::Head | Axis::KvHead),
        axis => have == axis,
    };
    let Some(dim) = site.axes().iter().position(|&have| same(have)) else {
        let (site, shape) = (site.to_string(), site.shape_in_words());
        return Err(SiteError::NoSuchAxis { site, axis: axis.name(), shape }.into());
    };
    let size = shape[dim];
    let from_start = |&index: &i64| {
        let counted = if index < 0 { index + size as i64 } else { index };
        usize::try_from(counted)
            .ok()
            .filter(|&counted| counted < size)
            .ok_or_else(|| SiteError::OutOfRange { site: site.to_string(), axis: axis.name(), index, size }.into())
    };
    Ok((dim, indices.iter().map(from_start).collect::<Result<_>>()?))
}

/// The part of `x` at the given indices of the given dimensions.
fn select(x: &Tensor, narrow: &[(usize, Vec<usize>)]) -> Result<Tensor> {
    let mut part = x.clone();
    for (dim, indices) in narrow {
        let pieces = indices.iter().map(|&at| part.narrow(*dim, at, 1)).collect::<candle_core::Result<Vec<_>>>()?;
        part = Tensor::cat(&pieces, *dim)?;
    }
    Ok(part)
}

/// `x` with `part` where [`select`] took it from; differentiable.
fn put_back(x: &Tensor, part: &Tensor, narrow: &[(usize, Vec<usize>)]) -> Result<Tensor> {
    let Some(((dim, indices), rest)) = narrow.split_first() else { return Ok(part.clone()) };
    let mut pieces = Vec::new();
    let size = x.dim(*dim)?;
    let mut start = 0;
    for at in 0..size {
        // The last mention of an index wins, as it would if they were set in turn.
        let Some(nth) = indices.iter().rposition(|&index| index == at) else { continue };
        if start < at {
            pieces.push(x.narrow(*dim, start, at - start)?);
        }
        pieces.push(put_back(&x.narrow(*dim, at, 1)?, &part.narrow(*dim, nth, 1)?, rest)?);
        start = at + 1;
    }
    if start < size {
        pieces.push(x.narrow(*dim, start, size - start)?);
    }
    Ok(Tensor::cat(&pieces, *dim)?)
}

impl fmt::Debug for Intervention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match &self.action {
            Action::Zero => "zero".into(),
            Action::Mean => "mean".into(),
            Action::Replace(value) => format!("replace {:?}", value.dims()),
            Action::Add(value) => format!("add {:?}", value.dims()),
            Action::Scale(factor) => format!("scale by {factor}"),
            Action::Edit(_) => "edit".into(),
            Action::EditGradient(_) => "edit the gradient".into(),
        };
        write!(f, "{verb} at {}", self.site)?;
        for (axis, indices) in &self.narrow {
            write!(f, ", {axis} {indices:?}")?;
        }
        Ok(())
    }
}

impl ToSite for Intervention {
    fn to_site(&self) -> Result<Site> {
        Ok(self.site)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Tensor};

    fn numbers(dims: &[usize]) -> Tensor {
        let count = dims.iter().product::<usize>();
        Tensor::arange(0f32, count as f32, &Device::Cpu).unwrap().reshape(dims).unwrap()
    }

    #[test]
    fn what_is_put_back_lies_exactly_where_it_was_taken() {
        let x = numbers(&[2, 3, 4]);
        let narrow = vec![(1, vec![2, 0]), (2, vec![3])];
        let part = select(&x, &narrow).unwrap();
        assert_eq!(part.to_vec3::<f32>().unwrap(), [[[11.0], [3.0]], [[23.0], [15.0]]]);
        let same = put_back(&x, &part, &narrow).unwrap();
        assert_eq!(same.to_vec3::<f32>().unwrap(), x.to_vec3::<f32>().unwrap());
        let zeroed = put_back(&x, &part.zeros_like().unwrap(), &narrow).unwrap();
        let sum = |t: &Tensor| t.sum_all().unwrap().to_scalar::<f32>().unwrap();
        assert_eq!(sum(&x) - sum(&zeroed), 11.0 + 3.0 + 23.0 + 15.0);
    }
}
