//! How a norm and the unembedding read the stream.

use crate::{
    Result,
    error::RunError,
    hook::{Point, Site},
    model::{Model, Normalization},
    net::parts::{Block, Norm},
    ops,
};
use candle_core::{Device, Tensor};

/// A norm, as what reads the stream behind it sees it: linear once its scale is held.
pub(crate) struct Reader {
    pub(crate) centred: bool,
    pub(crate) eps: f64,
    /// Where a run has its scale; `None` where there is no norm.
    pub(crate) scale: Option<Site>,
    /// `[d_model]`
    pub(super) weight: Option<Tensor>,
    /// `[d_model]`
    pub(super) bias: Option<Tensor>,
}

impl Reader {
    /// The norm in front of what reads the stream at `site`.
    pub(crate) fn at(model: &Model, site: Site) -> Result<Self> {
        model.config().check(site)?;
        let (blocks, readout) = (&model.transformer().last, &model.transformer().readout);
        if site.layer().is_some() && site.stack() != blocks.stack {
            return Err(RunError::EncoderStream { site: site.to_string() }.into());
        }
        let block = site.layer().and_then(|layer| blocks.blocks.get(layer));
        let norm: &Norm = match (block, site.point()) {
            (Some(Block { cross: Some(cross), .. }), Point::ResidMid) => &cross.ln,
            (Some(block), Point::ResidMid | Point::MlpIn) if !block.ln_mid.is_none() => &block.ln_mid,
            (Some(block), Point::ResidMid | Point::ResidMidCross | Point::MlpIn | Point::MlpPre) => &block.ln2,
            (Some(block), _) => &block.ln1,
            (None, _) => &readout.ln_final,
        };
        let scale = match norm.points[0] {
            point if point.is_once() => Site::once(point),
            point => Site::in_block(site.stack(), site.layer().unwrap_or(0), point),
        };
        let centred = norm.kind == Normalization::LayerNorm;
        let scale = (!norm.is_none()).then_some(scale);
        Ok(Self { centred, eps: norm.eps, scale, weight: norm.weight.clone(), bias: norm.bias.clone() })
    }

    /// The direction in the stream, before the norm's centring and scale, whose projection over the scale is the logit
    /// of each answer (less that of `wrong`), and what is left: the constant that biases add.
    ///
    /// # Shapes
    /// `[batch, d_model]`, `[batch]`
    pub(crate) fn logit_direction(
        &self,
        model: &Model,
        answer: &[u32],
        wrong: Option<&[u32]>,
    ) -> Result<(Tensor, Vec<f32>)> {
        let (config, readout) = (model.config(), &model.transformer().readout);
        let Some(unembed) = &readout.unembed else {
            return Err(RunError::NoUnembed { family: config.family.clone() }.into());
        };
        if readout.mlm.is_some() {
            return Err(RunError::NotLinear { family: config.family.clone() }.into());
        }
        let columns = |ids: &[u32]| -> Result<(Tensor, Option<Tensor>)> {
            let index = Tensor::new(ids, &Device::Cpu)?;
            let directions = unembed.weight.t()?.contiguous_rows(&index)?; // [batch, d_model]
            let bias = unembed.bias.as_ref().map(|bias| bias.index_select(&index, 0)).transpose()?;
            Ok((directions, bias))
        };
        let (mut direction, mut bias) = columns(answer)?;
        if let Some(wrong) = wrong {
            let (away, away_bias) = columns(wrong)?;
            direction = (direction - away)?;
            bias = bias.zip(away_bias).map(|(bias, away)| bias - away).transpose()?;
        }
        let direction = (direction * (config.unembed_scale * config.logit_scale))?;
        let batch = answer.len();
        let mut constant = match bias {
            Some(bias) => (bias * config.logit_scale)?,
            None => Tensor::zeros(batch, candle_core::DType::F32, &Device::Cpu)?,
        };
        if let Some(bias) = &self.bias {
            constant = (constant + ops::linear(&direction, &bias.unsqueeze(1)?, None)?.squeeze(1)?)?;
        }
        let mut read = match &self.weight {
            Some(weight) => direction.broadcast_mul(weight)?,
            None => direction,
        };
        if self.centred {
            // (x - mean(x)) . r = x . (r - mean(r))
            read = read.broadcast_sub(&read.mean_keepdim(1)?)?;
        }
        Ok((read, constant.to_vec1()?))
    }
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
