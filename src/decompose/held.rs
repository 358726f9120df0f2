//! Carries the parts of a stream through the norms that act on the stream itself (BERT).
//!
//! A norm whose scale is held at its value in the run is linear: it subtracts the mean of a part (LayerNorm), divides
//! by the scale, and multiplies by the weight. Its bias belongs to no part. See
//! [`Run::decompose`](crate::model::Run::decompose).

use super::{Part, ResidStack};
use crate::{
    Result,
    hook::{Point, Site},
    net::{
        Here,
        parts::{Block, Linear, Norm},
    },
    ops,
};
use candle_core::Tensor;

/// Labels and parts as they come.
#[derive(Default)]
pub(super) struct Growing {
    pub(super) labels: Vec<String>,
    pub(super) parts: Vec<Part>,
    /// What the biases on the stream itself have added: `[batch, pos, d_model]`.
    bias: Option<Tensor>,
}

impl Growing {
    pub(super) fn label(&mut self, label: &str) {
        self.labels.push(label.into());
    }

    pub(super) fn push(&mut self, label: &str, part: Part) {
        self.label(label);
        self.parts.push(part);
    }

    /// Carries everything through a norm on the stream.
    pub(super) fn through(&mut self, norm: &Norm, scale: impl FnOnce(&Norm) -> Result<Tensor>) -> Result<()> {
        if norm.is_none() {
            return Ok(());
        }
        let scale = scale(norm)?;
        for part in &mut self.parts {
            *part = part.held(norm, &scale)?;
        }
        let carried = self.bias.take().map(|bias| norm.held(&bias, &scale)).transpose()?;
        self.bias = with_bias(carried, norm.bias.as_ref(), &scale)?;
        Ok(())
    }

    /// Carries everything through the layer that brings narrow embeddings to the stream's width (ALBERT).
    pub(super) fn widened(&mut self, widen: &Linear) -> Result<()> {
        for part in &mut self.parts {
            *part = Part::Vectors(ops::linear(&part.vectors()?, &widen.weight, None)?);
        }
        let carried = self.bias.take().map(|bias| ops::linear(&bias, &widen.weight, None)).transpose()?;
        let Some(like) = self.parts.first().map(Part::sum).transpose()? else { return Ok(()) };
        self.bias = with_bias(carried, widen.bias.as_ref(), &like)?;
        Ok(())
    }

    /// Labels and parts, with what biases on the stream have added as the last, where there are any.
    pub(super) fn with_bias(mut self) -> Result<(Vec<String>, Vec<Part>)> {
        if let Some(bias) = self.bias.take() {
            self.push("bias", Part::one(&bias)?);
        }
        Ok((self.labels, self.parts))
    }
}

/// What biases have added, with one more; `like` has its texts and positions.
fn with_bias(sum: Option<Tensor>, bias: Option<&Tensor>, like: &Tensor) -> Result<Option<Tensor>> {
    let Some(bias) = bias else { return Ok(sum) };
    let (batch, pos, _) = like.dims3()?;
    Ok(Some(match sum {
        Some(sum) => sum.broadcast_add(bias)?,
        None => bias.broadcast_as((batch, pos, bias.dim(0)?))?.contiguous()?,
    }))
}

impl Part {
    /// What a norm with this scale makes of the part, its bias aside.
    ///
    /// # Shapes
    /// `scale`: `[batch, pos, one]`
    pub(super) fn held(&self, norm: &Norm, scale: &Tensor) -> Result<Self> {
        Ok(match self {
            Self::Vectors(vectors) => Self::Vectors(norm.held(vectors, &scale.unsqueeze(0)?)?),
            Self::Neurons { post, w_out } => {
                let centred = norm.centred(w_out)?;
                let w_out = norm.weight.as_ref().map_or(Ok(centred.clone()), |weight| centred.broadcast_mul(weight))?;
                Self::Neurons { post: post.broadcast_div(scale)?, w_out }
            }
        })
    }

    /// What a block adds to the stream of the part.
    pub(super) fn scaled(self, block: &Block) -> Result<Self> {
        Ok(match self {
            Self::Vectors(vectors) => Self::Vectors(block.scaled(vectors)?),
            Self::Neurons { post, w_out } => Self::Neurons { post, w_out: block.scaled(w_out)? },
        })
    }
}

impl ResidStack {
    /// The parts as they arrive at the end of the stream, through the norms on it that come after their site, and what
    /// the biases of those norms add, `[batch, pos, d_model]`. Streams that are read where they are stay as they are.
    pub(super) fn at_end(&self) -> Result<(Self, Option<Tensor>)> {
        let mut carried = Growing { parts: self.parts.clone(), ..Growing::default() };
        if !self.whole && !self.recompute_ln {
            for (norm, scale) in norms_behind(&self.model.transformer().stack(self.site.stack()).blocks, self.site) {
                carried.through(norm, |_| self.at_positions(scale))?;
            }
        }
        Ok((Self { parts: carried.parts, ..self.clone() }, carried.bias))
    }
}

/// The norms on the stream that come after a place of it, each with the site of its scale.
fn norms_behind(blocks: &[Block], site: Site) -> impl Iterator<Item = (&Norm, Site)> {
    let from = site.layer().unwrap_or(0);
    blocks.iter().enumerate().skip(from).flat_map(move |(layer, block)| {
        let passed = match site.point() {
            _ if layer > from => 0,
            Point::ResidPost => 1,
            Point::NormalizedResidPost => 2,
            _ => 0,
        };
        let here = Here::new(site.stack(), layer);
        let norms = [&block.ln_mid, &block.ln_end].into_iter().skip(passed).filter(|norm| !norm.is_none());
        norms.map(move |norm| (norm, here.site(norm.points[0])))
    })
}
