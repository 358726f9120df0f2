use super::{linear::Linear, norm::Norm, tap::Tap};
use crate::{
    Result,
    hook::Site,
    ops::{self, RotaryTable},
};
use candle_core::{D, Tensor};

/// Multi-head attention; key heads may be fewer than query heads.
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
    pub(crate) n_heads: usize,
    pub(crate) n_key_value_heads: usize,
    pub(crate) d_head: usize,
    pub(crate) scale: f64,
}

impl Attention {
    /// What attention adds to the residual stream `resid`.
    ///
    /// # Shapes
    /// `[batch, pos, d_model]` in and out.
    pub(crate) fn forward(
        &self,
        resid: &Tensor,
        norm: &Norm,
        rotary: Option<&RotaryTable>,
        layer: usize,
        tap: &mut Tap,
    ) -> Result<Tensor> {
        let input = Input::new(resid, norm, layer, self.n_heads, tap)?;
        let q = tap_heads(&self.q, &input, self.n_heads, Site::q_input(layer), Site::q(layer), tap)?;
        let k = tap_heads(&self.k, &input, self.n_key_value_heads, Site::k_input(layer), Site::k(layer), tap)?;
        let v = tap_heads(&self.v, &input, self.n_key_value_heads, Site::v_input(layer), Site::v(layer), tap)?;
        let (q, k) = match rotary {
            Some(table) => {
                let q = tap.at(Site::rot_q(layer), ops::rotate(&q, table)?)?;
                (q, tap.at(Site::rot_k(layer), ops::rotate(&k, table)?)?)
            }
            None => (q, k),
        };
        let scores = ops::attention_scores(&q, &k, self.scale, true)?; // [batch, head, query, key]
        let scores = tap.at(Site::attn_scores(layer), scores)?;
        let pattern = tap.at(Site::pattern(layer), ops::softmax(&scores)?)?;
        let z = tap.at(Site::z(layer), ops::mix_values(&pattern, &v)?)?; // [batch, pos, head, d_head]
        self.output(&z, layer, tap)
    }

    /// `z` through the output matrix. Each head's own contribution is worked out only when somebody asks for it.
    fn output(&self, z: &Tensor, layer: usize, tap: &mut Tap) -> Result<Tensor> {
        let site = Site::result(layer);
        let results = tap.wants(site).then(|| tap.at(site, self.head_results(z)?)).transpose()?;
        match results.filter(|_| tap.acts_on(site)) {
            None => self.o.forward(&z.flatten_from(D::Minus2)?),
            Some(results) => {
                let sum = results.sum(2)?;
                Ok(self.o.bias.as_ref().map_or(Ok(sum.clone()), |bias| sum.broadcast_add(bias))?)
            }
        }
    }

    /// What each head writes to the residual stream.
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

/// What the three projections read: the normed residual stream, shared by all heads unless somebody changes or
/// differentiates a single head's copy.
struct Input<'a> {
    resid: &'a Tensor,
    norm: &'a Norm,
    /// `[batch, pos, d_model]`
    normed: Tensor,
    /// `[batch, pos, head, d_model]`, there when `attn_in` is acted on.
    copies: Option<Tensor>,
}

impl<'a> Input<'a> {
    fn new(resid: &'a Tensor, norm: &'a Norm, layer: usize, n_heads: usize, tap: &mut Tap) -> Result<Self> {
        let site = Site::attn_in(layer);
        let acted_on = tap.acts_on(site);
        let copies = tap.wants(site).then(|| tap.at(site, per_head(resid, n_heads)?)).transpose()?;
        let normed = norm.forward(resid, tap, Site::ln1_scale(layer), Site::ln1_normalized(layer))?;
        Ok(Self { resid, norm, normed, copies: copies.filter(|_| acted_on) })
    }
}

/// One copy of the residual stream for every head.
fn per_head(resid: &Tensor, heads: usize) -> Result<Tensor> {
    let (batch, pos, d_model) = resid.dims3()?;
    Ok(resid.unsqueeze(2)?.broadcast_as((batch, pos, heads, d_model))?.contiguous()?)
}

/// A projection split into heads, with the hooks before and after it.
fn tap_heads(linear: &Linear, input: &Input, heads: usize, before: Site, after: Site, tap: &mut Tap) -> Result<Tensor> {
    let own_copies = tap.acts_on(before) || input.copies.is_some();
    let copies = match tap.wants(before) || own_copies {
        true => {
            let copies = input.copies.clone().map_or_else(|| per_head(input.resid, heads), Ok)?;
            Some(tap.at(before, copies)?).filter(|_| own_copies)
        }
        false => None,
    };
    let out = match copies {
        Some(copies) => project_copies(linear, &input.norm.apply(&copies)?, heads)?,
        None => {
            let out = linear.forward(&input.normed)?;
            let (batch, pos, width) = out.dims3()?;
            out.reshape((batch, pos, heads, width / heads))?
        }
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
