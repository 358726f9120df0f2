//! [`Attention`]: self and cross attention with a hook at every step, from queries and keys to what each head writes
//! (Vaswani et al. 2017, <https://arxiv.org/abs/1706.03762>; grouped heads: Ainslie et al. 2023,
//! <https://arxiv.org/abs/2305.13245>).

use super::{HeadNorm, Linear, Norm, embed::rows};
use crate::{
    Result,
    net::{Frame, Here, Tap},
    ops,
    site::Point,
};
use candle_core::{D, Tensor};

/// Multi-head attention. There may be fewer key heads than query heads.
#[derive(Clone, Debug)]
pub(crate) struct Attention {
    /// `[d_model, head * d_head]`
    pub(crate) q: Linear,
    /// `[d_model, kv_head * d_head]`
    pub(crate) k: Linear,
    /// `[d_model, kv_head * d_head]`
    pub(crate) v: Linear,
    /// `[head * d_head, d_model]`
    pub(crate) o: Linear,
    pub(crate) q_norm: Option<HeadNorm>,
    pub(crate) k_norm: Option<HeadNorm>,
    /// Added to the inputs of queries and keys (Shortformer): `[n_ctx, d_model]`.
    pub(crate) positions: Option<Tensor>,
    pub(crate) n_heads: usize,
    pub(crate) n_key_value_heads: usize,
    pub(crate) d_head: usize,
    pub(crate) scale: f64,
    pub(crate) soft_cap: Option<f64>,
    /// Whether a query attends only to keys up to its own position.
    pub(crate) causal: bool,
    /// The number of tokens that a query attends to, its own included.
    pub(crate) window: Option<usize>,
}

impl Attention {
    /// Returns the output of attention for the residual stream `resid`. In cross attention, keys and values are
    /// computed from the encoder's output.
    ///
    /// # Shapes
    /// `[batch, pos, d_model]` in and out.
    pub(crate) fn forward(
        &self,
        resid: &Tensor,
        norm: &Norm,
        here: Here,
        frame: &mut Frame,
        tap: &mut Tap,
    ) -> Result<Tensor> {
        let (q, k, v) = self.queries_keys_values(resid, norm, here, frame, tap)?;
        let scores = self.scores(&q, &k, here, frame)?; // [batch, head, query, key]
        let scores = tap.at(here.site(Point::AttnScores), scores)?;
        let pattern = tap.at(here.site(Point::Pattern), ops::softmax(&scores)?)?;
        let z = tap.at(here.site(Point::Z), ops::mix_values(&pattern, &v)?)?; // [batch, pos, head, d_head]
        self.output(&z, here, tap)
    }

    fn queries_keys_values(
        &self,
        resid: &Tensor,
        norm: &Norm,
        here: Here,
        frame: &mut Frame,
        tap: &mut Tap,
    ) -> Result<(Tensor, Tensor, Tensor)> {
        if here.is_across() {
            let q = in_heads(self.q.forward(&norm.forward(resid, here, tap)?)?, self.n_heads)?;
            let q = tap.at(here.site(Point::Q), q)?;
            let (k, v) = self.keys_values_across(here, frame, tap)?;
            return Ok((q, k, v));
        }
        let input = HeadInput::new(resid, norm, here, self.n_heads, tap)?;
        let placed = HeadInput { beside: self.beside(frame)?, ..input.clone() };
        let q = tap_heads(&self.q, &placed, self.n_heads, [Point::QInput, Point::Q], here, tap)?;
        let k = tap_heads(&self.k, &placed, self.n_key_value_heads, [Point::KInput, Point::K], here, tap)?;
        let v = tap_heads(&self.v, &input, self.n_key_value_heads, [Point::VInput, Point::V], here, tap)?;
        let q = normed(&self.q_norm, q, HeadNorm::Q, here, tap)?;
        let k = normed(&self.k_norm, k, HeadNorm::K, here, tap)?;
        let (q, k) = match frame.rotary(here.layer) {
            Some(table) => {
                let q = tap.at(here.site(Point::RotQ), ops::rotate(&q, table)?)?;
                (q, tap.at(here.site(Point::RotK), ops::rotate(&k, table)?)?)
            }
            None => (q, k),
        };
        let (k, v) = frame.with_past(here.layer, k, v)?;
        Ok((q, k, v))
    }

