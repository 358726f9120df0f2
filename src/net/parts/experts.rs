//! [`Mixture`]: a mixture of experts in place of an MLP (Shazeer et al. 2017, <https://arxiv.org/abs/1701.06538>; Mixtral:
//! Jiang et al. 2024, <https://arxiv.org/abs/2401.04088>).

use super::{Linear, Mlp, embed::checked};
use crate::{
    Result,
    index::Counted,
    net::{Here, Tap},
    ops,
    order::top_k,
    site::{Point, Site},
    tensor::{from_values, vector},
};
use candle_core::{D, Tensor};

/// Several MLPs. Each token passes a few of them (Shazeer et al. 2017; computed as in Mixtral).
#[derive(Clone, Debug)]
pub(crate) struct Mixture {
    /// `[d_model, expert]`
    pub(crate) router: Linear,
    pub(crate) experts: Vec<Mlp>,
    pub(crate) per_token: usize,
    /// Whether the weights of the chosen experts are normalized to sum to 1.
    pub(crate) normalized: bool,
}

impl Mixture {
    /// # Shapes
    /// `[batch, pos, d_model]` in and out.
    pub(crate) fn forward(&self, x: &Tensor, here: Here, tap: &mut Tap) -> Result<Tensor> {
        let shape = x.shape();
        let x = x.flatten_to(D::Minus2)?; // [token, d_model]
        let weights = tap.at(here.site(Point::ExpertWeights), ops::softmax(&self.router.forward(&x)?)?)?;
        let chosen = tap.at(here.site(Point::ExpertIndices), self.choose(&weights)?)?;
        let chosen = checked(here.site(Point::ExpertIndices), &chosen, Counted::experts(self.experts.len()))?;
        let mut weights = weights.gather(&chosen, 1)?;
        if self.normalized {
            weights = weights.broadcast_div(&weights.sum_keepdim(1)?)?;
        }
        let weights = weights.flatten_all()?;
        let chosen: Vec<u32> = chosen.flatten_all()?.to_vec1()?;
        let mut sum = x.zeros_like()?;
        for (index, expert) in self.experts.iter().enumerate() {
            // Where this expert was chosen, as places in the flattened list of choices.
            let places = chosen.iter().enumerate().filter(|(_, one)| **one as usize == index);
            let places: Vec<u32> = places.map(|(place, _)| place as u32).collect();
            let tokens: Vec<u32> = places.iter().map(|place| place / self.per_token as u32).collect();
            let tokens = vector(tokens)?;
            let weight = weights.index_select(&vector(places)?, 0)?.unsqueeze(1)?;
            let sites = |point| Site::in_block(here.stack, here.layer, point).of(index);
            let out = expert_forward(expert, &x.index_select(&tokens, 0)?, sites, tap)?;
            sum = sum.index_add(&tokens, &out.broadcast_mul(&weight)?, 0)?;
        }
        Ok(sum.reshape(shape)?)
    }

    /// The experts with the largest weights for each token, largest first.
    ///
    /// # Shapes
    /// `[batch * pos, expert]` to `[batch * pos, chosen]`, unsigned 32-bit.
    fn choose(&self, weights: &Tensor) -> Result<Tensor> {
        let rows = weights.to_vec2::<f32>()?;
        let chosen: Vec<u32> =
            rows.iter().flat_map(|row| top_k(row, self.per_token)).map(|expert| expert as u32).collect();
        Ok(from_values(chosen, (rows.len(), self.per_token))?)
    }
}

/// One expert on the tokens sent to it. TransformerLens hooks the gate as `hook_gate`, the linear branch as `hook_pre`.
fn expert_forward(mlp: &Mlp, x: &Tensor, site: impl Fn(Point) -> Site, tap: &mut Tap) -> Result<Tensor> {
    let pre = tap.at(site(Point::ExpertPre), mlp.input.forward(x)?)?;
    let post = match &mlp.gate {
        Some(gate) => (mlp.act_fn.apply(&tap.at(site(Point::ExpertGate), gate.forward(x)?)?)? * pre)?,
        None => mlp.act_fn.apply(&pre)?,
    };
    mlp.output.forward(&tap.at(site(Point::ExpertPost), post)?)
}
