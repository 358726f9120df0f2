//! [`Block`]: attention and an MLP around the residual stream, with the norms where each family puts them.

use super::{Attention, Feed, Norm};
use crate::{
    Result,
    net::{Frame, Here, Tap},
    ops,
    site::Point,
};
use candle_core::Tensor;

/// One layer: attention, cross attention if any, and an MLP if any, each added to the residual stream. A norm that a
/// family does not have is [`Norm::none`].
#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// On the input of attention.
    pub(crate) ln1: Norm,
    pub(crate) attention: Attention,
    /// On the output of attention.
    pub(crate) ln1_post: Norm,
    pub(crate) cross: Option<Cross>,
    /// On the sum of the stream and the output of attention (BERT).
    pub(crate) ln_mid: Norm,
    /// On the input of the MLP.
    pub(crate) ln2: Norm,
    pub(crate) mlp: Option<Feed>,
    /// On the output of the MLP.
    pub(crate) ln2_post: Norm,
    /// On the sum of the stream and the output of the MLP (BERT).
    pub(crate) ln_end: Norm,
    /// Whether attention and MLP read the same stream.
    pub(crate) parallel: bool,
    /// The factor of the outputs of attention and MLP.
    pub(crate) residual_scale: f64,
}

/// The cross attention of a decoder.
#[derive(Clone, Debug)]
pub(crate) struct Cross {
    pub(crate) ln: Norm,
    pub(crate) attention: Attention,
}

impl Block {
    /// A block with norms before attention and MLP, as in nearly all decoders.
    pub(crate) fn new(ln1: Norm, attention: Attention, mlp: Option<(Norm, Feed)>) -> Self {
        let (ln2, mlp) = mlp.map_or((Norm::none(), None), |(ln2, mlp)| (ln2, Some(mlp)));
        let none = Norm::none;
        Self {
            ln1,
            attention,
            ln1_post: none(),
            cross: None,
            ln_mid: none(),
            ln2,
            mlp,
            ln2_post: none(),
            ln_end: none(),
            parallel: false,
            residual_scale: 1.0,
        }
    }

    /// All norms, in the order of a forward pass.
    pub(crate) fn norms(&self) -> Vec<&Norm> {
        let Self { ln1, ln1_post, cross, ln_mid, ln2, ln2_post, ln_end, .. } = self;
        let across = cross.iter().map(|cross| &cross.ln);
        [ln1, ln1_post].into_iter().chain(across).chain([ln_mid, ln2, ln2_post, ln_end]).collect()
    }

    /// # Shapes
    /// `[batch, pos, d_model]` in and out.
    pub(crate) fn forward(&self, resid: Tensor, here: Here, frame: &mut Frame, tap: &mut Tap) -> Result<Tensor> {
        let resid_pre = tap.at(here.site(Point::ResidPre), resid)?;
        let attn_out = self.attention.forward(&resid_pre, &self.ln1, here, frame, tap)?;
        let attn_out = self.scaled(self.ln1_post.forward(&attn_out, here, tap)?)?;
        let attn_out = tap.at(here.site(Point::AttnOut), attn_out)?;
        let resid = ops::add(&resid_pre, &attn_out)?;
        let Some(mlp) = &self.mlp else { return tap.at(here.site(Point::ResidPost), resid) };
        // What is added to, and what the MLP is to read before its norm.
        let (resid, to_read) = match self.parallel {
            true => (resid, resid_pre),
            false => {
                let resid_mid = tap.at(here.site(Point::ResidMid), resid)?;
                let resid_mid = self.look_across(resid_mid, here, frame, tap)?;
                (resid_mid.clone(), resid_mid)
            }
        };
        let mlp_in = tap.copy_at(here.site(Point::MlpIn), to_read)?;
        let (resid, mlp_in) = match self.ln_mid.is_none() {
            true => (resid, mlp_in),
            false => {
                let normed = self.ln_mid.forward(&mlp_in, here, tap)?;
                (normed.clone(), normed)
            }
        };
        let mlp_out = self.feed(mlp, mlp_in, here, tap)?;
        let mlp_out = tap.at(here.site(Point::MlpOut), mlp_out)?;
        let resid_post = tap.at(here.site(Point::ResidPost), ops::add(&resid, &mlp_out)?)?;
        if self.ln_end.is_none() {
            return Ok(resid_post);
        }
        let normed = self.ln_end.forward(&resid_post, here, tap)?;
        tap.at(here.site(Point::NormalizedResidPost), normed)
    }

    /// Returns the stream after cross attention, or unchanged if there is none.
    fn look_across(&self, resid_mid: Tensor, here: Here, frame: &mut Frame, tap: &mut Tap) -> Result<Tensor> {
        let Some(cross) = &self.cross else { return Ok(resid_mid) };
        let read = tap.copy_at(here.site(Point::CrossAttnIn), resid_mid.clone())?;
        let out = cross.attention.forward(&read, &cross.ln, here.across(), frame, tap)?;
        let out = tap.at(here.site(Point::CrossAttnOut), out)?;
        tap.at(here.site(Point::ResidMidCross), (resid_mid + out)?)
    }

    /// The output of the MLP for its input.
    ///
    /// # Shapes
    /// `[batch, pos, d_model]` in and out.
    pub(crate) fn feed(&self, mlp: &Feed, mlp_in: Tensor, here: Here, tap: &mut Tap) -> Result<Tensor> {
        let mlp_out = mlp.forward(&self.ln2.forward(&mlp_in, here, tap)?, here, tap)?;
        self.scaled(self.ln2_post.forward(&mlp_out, here, tap)?)
    }

    /// The output of the MLP for the stream before any norm between attention and MLP, without hooks.
    ///
    /// # Shapes
    /// `[batch, pos, d_model]` in and out.
    pub(crate) fn feed_stream(&self, mlp: &Feed, stream: &Tensor, here: Here) -> Result<Tensor> {
        self.feed(mlp, self.ln_mid.apply(stream)?, here, &mut Tap::idle())
    }

    /// Scales the output of attention or MLP as it is added to the stream.
    pub(crate) fn scaled(&self, x: Tensor) -> Result<Tensor> {
        if self.residual_scale == 1.0 { Ok(x) } else { Ok((x * self.residual_scale)?) }
    }
}
