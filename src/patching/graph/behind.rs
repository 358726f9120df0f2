//! [`Behind`]: a norm after the output of parts: after attention, where it reads the sum of a layer's heads, or on the
//! residual stream itself.

use crate::{
    Model, Result,
    cache::ActivationCache,
    hook::{Site, Stack},
    net::{
        Here,
        parts::{Block, Norm},
    },
    patching::Patching,
};
use candle_core::{D, Tensor};

/// The norms of one layer that read the output of parts.
#[derive(Default)]
pub(super) struct LayerNorms {
    pub(super) attention: Option<Behind>,
    /// On the stream between attention and MLP.
    pub(super) mid: Option<Behind>,
    /// On the stream at the end of the layer.
    pub(super) end: Option<Behind>,
}

/// Such a norm, with its values in one run.
pub(super) struct Behind {
    norm: Norm,
    residual_scale: f64,
    /// The scale that it divides by: `[batch, pos, one]`.
    scale: Tensor,
    /// Its output before the weight: `[batch, pos, d_model]`.
    normalized: Tensor,
}

impl Patching {
    /// Returns the same experiment in which norms after attention (Gemma 2 and 3, OLMo 2 and 3) are held in paths,
    /// edges and circuits. They keep their scale in the run that is changed: the corrupt run or, in a circuit, the run
    /// that is explained.
    ///
    /// The effect of each head on the stream is then a part of a sum, as in
    /// [`Run::decompose_heads`](crate::model::Run::decompose_heads). By default these norms are recomputed from the
    /// heads' outputs, as after [`ResidStack::recompute_ln`](crate::decompose::ResidStack::recompute_ln), and results
    /// equal those of whole runs. Norms on the stream itself (BERT) are held too. Norms before attention, MLPs and
    /// logits are always recomputed.
    ///
    /// # Examples
    /// In a model without such norms it changes nothing:
    /// ```
    /// use glassbox::{patching::{Metric, Patching}, prelude::*};
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let patching =
    ///     Patching::new(&model, "red fox blue owl tree red fox", "red owl blue fox tree red fox", metric)?;
    /// let anew = patching.path("a0.h0", "a1.h0.k")?;
    /// assert_eq!(patching.hold_ln().path("a0.h0", "a1.h0.k")?.values(), anew.values());
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn hold_ln(self) -> Self {
        Self { hold_ln: true, ..self }
    }
}

impl LayerNorms {
    /// The sites at which these norms are recorded.
    pub(super) fn sites(model: &Model, stack: Stack) -> Vec<Site> {
        let of = |(layer, block): (usize, &Block)| {
            let norms = [&block.ln1_post, &block.ln_mid, &block.ln_end].into_iter().filter(|norm| !norm.is_none());
            norms.flat_map(|norm| norm.points.map(|point| Here::new(stack, layer).site(point))).collect::<Vec<_>>()
        };
        model.transformer().stack(stack).blocks.iter().enumerate().flat_map(of).collect()
    }

    /// The norms of each layer, from a run that recorded them.
    pub(super) fn of_run(model: &Model, stack: Stack, values: &ActivationCache) -> Result<Vec<Self>> {
        let of = |(layer, block): (usize, &Block)| {
            let here = Here::new(stack, layer);
            Ok(Self {
                attention: Behind::of(&block.ln1_post, block.residual_scale, here, values)?,
                mid: Behind::of(&block.ln_mid, 1.0, here, values)?,
                end: Behind::of(&block.ln_end, 1.0, here, values)?,
            })
        };
        model.transformer().stack(stack).blocks.iter().enumerate().map(of).collect()
    }
}

impl Behind {
    /// A norm from a run that recorded it; `None` if there is no norm.
    fn of(norm: &Norm, residual_scale: f64, here: Here, values: &ActivationCache) -> Result<Option<Self>> {
        if norm.is_none() {
            return Ok(None);
        }
        let [scale, normalized] = norm.points.map(|point| here.site(point));
        let (scale, normalized) = (values.get(scale)?, values.get(normalized)?);
        Ok(Some(Self { norm: norm.clone(), residual_scale, scale, normalized }))
    }

    /// The norm's output for a part of its input, with the scale held.
    ///
    /// # Shapes
    /// `[.., batch, pos, d_model]` in and out.
    pub(super) fn held(&self, part: &Tensor) -> Result<Tensor> {
        self.scaled(self.norm.held(part, &self.scale)?)
    }

    /// The change of the norm's output if its input changes by `by`.
    ///
    /// # Shapes
    /// `[.., batch, pos, d_model]` in and out.
    pub(super) fn changed(&self, by: &Tensor) -> Result<Tensor> {
        // But for a mean that the norm takes away, this is what it read.
        let sum = self.normalized.broadcast_mul(&self.scale)?;
        let (after, before) = (self.norm.apply(&sum.broadcast_add(by)?)?, self.norm.apply(&sum)?);
        self.scaled(after.broadcast_sub(&before)?)
    }

    /// The derivative of the norm's output along a change of its input.
    ///
    /// # Shapes
    /// `[.., batch, pos, d_model]` in and out.
    pub(super) fn slope(&self, way: &Tensor) -> Result<Tensor> {
        let way = self.norm.centred(way)?;
        // The part along the sum itself only changes the scale.
        let along = way.broadcast_mul(&self.normalized)?.mean_keepdim(D::Minus1)?;
        self.held(&(way - along.broadcast_mul(&self.normalized)?)?)
    }

    fn scaled(&self, x: Tensor) -> Result<Tensor> {
        if self.residual_scale == 1.0 { Ok(x) } else { Ok((x * self.residual_scale)?) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::Normalization, ops};
    use candle_core::Device;

    fn norm(kind: Normalization) -> Behind {
        let vector = |values: [f32; 4]| Tensor::new(&values, &Device::Cpu).unwrap();
        let (weight, bias) = (Some(vector([1.0, -0.5, 2.0, 0.3])), Some(vector([0.1, 0.2, 0.3, 0.4])));
        let norm = Norm { kind, weight, bias, eps: 1e-2, points: Norm::LN1_POST };
        let sum = vector([0.4, -1.0, 0.7, 2.0]).reshape((1, 1, 4)).unwrap();
        let centred = kind == Normalization::LayerNorm;
        let scale = ops::norm_scale(&sum, centred, norm.eps).unwrap();
        let normalized = ops::normalize(&sum, &scale, centred).unwrap();
        Behind { norm, residual_scale: 0.5, scale, normalized }
    }

    #[test]
    fn the_slope_of_a_norm_is_what_small_changes_do() {
        for kind in [Normalization::RmsNorm, Normalization::LayerNorm] {
            let behind = norm(kind);
            let way = Tensor::new(&[0.5f32, 1.0, -0.2, 0.3], &Device::Cpu).unwrap().reshape((1, 1, 1, 4)).unwrap();
            let [ahead, back] = [5e-3, -5e-3].map(|step| behind.changed(&(&way * step).unwrap()).unwrap());
            let differences =
                ((ahead - back).unwrap() / 1e-2).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
            let slope = behind.slope(&way).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
            for (slope, difference) in slope.iter().zip(&differences) {
                assert!((slope - difference).abs() < 1e-3, "{kind:?}: {slope} and {difference}");
            }
        }
    }
}
