//! Builds blocks of Llama's form from the tensors of a checkpoint. Every family of this form uses it.

use super::{
    Tensors,
    common::{attention, linear},
    llama_like::{LlamaLike, NormWeight},
};
use crate::{
    Result,
    config::{Config, Experts, NormPlace, QkNorm},
    load::Weights,
    net::parts::{Attention, Block, Feed, HeadNorm, Linear, Mixture, Mlp, Norm},
    site::Point,
};
use candle_core::Tensor;

/// Reads the tensors of a checkpoint.
pub(super) struct Reader<'a> {
    pub(super) shape: &'a LlamaLike,
    pub(super) config: &'a Config,
    pub(super) weights: Weights,
}

impl Reader<'_> {
    pub(super) fn block(&self, layer: usize) -> Result<Block> {
        let at = format!("layers.{layer}");
        let [ln1, ln1_post, ln2, ln2_post] = self.norms(&at)?;
        let feed = match self.mixture(&at)? {
            Some(mixture) => Feed::Mixture(mixture),
            None => Feed::Mlp(self.mlp(&format!("{at}.mlp"))?),
        };
        Ok(Block {
            ln1_post,
            ln2_post,
            parallel: self.config.parallel_attn_mlp,
            residual_scale: self.config.residual_scale,
            ..Block::new(ln1, self.attention(layer, &format!("{at}.self_attn"))?, Some((ln2, feed)))
        })
    }

    /// The norms before and after attention, and before and after the MLP.
    fn norms(&self, at: &str) -> Result<[Norm; 4]> {
        let norm = |name: &str, points| self.norm(&format!("{at}.{name}_layernorm"), points);
        let none = Norm::none;
        Ok(match self.config.norm_place {
            NormPlace::PreAndPost => [
                norm("input", Norm::LN1)?,
                norm("post_attention", Norm::LN1_POST)?,
                norm("pre_feedforward", Norm::LN2)?,
                norm("post_feedforward", Norm::LN2_POST)?,
            ],
            NormPlace::After => {
                [none(), norm("post_attention", Norm::LN1_POST)?, none(), norm("post_feedforward", Norm::LN2_POST)?]
            }
            _ if self.config.parallel_attn_mlp => {
                let shared = norm("input", Norm::LN1)?;
                [shared.clone(), none(), shared.at(Norm::LN2), none()]
            }
            _ => [norm("input", Norm::LN1)?, none(), norm("post_attention", Norm::LN2)?, none()],
        })
    }

    /// The factor that a norm's result is multiplied by.
    fn norm_weight(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        let weight = self.weights.tensor(&format!("{name}.weight"), shape)?;
        Ok(if self.shape.norm_weight == NormWeight::AndOne { (weight + 1.0)? } else { weight })
    }

    pub(super) fn norm(&self, name: &str, points: [Point; 2]) -> Result<Norm> {
        let Config { d_model, normalization, eps, .. } = *self.config;
        let weight = match self.shape.norm_weight {
            NormWeight::Absent => None,
            _ => Some(self.norm_weight(name, &[d_model])?),
        };
        Ok(Norm { kind: normalization, weight, bias: None, eps, points })
    }

    /// A projection of the residual stream.
    fn project(&self, name: &str, width: usize) -> Result<Linear> {
        linear(&self.weights, name, self.config.d_model, width)
    }

    fn attention(&self, layer: usize, at: &str) -> Result<Attention> {
        let Config { d_model, d_head, n_heads, n_key_value_heads, .. } = *self.config;
        let (queries, keys) = (n_heads * d_head, n_key_value_heads * d_head);
        let fused = format!("{at}.qkv_proj");
        let [q, k, v] = match self.weights.has(&format!("{fused}.weight")) {
            true => {
                let qkv = self.project(&fused, queries + 2 * keys)?;
                [qkv.columns(0, queries)?, qkv.columns(queries, keys)?, qkv.columns(queries + keys, keys)?]
            }
            false => [
                self.project(&format!("{at}.q_proj"), queries)?,
                self.project(&format!("{at}.k_proj"), keys)?,
                self.project(&format!("{at}.v_proj"), keys)?,
            ],
        };
        let o = linear(&self.weights, &format!("{at}.o_proj"), queries, d_model)?;
        let q_norm = self.head_norm(&format!("{at}.q_norm"), n_heads)?;
        let k_norm = self.head_norm(&format!("{at}.k_norm"), n_key_value_heads)?;
        Ok(Attention { q_norm, k_norm, ..attention(self.config, layer, q, k, v, o) })
    }

    /// The norm of queries or keys. Its weight covers all heads together, each head separately, or is shared by all
    /// heads.
    fn head_norm(&self, name: &str, heads: usize) -> Result<Option<HeadNorm>> {
        let Config { d_head, qk_norm, normalization: kind, eps, .. } = *self.config;
        let Some(place) = qk_norm else { return Ok(None) };
        let of_each_head = self.weights.shape(&format!("{name}.weight")).is_some_and(|shape| shape.len() == 2);
        let weight = match place {
            QkNorm::Whole => self.norm_weight(name, &[heads * d_head])?.reshape((heads, d_head))?,
            QkNorm::HeadValues if of_each_head => self.norm_weight(name, &[heads, d_head])?,
            QkNorm::HeadValues => self.norm_weight(name, &[d_head])?,
        };
        Ok(Some(HeadNorm { kind, whole: place == QkNorm::Whole, weight, bias: None, eps }))
    }

    fn mlp(&self, at: &str) -> Result<Mlp> {
        let d_mlp = self.config.d_mlp;
        let fused = format!("{at}.gate_up_proj");
        match self.weights.has(&format!("{fused}.weight")) {
            true => {
                let both = self.project(&fused, 2 * d_mlp)?;
                self.gated(both.columns(0, d_mlp)?, both.columns(d_mlp, d_mlp)?, &format!("{at}.down_proj"))
            }
            false => self.expert(at, ["gate_proj", "up_proj", "down_proj"]),
        }
    }

    fn mixture(&self, at: &str) -> Result<Option<Mixture>> {
        let Some(Experts { count, per_token, normalized, .. }) = self.config.experts else { return Ok(None) };
        let [layer, names @ ..] = self.shape.experts;
        let expert = |index: usize| self.expert(&format!("{at}.{layer}.experts.{index}"), names);
        Ok(Some(Mixture {
            router: self.project(&format!("{at}.{layer}.gate"), count)?,
            experts: (0..count).map(expert).collect::<Result<_>>()?,
            per_token,
            normalized,
        }))
    }

    fn expert(&self, at: &str, [gate, input, output]: [&str; 3]) -> Result<Mlp> {
        let project = |name: &str| self.project(&format!("{at}.{name}"), self.config.d_mlp);
        self.gated(project(gate)?, project(input)?, &format!("{at}.{output}"))
    }

    fn gated(&self, gate: Linear, input: Linear, output: &str) -> Result<Mlp> {
        let Config { d_model, d_mlp, act_fn, .. } = *self.config;
        Ok(Mlp::new(input, Some(gate), linear(&self.weights, output, d_mlp, d_model)?, act_fn))
    }
}
