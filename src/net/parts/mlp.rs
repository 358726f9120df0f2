//! [`Mlp`] and [`Feed`]: the feed-forward part of a block, plain or gated (Shazeer 2020, <https://arxiv.org/abs/2002.05202>).

use super::{Linear, Mixture, Norm};
use crate::{
    Result,
    net::{Here, Tap},
    ops::Activation,
    site::Point,
};
use candle_core::Tensor;

/// The part of a block after attention.
#[derive(Clone, Debug)]
pub(crate) enum Feed {
    Mlp(Mlp),
    Mixture(Mixture),
}

/// An MLP of two layers, gated if it has a gate.
#[derive(Clone, Debug)]
pub(crate) struct Mlp {
    /// `[d_model, d_mlp]`
    pub(crate) input: Linear,
    /// `[d_model, d_mlp]`; its branch goes through the nonlinearity, and `input` multiplies it.
    pub(crate) gate: Option<Linear>,
    /// `[d_mlp, d_model]`
    pub(crate) output: Linear,
    pub(crate) act_fn: Activation,
    /// The norm of the neurons, in SoLU models.
    pub(crate) norm: Norm,
}

impl Feed {
    /// # Shapes
    /// `[batch, pos, d_model]` in and out.
    pub(crate) fn forward(&self, x: &Tensor, here: Here, tap: &mut Tap) -> Result<Tensor> {
        match self {
            Self::Mlp(mlp) => mlp.forward(x, here, tap),
            Self::Mixture(mixture) => mixture.forward(x, here, tap),
        }
    }
}

impl Mlp {
    pub(crate) fn new(input: Linear, gate: Option<Linear>, output: Linear, act_fn: Activation) -> Self {
        Self { input, gate, output, act_fn, norm: Norm::none() }
    }

    /// # Shapes
    /// `[batch, pos, d_model]` in and out.
    pub(crate) fn forward(&self, x: &Tensor, here: Here, tap: &mut Tap) -> Result<Tensor> {
        let into_activation = self.gate.as_ref().unwrap_or(&self.input);
        let pre = tap.at(here.site(Point::MlpPre), into_activation.forward(x)?)?;
        let mut post = self.act_fn.apply(&pre)?;
        if self.gate.is_some() {
            let linear = tap.at(here.site(Point::MlpPreLinear), self.input.forward(x)?)?;
            post = (post * linear)?;
        }
        if !self.norm.is_none() {
            let mid = tap.at(here.site(Point::MlpMid), post)?;
            post = self.norm.forward(&mid, here, tap)?;
        }
        let post = tap.at(here.site(Point::MlpPost), post)?;
        self.output.forward(&post)
    }
}
