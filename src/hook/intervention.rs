//! [`Intervention`]: what to change at a site.

use super::{Site, ToSite};
use crate::{Result, axes::Axis, cache::ActivationCache, error::SiteError, model::Config};
use candle_core::Tensor;
use std::{fmt, sync::Arc};

type Edit = Arc<dyn Fn(&Tensor) -> Result<Tensor> + Send + Sync>;

#[derive(Clone)]
enum Action {
    Zero,
    Mean,
    Replace(Tensor),
    Add(Tensor),
    Scale(f64),
    Edit(Edit),
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

    /// Everything that can be wrong, found before the forward pass.
    pub(crate) fn check(mut self, config: &Config, batch: usize, pos: usize) -> Result<Self> {
        let shape = config.shape(self.site, batch, pos)?;
        self.resolved =
            self.narrow.iter().map(|(axis, at)| resolve(self.site, *axis, at, &shape)).collect::<Result<_>>()?;
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
