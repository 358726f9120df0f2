//! The forward pass, as it is drawn on a whiteboard.

use super::{Config, Position, attention::Attention, linear::Linear, mlp::Mlp, norm::Norm, tap::Tap};
use crate::{Result, hook::Site, ops::RotaryTable};
use candle_core::Tensor;

/// The parts of a decoder, ready to run.
#[derive(Clone, Debug)]
pub(crate) struct Transformer {
    /// `[d_vocab, d_model]`
    pub(crate) embed: Tensor,
    /// `[n_ctx, d_model]`
    pub(crate) pos_embed: Option<Tensor>,
    pub(crate) blocks: Vec<Block>,
    pub(crate) ln_final: Norm,
    /// `[d_model, d_vocab]`
    pub(crate) unembed: Linear,
}

/// One layer: attention, then perhaps an MLP, each reading a normed copy of the residual stream and adding to it.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) ln1: Norm,
    pub(crate) attention: Attention,
    pub(crate) mlp: Option<(Norm, Mlp)>,
}

fn size(tensor: &Option<Tensor>) -> usize {
    tensor.as_ref().map_or(0, Tensor::elem_count)
}

impl Block {
    fn forward(&self, resid: Tensor, rotary: Option<&RotaryTable>, layer: usize, tap: &mut Tap) -> Result<Tensor> {
        let resid_pre = tap.at(Site::resid_pre(layer), resid)?;
        let attn_out = self.attention.forward(&resid_pre, &self.ln1, rotary, layer, tap)?;
        let attn_out = tap.at(Site::attn_out(layer), attn_out)?;
        let resid = (resid_pre + attn_out)?;
        let Some((ln2, mlp)) = &self.mlp else { return tap.at(Site::resid_post(layer), resid) };
        let resid_mid = tap.at(Site::resid_mid(layer), resid)?;
        let mlp_in = match tap.wants(Site::mlp_in(layer)) {
            true => tap.at(Site::mlp_in(layer), resid_mid.clone())?,
            false => resid_mid.clone(),
        };
        let normed = ln2.forward(&mlp_in, tap, Site::ln2_scale(layer), Site::ln2_normalized(layer))?;
        let mlp_out = mlp.forward(&normed, layer, tap)?;
        let mlp_out = tap.at(Site::mlp_out(layer), mlp_out)?;
        tap.at(Site::resid_post(layer), (resid_mid + mlp_out)?)
    }
}

impl Transformer {
    /// How many numbers the parts hold; the unembedding's are left out when it is the embedding turned.
    pub(crate) fn n_parameters(&self, tied: bool) -> usize {
        let linear = |l: &Linear| l.weight.elem_count() + size(&l.bias);
        let norm = |n: &Norm| size(&n.weight) + size(&n.bias);
        let block = |block: &Block| {
            let Attention { q, k, v, o, .. } = &block.attention;
            let attention: usize = [q, k, v, o].map(linear).iter().sum();
            let mlp = block.mlp.as_ref().map_or(0, |(ln2, mlp)| {
                norm(ln2) + linear(&mlp.input) + linear(&mlp.output) + mlp.gate.as_ref().map_or(0, linear)
            });
            norm(&block.ln1) + attention + mlp
        };
        let unembed = if tied { 0 } else { linear(&self.unembed) };
        let blocks: usize = self.blocks.iter().map(block).sum();
        self.embed.elem_count() + size(&self.pos_embed) + blocks + norm(&self.ln_final) + unembed
    }

    /// The residual stream entering block `stop_at` (or leaving the last block).
    ///
    /// # Shapes
    /// `tokens`: `[batch, pos]`, result: `[batch, pos, d_model]`.
    pub(crate) fn residual(&self, config: &Config, tokens: &Tensor, stop_at: usize, tap: &mut Tap) -> Result<Tensor> {
        let (batch, pos) = tokens.dims2()?;
        let tokens = tap.at(Site::tokens(), tokens.clone())?;
        let embed = self.embed.index_select(&tokens.flatten_all()?, 0)?.reshape((batch, pos, config.d_model))?;
        let mut resid = tap.at(Site::embed(), embed)?;
        if let Some(pos_embed) = &self.pos_embed {
            let pos_embed = pos_embed.narrow(0, 0, pos)?.unsqueeze(0)?.repeat((batch, 1, 1))?;
            resid = (resid + tap.at(Site::pos_embed(), pos_embed)?)?;
        }
        let rotary = match &config.position {
            Position::Rotary(rotary) => Some(RotaryTable::new(&rotary.frequencies, pos, rotary.adjacent)),
            Position::Learned => None,
        };
        for (layer, block) in self.blocks.iter().enumerate().take(stop_at) {
            resid = block.forward(resid, rotary.as_ref(), layer, tap)?;
        }
        Ok(resid)
    }

    /// The logits at every position of a residual stream.
    ///
    /// # Shapes
    /// `[batch, pos, d_model]` to `[batch, pos, d_vocab]`.
    pub(crate) fn logits(&self, resid: &Tensor, positions: Option<&Tensor>, tap: &mut Tap) -> Result<Tensor> {
        let normed = self.ln_final.forward(resid, tap, Site::ln_final_scale(), Site::ln_final_normalized())?;
        let normed = tap.at(Site::unembed_in(), normed)?;
        let normed = match positions {
            Some(positions) => normed.index_select(positions, 1)?,
            None => normed,
        };
        tap.at(Site::unembed_out(), self.unembed.forward(&normed)?)
    }
}
