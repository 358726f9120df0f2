//! [`RelativeBias`]: T5's bias of attention scores by distance (Raffel et al. 2020, <https://arxiv.org/abs/1910.10683>).

use crate::{Result, net::Frame, tensor::vector};
use candle_core::Tensor;

/// T5's relative position bias: a learned number for each head and each bucket of distances (Raffel et al. 2020).
#[derive(Clone, Debug)]
pub(crate) struct RelativeBias {
    /// `[bucket, head]`
    pub(crate) table: Tensor,
    pub(crate) max_distance: usize,
    /// Whether keys may come after the query. Half of the buckets are for them.
    pub(crate) bidirectional: bool,
}

impl RelativeBias {
    /// # Shapes
    /// `[one, head, query, key]`
    pub(crate) fn forward(&self, frame: &Frame) -> Result<Tensor> {
        let (queries, keys) = frame.queries_and_keys();
        let buckets = self.table.dim(0)?;
        let ahead = (keys - queries) as i64;
        let bucket = |query: usize, key: usize| self.bucket(key as i64 - query as i64 - ahead, buckets) as u32;
        let ids: Vec<u32> = (0..queries).flat_map(|query| (0..keys).map(move |key| bucket(query, key))).collect();
        let bias = self.table.index_select(&vector(ids)?, 0)?;
        Ok(bias.reshape((queries, keys, ()))?.permute((2, 0, 1))?.unsqueeze(0)?.contiguous()?)
    }

    /// The bucket of a distance (key minus query): near distances have their own, far distances share logarithmic ones.
    fn bucket(&self, distance: i64, buckets: usize) -> usize {
        let (buckets, first, distance) = match self.bidirectional {
            true if distance > 0 => (buckets / 2, buckets / 2, distance),
            true => (buckets / 2, 0, -distance),
            false => (buckets, 0, (-distance).max(0)),
        };
        let distance = distance as usize;
        let exact = buckets / 2;
        if distance < exact {
            return first + distance;
        }
        // In float32 and in this order, as the reference does, so that distances on a boundary fall on its side.
        let octaves = (distance as f32 / exact as f32).ln() / (self.max_distance as f64 / exact as f64).ln() as f32;
        let far = (octaves * (buckets - exact) as f32) as usize;
        first + (exact + far).min(buckets - 1)
    }
}
