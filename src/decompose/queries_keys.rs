//! Decomposes the queries and keys of one head into contributions of the parts of the stream. A part passes the norm
//! before attention, the head's matrix, the norm of queries or keys, and the rotary embedding. All norms are held at
//! their scales in the run.

use super::direction::Reader;
use crate::{
    Result,
    cache::ActivationCache,
    hook::{Point, Site},
    model::Run,
    net::{
        Frame, Here,
        parts::{Attention, HeadNorm, Linear},
    },
    ops,
    tensor::zeros,
};
use candle_core::Tensor;

/// What queries, or keys, are made of, on the first text.
#[derive(Clone)]
pub(super) struct Made {
    labels: Vec<String>,
    /// `[component, pos, d_model]`, normed.
    parts: Tensor,
    /// What biases on the stream itself have added: `[one, pos, d_model]`, normed.
    on_stream: Option<Tensor>,
    /// Of the norm: `[d_model]`.
    bias: Option<Tensor>,
    cache: ActivationCache,
}

impl Made {
    /// The parts of a stream, as what reads it through the norm at `reader` is given them.
    pub(super) fn of(run: &Run, stream: Site, reader: Site) -> Result<Self> {
        let (stack, cache) = (run.decompose(stream)?, run.cache());
        cache.need_whole(stream, "decomposing scores")?;
        let mut parts = stack.apply_ln(reader)?.narrow(1, 0, 1)?.squeeze(1)?;
        let Reader { weight, bias, .. } = Reader::at(&run.model(), reader)?;
        if let Some(weight) = &weight {
            parts = parts.broadcast_mul(weight)?;
        }
        let (mut labels, mut on_stream) = (stack.labels(), None);
        let last = labels.len().saturating_sub(1);
        if labels.last().is_some_and(|label| label == "bias") {
            labels.pop();
            on_stream = Some(parts.narrow(0, last, 1)?);
            parts = parts.narrow(0, 0, last)?;
        }
        Ok(Self { labels, parts, on_stream, bias, cache })
    }

    /// With positions that only queries and keys are made from (Shortformer), where there are any.
    ///
    /// # Shapes
    /// `positions`: `[batch, pos, d_model]`
    pub(super) fn beside(mut self, positions: Option<Tensor>) -> Result<Self> {
        if let Some(positions) = positions {
            self.parts = Tensor::cat(&[self.parts, positions.narrow(0, 0, 1)?], 0)?;
            self.labels.push("pos_embed".into());
        }
        Ok(self)
    }

    /// The names of the parts, and last of all biases.
    pub(super) fn labels(&self) -> Vec<String> {
        self.labels.iter().cloned().chain(["bias".into()]).collect()
    }

    /// What each part makes of one head's queries or keys, and last what all biases make.
    ///
    /// # Shapes
    /// `[component, pos, d_head]`
    pub(super) fn vectors(
        &self,
        linear: Linear,
        norm: &Option<HeadNorm>,
        head: usize,
        points: [Point; 2],
        here: Here,
        frame: &Frame,
    ) -> Result<Tensor> {
        let (_, pos, _) = self.parts.dims3()?;
        let (d_head, of_parts) = (linear.weight.dim(1)?, ops::linear(&self.parts, &linear.weight, None)?);
        let mut bias = zeros((1, d_head))?;
        if let Some(of_norm) = &self.bias {
            bias = (bias + ops::linear(&of_norm.unsqueeze(0)?, &linear.weight, None)?)?;
        }
        if let Some(own) = &linear.bias {
            bias = bias.broadcast_add(own)?;
        }
        let mut bias = bias.unsqueeze(0)?.broadcast_as((1, pos, d_head))?.contiguous()?;
        if let Some(on_stream) = &self.on_stream {
            bias = (bias + ops::linear(&on_stream.contiguous()?, &linear.weight, None)?)?;
        }
        let mut all = Tensor::cat(&[of_parts, bias], 0)?.unsqueeze(2)?; // [component, pos, one, d_head]
        if here.is_across() {
            return Ok(all.squeeze(2)?);
        }
        if let Some(norm) = norm {
            let scale = self.cache.get(here.site(points[0]))?;
            let scale = scale.narrow(0, 0, 1)?.narrow(2, head, 1)?; // [one, pos, one, one]
            all = norm.held(&all, &scale, head)?;
        }
        let turned = frame.rotary(here.layer).map_or(Ok(all.clone()), |table| ops::rotate(&all, table))?;
        Ok(turned.squeeze(2)?)
    }
}

/// What is added to the scores of a head for where query and key stand: masks, ALiBi, relative positions.
///
/// # Shapes
/// `[query, key]`
pub(super) fn mask_and_bias(
    attention: &Attention,
    head: usize,
    here: Here,
    frame: &Frame,
    keys: usize,
) -> Result<Tensor> {
    let (pos, _) = frame.queries_and_keys();
    let none = |pos, heads: usize| zeros((1, pos, heads, attention.d_head));
    let (q, k) = (none(pos, attention.n_heads)?, none(keys, attention.n_key_value_heads)?);
    Ok(attention.scores(&q, &k, here, frame)?.get(0)?.get(head)?)
}