    /// Computes keys and values only, without hooks, and appends them to the cache: all that later tokens need of
    /// tokens whose own stream is not read further.
    ///
    /// # Shapes
    /// `[batch, pos, d_model]` to twice `[batch, key, kv_head, d_head]`.
    pub(crate) fn keys_values(
        &self,
        resid: &Tensor,
        norm: &Norm,
        here: Here,
        frame: &mut Frame,
    ) -> Result<(Tensor, Tensor)> {
        let (tap, heads) = (&mut Tap::idle(), self.n_key_value_heads);
        let read = norm.forward(resid, here, tap)?;
        let placed = with(read.clone(), self.beside(frame)?.as_ref())?;
        let k = normed(&self.k_norm, in_heads(self.k.forward(&placed)?, heads)?, HeadNorm::K, here, tap)?;
        let k = frame.rotary(here.layer).map_or(Ok(k.clone()), |table| ops::rotate(&k, table))?;
        frame.with_past(here.layer, k, in_heads(self.v.forward(&read)?, heads)?)
    }

    /// The vectors that are added to the inputs of queries and keys, if there are any: those at the hook of this pass
    /// or, if the embedding did not run, the learned ones.
    ///
    /// # Shapes
    /// `[batch, pos, d_model]`
    pub(crate) fn beside(&self, frame: &Frame) -> Result<Option<Tensor>> {
        let Some(positions) = &self.positions else { return Ok(None) };
        frame.beside().cloned().map_or_else(|| rows(positions, &frame.position_ids()?), Ok).map(Some)
    }

    /// Computes the keys and values of cross attention once. Cached ones pass the hooks too.
    fn keys_values_across(&self, here: Here, frame: &mut Frame, tap: &mut Tap) -> Result<(Tensor, Tensor)> {
        if let Some((k, v)) = frame.kept_across(here.layer) {
            return Ok((tap.at(here.site(Point::K), k)?, tap.at(here.site(Point::V), v)?));
        }
        let encoded = frame.encoded()?;
        let mut project = |linear: &Linear, point: Point| {
            tap.at(here.site(point), in_heads(linear.forward(&encoded)?, self.n_key_value_heads)?)
        };
        let both = (project(&self.k, Point::K)?, project(&self.v, Point::V)?);
        frame.keep_across(here.layer, &both);
        Ok(both)
    }

    /// Returns the scores of queries and keys as in their hooks: after norm, rotation, scale, cap, mask and bias.
    ///
    /// # Shapes
    /// `q`: `[batch, query, head, d_head]`, `k`: `[batch, key, kv_head, d_head]`, result: `[batch, head, query, key]`.
    pub(crate) fn scores_of(&self, q: &Tensor, k: &Tensor, here: Here, frame: &Frame) -> Result<Tensor> {
        if here.is_across() {
            return self.scores(q, k, here, frame);
        }
        let tap = &mut Tap::idle();
        let q = normed(&self.q_norm, q.clone(), HeadNorm::Q, here, tap)?;
        let k = normed(&self.k_norm, k.clone(), HeadNorm::K, here, tap)?;
        match frame.rotary(here.layer) {
            Some(table) => self.scores(&ops::rotate(&q, table)?, &ops::rotate(&k, table)?, here, frame),
            None => self.scores(&q, &k, here, frame),
        }
    }

    pub(crate) fn scores(&self, q: &Tensor, k: &Tensor, here: Here, frame: &Frame) -> Result<Tensor> {
        let mask = frame.mask(self.causal, self.window, here);
        let scores = match self.soft_cap {
            None => ops::attention_scores(q, k, self.scale, &mask)?,
            Some(cap) => {
                let scores = ops::attention_scores(q, k, self.scale, &ops::Mask::default())?;
                ops::masked(&((scores / cap)?.tanh()? * cap)?, &mask)?
            }
        };
        Ok(frame.bias(here).map_or(Ok(scores.clone()), |bias| scores.broadcast_add(bias))?)
    }

    /// Multiplies `z` by the output matrix. The contribution of each head is computed only if the plan has its site.
    fn output(&self, z: &Tensor, here: Here, tap: &mut Tap) -> Result<Tensor> {
        let site = here.site(Point::Result);
        let results = tap.wants(site).then(|| tap.at(site, self.head_results(z)?)).transpose()?;
        match results.filter(|_| tap.acts_on(site)) {
            None => self.o.forward(&z.flatten_from(D::Minus2)?),
            Some(results) => {
                let sum = results.sum(2)?;
                Ok(self.o.bias.as_ref().map_or(Ok(sum.clone()), |bias| sum.broadcast_add(bias))?)
            }
        }
    }

