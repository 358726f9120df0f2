//! Selects the part of an activation that an intervention is narrowed to, and puts it back.

use crate::{Result, axes::Axis, error::SiteError, index::from_either_end, site::Site};
use candle_core::Tensor;

/// Returns the dimension of an axis at a site, and the indices along it counted from 0.
pub(super) fn resolve(site: Site, axis: Axis, indices: &[i64], shape: &[usize]) -> Result<(usize, Vec<usize>)> {
    let same = |have: Axis| match axis {
        Axis::Pos => matches!(have, Axis::Pos | Axis::Query),
        Axis::Head => matches!(have, Axis::Head | Axis::KvHead),
        axis => have == axis,
    };
    let Some(dim) = site.axes().iter().position(|&have| same(have)) else {
        let (site, shape) = (site.to_string(), site.shape_in_words());
        return Err(SiteError::NoSuchAxis { site, axis: axis.name(), shape }.into());
    };
    if indices.is_empty() {
        return Err(SiteError::NoIndices { site: site.to_string(), axis: axis.name() }.into());
    }
    let size = shape[dim];
    let axis = match axis {
        Axis::Pos => "position",
        Axis::Batch => "text",
        axis => axis.name(),
    };
    let out = |index| SiteError::OutOfRange { site: site.to_string(), axis, index, size }.into();
    let from_start = |&index: &i64| from_either_end(index, size).ok_or_else(|| out(index));
    Ok((dim, indices.iter().map(from_start).collect::<Result<_>>()?))
}

/// Returns the part of `x` at the given indices of the given dimensions.
pub(crate) fn select(x: &Tensor, narrow: &[(usize, Vec<usize>)]) -> Result<Tensor> {
    let mut part = x.clone();
    for (dim, indices) in narrow {
        let pieces = indices.iter().map(|&at| part.narrow(*dim, at, 1)).collect::<candle_core::Result<Vec<_>>>()?;
        part = Tensor::cat(&pieces, *dim)?;
    }
    Ok(part)
}

/// Returns `x` with `part` put back where [`select`] took it from. Differentiable.
pub(super) fn put_back(x: &Tensor, part: &Tensor, narrow: &[(usize, Vec<usize>)]) -> Result<Tensor> {
    let Some(((dim, indices), rest)) = narrow.split_first() else { return Ok(part.clone()) };
    let mut pieces = Vec::new();
    let size = x.dim(*dim)?;
    let mut start = 0;
    for at in 0..size {
        // The last mention of an index wins, as if they were set one after another.
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
