//! [`Norm`]: LayerNorm (Ba et al. 2016, <https://arxiv.org/abs/1607.06450>) and RMSNorm (Zhang and Sennrich 2019,
//! <https://arxiv.org/abs/1910.07467>), with hooks on the scale and on the normalized stream.

use crate::{
    Result,
    config::Normalization,
    net::{Here, Tap},
    ops,
    site::Point,
};
use candle_core::{D, Tensor};

/// LayerNorm, RMSNorm or no norm, depending on its fields.
#[derive(Clone, Debug)]
pub(crate) struct Norm {
    pub(crate) kind: Normalization,
    /// `[d_model]`
    pub(crate) weight: Option<Tensor>,
    /// `[d_model]`
    pub(crate) bias: Option<Tensor>,
    pub(crate) eps: f64,
    /// The hooks of its scale and of its result without the weight.
    pub(crate) points: [Point; 2],
}

impl Norm {
    pub(crate) const LN1: [Point; 2] = [Point::Ln1Scale, Point::Ln1Normalized];
    pub(crate) const LN1_POST: [Point; 2] = [Point::Ln1PostScale, Point::Ln1PostNormalized];
    pub(crate) const LN2: [Point; 2] = [Point::Ln2Scale, Point::Ln2Normalized];
    pub(crate) const LN2_POST: [Point; 2] = [Point::Ln2PostScale, Point::Ln2PostNormalized];
    pub(crate) const LN3: [Point; 2] = [Point::Ln3Scale, Point::Ln3Normalized];
    pub(crate) const MLP: [Point; 2] = [Point::MlpLnScale, Point::MlpLnNormalized];
    pub(crate) const EMBED: [Point; 2] = [Point::EmbedLnScale, Point::EmbedLnNormalized];
    pub(crate) const FINAL: [Point; 2] = [Point::LnFinalScale, Point::LnFinalNormalized];
    pub(crate) const ENCODER_FINAL: [Point; 2] = [Point::EncoderFinalLnScale, Point::EncoderFinalLnNormalized];
    pub(crate) const DECODER_FINAL: [Point; 2] = [Point::DecoderFinalLnScale, Point::DecoderFinalLnNormalized];
    pub(crate) const MLM: [Point; 2] = [Point::MlmHeadScale, Point::MlmHeadNormalized];

    /// No norm: everything passes through unchanged, without hooks.
    pub(crate) fn none() -> Self {
        Self { kind: Normalization::None, weight: None, bias: None, eps: 0.0, points: Self::LN1 }
    }

    pub(crate) fn is_none(&self) -> bool {
        self.kind == Normalization::None
    }

    /// Its TransformerLens name, inside its block if it is in one: `ln1`, `ln_final`.
    pub(crate) fn name(&self) -> String {
        let [scale, _] = self.points;
        scale.row().name.trim_end_matches(".hook_scale").to_owned()
    }

    /// The same norm with other hooks.
    pub(crate) fn at(&self, points: [Point; 2]) -> Self {
        Self { points, ..self.clone() }
    }

    /// # Shapes
    /// `[.., d_model]` in and out.
    pub(crate) fn forward(&self, x: &Tensor, here: Here, tap: &mut Tap) -> Result<Tensor> {
        let centred = match self.kind {
            Normalization::None => return Ok(x.clone()),
            Normalization::LayerNorm => true,
            Normalization::RmsNorm => false,
        };
        let [scale, normalized] = self.points.map(|point| here.site(point));
        let scale = tap.at(scale, ops::norm_scale(x, centred, self.eps)?)?;
        let normalized = tap.at(normalized, ops::normalize(x, &scale, centred)?)?;
        match (&self.weight, &self.bias) {
            (Some(weight), bias) => Ok(ops::affine(&normalized, weight, bias.as_ref())?),
            (None, Some(bias)) => Ok(normalized.broadcast_add(bias)?),
            (None, None) => Ok(normalized),
        }
    }

    /// Applies the norm to a part of its input, with its scale held, which makes it linear. Its bias belongs to no
    /// part.
    ///
    /// # Shapes
    /// `part`: `[.., d_model]`; `scale`: one that broadcasts, `[.., one]`; result: as `part`.
    pub(crate) fn held(&self, part: &Tensor, scale: &Tensor) -> Result<Tensor> {
        let divided = self.centred(part)?.broadcast_div(scale)?;
        Ok(self.weight.as_ref().map_or(Ok(divided.clone()), |weight| divided.broadcast_mul(weight))?)
    }

    /// Subtracts the mean from a part of the norm's input, if the norm does so.
    pub(crate) fn centred(&self, part: &Tensor) -> Result<Tensor> {
        match self.kind {
            Normalization::LayerNorm => Ok(part.broadcast_sub(&part.mean_keepdim(D::Minus1)?)?),
            Normalization::RmsNorm | Normalization::None => Ok(part.clone()),
        }
    }

    /// The norm without hooks, for use outside the forward pass, as in the logit lens.
    pub(crate) fn apply(&self, x: &Tensor) -> Result<Tensor> {
        self.forward(x, Here::default(), &mut Tap::idle())
    }
}
