//! [`Readout`]: from the last residual stream to logits, and the heads of encoders.

use super::{Linear, Norm};
use crate::{
    Result,
    config::Config,
    net::{Here, Tap},
    ops::Activation,
    site::Point,
    text::Tokens,
};
use candle_core::Tensor;

/// The parts that read the last residual stream.
#[derive(Clone, Debug)]
pub(crate) struct Readout {
    pub(crate) ln_final: Norm,
    pub(crate) mlm: Option<MlmHead>,
    /// `[d_model, d_vocab]`
    pub(crate) unembed: Option<Linear>,
    /// `[d_model, d_model]`
    pub(crate) pooler: Option<Linear>,
    /// `[d_model, class]`
    pub(crate) nsp: Option<Linear>,
}

/// The layer between a masked language model's residual stream and its unembedding.
#[derive(Clone, Debug)]
pub(crate) struct MlmHead {
    /// `[d_model, d_embed]`
    pub(crate) dense: Linear,
    pub(crate) act_fn: Activation,
    pub(crate) norm: Norm,
}

impl Readout {
    /// The readout of a decoder: a norm and the unembedding.
    pub(crate) fn new(ln_final: Norm, unembed: Linear) -> Self {
        Self { ln_final, mlm: None, unembed: Some(unembed), pooler: None, nsp: None }
    }

    /// The input of the unembedding.
    ///
    /// # Shapes
    /// `[.., d_model]` in and out.
    fn before_unembed(&self, config: &Config, resid: &Tensor, tap: &mut Tap) -> Result<Tensor> {
        let here = Here::default();
        let mut x = self.ln_final.forward(resid, here, tap)?;
        if config.unembed_scale != 1.0 {
            x = (x * config.unembed_scale)?;
        }
        let Some(head) = &self.mlm else { return Ok(x) };
        head.norm.forward(&head.act_fn.apply(&head.dense.forward(&x)?)?, here, tap)
    }

    /// The logits of a residual stream, at all or some positions; `None` if the model has no unembedding.
    ///
    /// # Shapes
    /// `[batch, pos, d_model]` to `[batch, pos, d_vocab]`; `positions`: equally many indices for each text.
    pub(crate) fn logits(
        &self,
        config: &Config,
        resid: &Tensor,
        positions: Option<&[Vec<u32>]>,
        tap: &mut Tap,
    ) -> Result<Option<Tensor>> {
        let Some(unembed) = &self.unembed else { return Ok(None) };
        let read = self.before_unembed(config, resid, tap)?;
        let read = tap.at(Here::default().site(Point::UnembedIn), read)?;
        let read = match positions {
            Some(positions) => at_positions(&read, positions)?,
            None => read,
        };
        let written = tap.at(Here::default().site(Point::UnembedOut), unembed.forward(&read)?)?;
        finish(config, written).map(Some)
    }

    /// As [`Readout::logits`], without hooks and with any leading axes.
    pub(crate) fn read(&self, config: &Config, resid: &Tensor) -> Result<Option<Tensor>> {
        let Some(unembed) = &self.unembed else { return Ok(None) };
        finish(config, unembed.forward(&self.before_unembed(config, resid, &mut Tap::idle())?)?).map(Some)
    }

    /// The logit of one token for each stream; the others are not computed.
    ///
    /// # Shapes
    /// `resid`: `[row, d_model]`, `ids`: `[row]`; result: `[row]`, or `None` if the model has no unembedding.
    pub(crate) fn logits_of(&self, config: &Config, resid: &Tensor, ids: &[u32]) -> Result<Option<Vec<f32>>> {
        let Some(unembed) = &self.unembed else { return Ok(None) };
        let read = self.before_unembed(config, resid, &mut Tap::idle())?;
        let column = |id: &u32| unembed.weight.narrow(1, *id as usize, 1)?.squeeze(1)?.contiguous();
        let columns = ids.iter().map(column).collect::<candle_core::Result<Vec<_>>>()?;
        let mut logits = (read * Tensor::stack(&columns, 0)?)?.sum(1)?;
        if let Some(bias) = &unembed.bias {
            logits = (logits + bias.index_select(&Tensor::new(ids, bias.device())?, 0)?)?;
        }
        Ok(Some(finish(config, logits)?.to_vec1()?))
    }

    /// The pooler's output for each text's first token, if the model has a pooler.
    ///
    /// # Shapes
    /// `[batch, pos, d_model]` to `[batch, d_model]`.
    pub(crate) fn pooled(&self, resid: &Tensor, tokens: &Tokens, tap: &mut Tap) -> Result<Option<Tensor>> {
        let Some(pooler) = &self.pooler else { return Ok(None) };
        let firsts = (0..tokens.batch()).map(|text| vec![tokens.real(text).start as u32]).collect::<Vec<_>>();
        let pooled = pooler.forward(&at_positions(resid, &firsts)?.squeeze(1)?)?.tanh()?;
        tap.at(Here::default().site(Point::PoolerOut), pooled).map(Some)
    }

    /// The scores of next-sentence prediction, if the model has such a head: "the second sentence follows the first",
    /// and "it does not".
    ///
    /// # Shapes
    /// `[batch, d_model]` to `[batch, class]`.
    pub(crate) fn next_sentence(&self, pooled: &Tensor, tap: &mut Tap) -> Result<Option<Tensor>> {
        let Some(nsp) = &self.nsp else { return Ok(None) };
        tap.at(Here::default().site(Point::NspOut), nsp.forward(pooled)?).map(Some)
    }
}

/// # Shapes
/// `[batch, pos, d_model]` to `[batch, chosen, d_model]`.
fn at_positions(x: &Tensor, positions: &[Vec<u32>]) -> Result<Tensor> {
    let (batch, pos, width) = x.dims3()?;
    let row = |(text, row): (usize, &Vec<u32>)| row.iter().map(|at| (text * pos) as u32 + at).collect::<Vec<_>>();
    let rows = positions.iter().enumerate().flat_map(row).collect::<Vec<_>>();
    let chosen = x.reshape((batch * pos, width))?.index_select(&Tensor::new(rows, x.device())?, 0)?;
    Ok(chosen.reshape((batch, (), width))?)
}

/// Applies the scale and the soft cap of the logits, in models that have them.
fn finish(config: &Config, mut logits: Tensor) -> Result<Tensor> {
    if config.logit_scale != 1.0 {
        logits = (logits * config.logit_scale)?;
    }
    match config.output_logits_soft_cap {
        Some(cap) => Ok(((logits / cap)?.tanh()? * cap)?),
        None => Ok(logits),
    }
}