    /// The output of each head in the residual stream.
    ///
    /// # Shapes
    /// `[batch, pos, head, d_head]` to `[batch, pos, head, d_model]`.
    pub(crate) fn head_results(&self, z: &Tensor) -> Result<Tensor> {
        let result = |head: usize| -> Result<Tensor> {
            let weight = self.o.weight.narrow(0, head * self.d_head, self.d_head)?;
            Ok(ops::linear(&z.narrow(2, head, 1)?.squeeze(2)?, &weight, None)?)
        };
        let results = (0..self.n_heads).map(result).collect::<Result<Vec<_>>>()?;
        Ok(Tensor::stack(&results, 2)?)
    }
}

fn normed(norm: &Option<HeadNorm>, x: Tensor, points: [Point; 2], here: Here, tap: &mut Tap) -> Result<Tensor> {
    norm.as_ref().map_or(Ok(x.clone()), |norm| norm.forward(&x, points, here, tap))
}

/// # Shapes
/// `[batch, pos, head * d_head]` to `[batch, pos, head, d_head]`.
fn in_heads(x: Tensor, heads: usize) -> Result<Tensor> {
    let (batch, pos, width) = x.dims3()?;
    Ok(x.reshape((batch, pos, heads, width / heads))?)
}

/// The input of the three projections: the normed residual stream, which all heads share unless a single head's copy is
/// changed or differentiated.
#[derive(Clone)]
struct HeadInput<'a> {
    resid: &'a Tensor,
    norm: &'a Norm,
    /// `[batch, pos, d_model]`
    normed: Tensor,
    /// `[batch, pos, head, d_model]`, there when `attn_in` is acted on.
    copies: Option<Tensor>,
    /// Added after the norm: `[batch, pos, d_model]`.
    beside: Option<Tensor>,
}

impl<'a> HeadInput<'a> {
    fn new(resid: &'a Tensor, norm: &'a Norm, here: Here, n_heads: usize, tap: &mut Tap) -> Result<Self> {
        let site = here.site(Point::AttnIn);
        let acted_on = tap.acts_on(site);
        let copies = tap.wants(site).then(|| tap.at(site, per_head(resid, n_heads)?)).transpose()?;
        let normed = norm.forward(resid, here, tap)?;
        Ok(Self { resid, norm, normed, copies: copies.filter(|_| acted_on), beside: None })
    }
}

fn with(x: Tensor, beside: Option<&Tensor>) -> Result<Tensor> {
    Ok(beside.map_or(Ok(x.clone()), |beside| x.broadcast_add(beside))?)
}

/// One copy of the residual stream for every head.
fn per_head(resid: &Tensor, heads: usize) -> Result<Tensor> {
    let (batch, pos, d_model) = resid.dims3()?;
    Ok(resid.unsqueeze(2)?.broadcast_as((batch, pos, heads, d_model))?.contiguous()?)
}

/// A projection split into heads, with the hooks before and after it.
fn tap_heads(
    linear: &Linear,
    input: &HeadInput,
    heads: usize,
    [before, after]: [Point; 2],
    here: Here,
    tap: &mut Tap,
) -> Result<Tensor> {
    let (before, after) = (here.site(before), here.site(after));
    let own_copies = tap.acts_on(before) || input.copies.is_some();
    let copies = match tap.wants(before) || own_copies {
        true => {
            let copies = input.copies.clone().map_or_else(|| per_head(input.resid, heads), Ok)?;
            Some(tap.at(before, copies)?).filter(|_| own_copies)
        }
        false => None,
    };
    let out = match copies {
        Some(copies) => {
            let beside = input.beside.as_ref().map(|beside| beside.unsqueeze(2)).transpose()?;
            project_copies(linear, &with(input.norm.apply(&copies)?, beside.as_ref())?, heads)?
        }
        None => in_heads(linear.forward(&with(input.normed.clone(), input.beside.as_ref())?)?, heads)?,
    };
    tap.at(after, out)
}

/// # Shapes
/// `[batch, pos, head, d_model]` to `[batch, pos, head, d_head]`.
fn project_copies(linear: &Linear, copies: &Tensor, heads: usize) -> Result<Tensor> {
    let d_head = linear.weight.dim(1)? / heads;
    let one = |head| linear.columns(head * d_head, d_head)?.forward(&copies.narrow(2, head, 1)?.squeeze(2)?);
    let outputs = (0..heads).map(one).collect::<Result<Vec<_>>>()?;
    Ok(Tensor::stack(&outputs, 2)?)
}
