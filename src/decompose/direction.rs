//! How a norm and the unembedding read the stream.

use crate::{
    Result,
    error::RunError,
    hook::{Point, Site, Stack},
    model::{Model, Normalization},
    net::{
        Here,
        parts::{Block, Norm},
        transformer::StackParts,
    },
    ops,
    tensor::{vector, zeros},
};
use candle_core::{D, Tensor};

/// A norm as the parts after it see it: linear once its scale is held.
pub(crate) struct Reader {
    /// The stack whose stream it reads.
    pub(super) stack: Stack,
    pub(crate) centred: bool,
    pub(crate) eps: f64,
    /// The site of its scale; `None` if there is no norm.
    pub(crate) scale: Option<Site>,
    /// `[d_model]`
    pub(super) weight: Option<Tensor>,
    /// `[d_model]`
    pub(super) bias: Option<Tensor>,
}

impl Reader {
    /// The norm that reads the stream at `site`.
    pub(crate) fn at(model: &Model, site: Site) -> Result<Self> {
        let (config, transformer) = (model.config(), model.transformer());
        let site = config.site(site)?;
        config.check(site)?;
        let block = site.layer().and_then(|layer| transformer.stack(site.stack()).blocks.get(layer));
        let norm: &Norm = match (block, site.point(), &transformer.encoder) {
            (Some(Block { cross: Some(cross), .. }), Point::ResidMid | Point::CrossAttnIn, _) => &cross.ln,
            (Some(block), Point::ResidMid | Point::MlpIn, _) if !block.ln_mid.is_none() => &block.ln_mid,
            (Some(block), Point::ResidPost, _) if !block.ln_end.is_none() => &block.ln_end,
            (Some(block), Point::ResidMid | Point::ResidMidCross | Point::MlpIn | Point::MlpPre, _) => &block.ln2,
            (Some(block), ..) => &block.ln1,
            (
                None,
                Point::EncoderFinalLnScale | Point::EncoderFinalLnNormalized,
                Some(StackParts { norm: Some(norm), .. }),
            ) => norm,
            (None, ..) => &transformer.readout.ln_final,
        };
        let stack = match site.layer() {
            Some(_) => site.stack(),
            None if config.is_of_encoder(site) => Stack::Encoder,
            None => transformer.last.stack,
        };
        Ok(Self::of(norm, Here::new(stack, site.layer().unwrap_or(0))))
    }

    /// The reader for a norm at its place.
    pub(super) fn of(norm: &Norm, here: Here) -> Self {
        let centred = norm.kind == Normalization::LayerNorm;
        let scale = (!norm.is_none()).then(|| here.site(norm.points[0]));
        let (weight, bias) = (norm.weight.clone(), norm.bias.clone());
        Self { stack: here.stack, centred, eps: norm.eps, scale, weight, bias }
    }

    /// Carries a direction after the norm back to the norm's input, before centring and scale. Also returns the
    /// projection of the norm's bias on it.
    ///
    /// # Shapes
    /// `[.., d_model]` to `[.., d_model]` and `[..]`.
    pub(super) fn behind(&self, direction: Tensor) -> Result<(Tensor, Option<Tensor>)> {
        let along = |bias: &Tensor| ops::linear(&direction, &bias.unsqueeze(1)?, None)?.squeeze(D::Minus1);
        let of_bias = self.bias.as_ref().map(along).transpose()?;
        let mut read = match &self.weight {
            Some(weight) => direction.broadcast_mul(weight)?,
            None => direction,
        };
        if self.centred {
            // (x - mean(x)) . r = x . (r - mean(r))
            read = read.broadcast_sub(&read.mean_keepdim(D::Minus1)?)?;
        }
        Ok((read, of_bias))
    }

    /// The direction in the stream, before the norm's centring and scale, whose projection divided by the scale is the
    /// logit of each answer (minus that of `wrong`), and the constant of the biases.
    ///
    /// # Shapes
    /// `[batch, d_model]`, `[batch]`
    ///
    /// # Errors
    /// When the model has no unembedding.
    pub(crate) fn logit_direction(
        &self,
        model: &Model,
        answer: &[u32],
        wrong: Option<&[u32]>,
    ) -> Result<(Tensor, Tensor)> {
        let config = model.config();
        let (direction, bias) = columns(model, answer, wrong)?;
        let direction = (direction * (config.unembed_scale * config.logit_scale))?;
        let constant = (bias * config.logit_scale)?;
        let (read, of_bias) = self.behind(direction)?;
        Ok((read, of_bias.map_or(Ok(constant.clone()), |of_bias| constant + of_bias)?))
    }
}

/// The unembedding's columns of each answer, minus those of `wrong`, and its biases.
///
/// # Shapes
/// `[batch, d_embed]`, `[batch]`
pub(super) fn columns(model: &Model, answer: &[u32], wrong: Option<&[u32]>) -> Result<(Tensor, Tensor)> {
    let Some(unembed) = &model.transformer().readout.unembed else {
        return Err(RunError::NoUnembed { family: model.config().family.clone() }.into());
    };
    let of = |ids: &[u32]| -> Result<(Tensor, Tensor)> {
        let index = vector(ids.to_vec())?;
        let directions = unembed.weight.t()?.contiguous_rows(&index)?; // [batch, d_embed]
        let bias = match &unembed.bias {
            Some(bias) => bias.index_select(&index, 0)?,
            None => zeros(ids.len())?,
        };
        Ok((directions, bias))
    };
    let (direction, bias) = of(answer)?;
    let Some(wrong) = wrong else { return Ok((direction, bias)) };
    let (away, away_bias) = of(wrong)?;
    Ok(((direction - away)?, (bias - away_bias)?))
}

trait Rows {
    /// Some rows, without making the whole contiguous.
    fn contiguous_rows(&self, index: &Tensor) -> Result<Tensor>;
}

impl Rows for Tensor {
    fn contiguous_rows(&self, index: &Tensor) -> Result<Tensor> {
        let rows = index.to_vec1::<u32>()?.into_iter().map(|id| self.get(id as usize)?.contiguous());
        Ok(Tensor::stack(&rows.collect::<candle_core::Result<Vec<_>>>()?, 0)?)
    }
}
