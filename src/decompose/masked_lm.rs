//! Direct logit attribution through the head of a masked language model: a dense layer, a nonlinearity, a norm, and the
//! unembedding.
//!
//! The head is linear if two things are held at their values in the run: the scale of the norm, and the gate `g(u)` of
//! the nonlinearity, `f(u) = u g(u)`. The contribution of a part to a logit is then its projection onto a direction,
//! which differs from position to position.

use super::{
    LogitAttribution, Part, ResidStack,
    direction::{Reader, columns},
};
use crate::{
    Result,
    net::{Here, parts::MlmHead},
    ops::{self, Activation},
};
use candle_core::{D, Tensor};

impl ResidStack {
    /// What each vector adds to the logit of each answer (less that of `wrong`) through the final norm and the head.
    pub(super) fn attrs_through(
        &self,
        head: &MlmHead,
        ln_final: &Reader,
        answer: &[u32],
        wrong: Option<&[u32]>,
    ) -> Result<LogitAttribution> {
        let norm = Reader::of(&head.norm, Here::default());
        let logit_scale = self.model.config().logit_scale;
        let (direction, bias) = columns(&self.model, answer, wrong)?;
        let (read, of_bias) = norm.behind((direction * logit_scale)?)?; // [batch, d_embed]
        let constant = (bias * logit_scale)?;
        let constant = of_bias.map_or(Ok(constant.clone()), |of_bias| constant + of_bias)?;
        if self.recompute_ln {
            let values =
                self.parts.iter().map(|part| self.anew(part, head, &norm, &read)).collect::<Result<Vec<_>>>()?;
            return self.read(values, None, &constant);
        }
        let (direction, of_bias) = self.held_direction(head, &norm, ln_final, &read)?;
        let along = |part: &Part| -> Result<Tensor> {
            let projected = part.project_each(&direction)?;
            match self.scale(ln_final, part)? {
                Some(scale) => Ok(projected.broadcast_div(&scale.squeeze(3)?)?),
                None => Ok(projected),
            }
        };
        let (at_end, bias) = self.at_end()?;
        let mut values = at_end.parts.iter().map(along).collect::<Result<Vec<_>>>()?;
        let of_biases = match bias {
            Some(bias) => along(&Part::one(&bias)?)?.broadcast_add(&of_bias)?,
            None => of_bias,
        };
        if !self.whole {
            return self.read(values, Some(of_biases), &constant);
        }
        for value in &mut values {
            *value = value.broadcast_add(&of_biases)?;
        }
        self.read(values, None, &constant)
    }

    /// The direction in what the final norm reads, before it is centred and divided by its scale, whose projection is a
    /// logit with everything held; and what the biases of final norm and dense layer add.
    ///
    /// # Shapes
    /// `read`: `[batch, d_embed]`; results: `[batch, pos, d_model]` and `[one, batch, pos]`.
    fn held_direction(
        &self,
        head: &MlmHead,
        norm: &Reader,
        ln_final: &Reader,
        read: &Tensor,
    ) -> Result<(Tensor, Tensor)> {
        let (config, readout) = (self.model.config(), &self.model.transformer().readout);
        let end = config.streams().last().copied().unwrap_or(self.site);
        let normed = (readout.ln_final.apply(&self.at_positions(end)?)? * config.unembed_scale)?;
        let gate = gate(head.act_fn, &head.dense.forward(&normed)?)?; // [batch, pos, d_embed]
        let mut at_dense = gate.broadcast_mul(&read.unsqueeze(1)?)?;
        if let Some(scale) = norm.scale {
            at_dense = at_dense.broadcast_div(&self.at_positions(scale)?)?;
        }
        let mut of_biases = match &head.dense.bias {
            Some(bias) => at_dense.broadcast_mul(bias)?.sum(D::Minus1)?,
            None => at_dense.zeros_like()?.sum(D::Minus1)?,
        };
        let direction = (ops::linear(&at_dense, &head.dense.weight.t()?, None)? * config.unembed_scale)?;
        let (direction, of_ln_final) = ln_final.behind(direction)?;
        if let Some(of_ln_final) = of_ln_final {
            of_biases = (of_biases + of_ln_final)?;
        }
        Ok((direction, of_biases.unsqueeze(0)?))
    }

    /// What the head itself makes of each vector, with that vector's own gate and scale.
    ///
    /// # Shapes
    /// `read`: `[batch, d_embed]`; result: `[component, batch, pos]`.
    fn anew(&self, part: &Part, head: &MlmHead, norm: &Reader, read: &Tensor) -> Result<Tensor> {
        let (config, readout) = (self.model.config(), &self.model.transformer().readout);
        let normed = (readout.ln_final.apply(&part.vectors()?)? * config.unembed_scale)?;
        let hidden = head.act_fn.apply(&head.dense.forward(&normed)?)?;
        let projected = Part::Vectors(hidden.clone()).project(read)?;
        Ok(match norm.scale {
            Some(_) => projected.div(&ops::norm_scale(&hidden, norm.centred, norm.eps)?.squeeze(D::Minus1)?)?,
            None => projected,
        })
    }
}

/// `f(u) / u`: what a nonlinearity multiplies its input by. Where that is 0, the limit.
fn gate(act_fn: Activation, u: &Tensor) -> Result<Tensor> {
    let zero = u.eq(0f32)?.to_dtype(u.dtype())?;
    let beside = (u + (zero * 1e-6)?)?;
    Ok((act_fn.apply(&beside)? / beside)?)
}
