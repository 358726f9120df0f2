//! A run's residual stream as a sum of parts.

use super::{Part, ResidStack};
use crate::{
    Result,
    error::RunError,
    hook::{Point, Site, ToSite},
    model::{Architecture, Config, NormPlace, Position, Run},
    net::parts::{Block, Feed, Norm},
};
use candle_core::Tensor;

/// How finely the stream is taken apart.
#[derive(Clone, Copy, PartialEq)]
enum Grain {
    Components,
    Heads,
    Neurons,
    HeadsAndMlps,
    Everything,
}

impl Run {
    /// The residual stream at `site` as embedding, position embedding, and what every attention and MLP before it wrote
    /// (biases with them): `decompose_resid` of TransformerLens.
    ///
    /// # Errors
    /// When `site` is no place of the residual stream, the model's stream is no sum (norms on the sum, as in BERT), or
    /// the run did not record what is needed; [`Model::run`](crate::Model::run) records it.
    #[doc(alias = "decompose_resid")]
    pub fn decompose(&self, site: impl ToSite) -> Result<ResidStack> {
        self.taken_apart(self.model().config().site(site)?, Grain::Components)
    }

    /// The residual stream at `site` as what every head before it wrote, labelled `L0H0`, and the rest as `remainder`:
    /// `stack_head_results` of TransformerLens.
    ///
    /// # Errors
    /// As [`Run::decompose`].
    #[doc(alias("stack_head_results", "compute_head_results"))]
    pub fn decompose_heads(&self, site: impl ToSite) -> Result<ResidStack> {
        self.taken_apart(self.model().config().site(site)?, Grain::Heads)
    }

    /// The residual stream at `site` as what every neuron before it wrote, labelled `L0N0`, and the rest as
    /// `remainder`: `stack_neuron_results` of TransformerLens. The vectors are not made until they are asked for:
    /// [`ResidStack::project`] and [`ResidStack::logit_attrs`] do without.
    ///
    /// # Errors
    /// As [`Run::decompose`]; also for mixtures of experts.
    #[doc(alias("stack_neuron_results", "get_neuron_results"))]
    pub fn decompose_neurons(&self, site: impl ToSite) -> Result<ResidStack> {
        self.taken_apart(self.model().config().site(site)?, Grain::Neurons)
    }

    /// The residual stream at `site` as what every head and every MLP wrote, the embeddings, and the biases of attention
    /// as `bias`: `get_full_resid_decomposition` of TransformerLens with `expand_neurons=False`. Mixtures of experts have
    /// it too.
    ///
    /// # Errors
    /// As [`Run::decompose`].
    #[doc(alias = "get_full_resid_decomposition")]
    pub fn decompose_heads_and_mlps(&self, site: impl ToSite) -> Result<ResidStack> {
        self.taken_apart(self.model().config().site(site)?, Grain::HeadsAndMlps)
    }

    /// The residual stream at `site` as what every head and every neuron wrote, the embeddings, and all biases as
    /// `bias`: `get_full_resid_decomposition` of TransformerLens. Without the neurons it is
    /// [`Run::decompose_heads_and_mlps`].
    ///
    /// # Errors
    /// As [`Run::decompose_neurons`].
    #[doc(alias = "get_full_resid_decomposition")]
    pub fn decompose_fully(&self, site: impl ToSite) -> Result<ResidStack> {
        self.taken_apart(self.model().config().site(site)?, Grain::Everything)
    }

    fn taken_apart(&self, site: Site, grain: Grain) -> Result<ResidStack> {
        let config = &self.model().config();
        let end = stream_at(config, site)?;
        if config.norm_place == NormPlace::OnSum || config.architecture == Architecture::EncoderDecoder {
            return Err(RunError::NoSum { family: config.family.clone() }.into());
        }
        let mut stack = Growing::default();
        if !matches!(grain, Grain::Heads | Grain::Neurons) {
            for (label, site) in [("embed", Site::embed()), ("pos_embed", Site::pos_embed())] {
                // Not all positions are in the stream.
                if config.has(site) && (site == Site::embed() || config.position == Position::Learned) {
                    stack.push(label, Part::one(&self.cache().get(site)?)?);
                }
            }
        }
        for (layer, block) in self.model().transformer().last.blocks.iter().enumerate() {
            let at = site.layer().unwrap_or(0);
            if layer > at || (layer == at && end.point() == Point::ResidPre) {
                break;
            }
            self.add_attention(&mut stack, block, layer, grain)?;
            if layer < at || end.point() == Point::ResidPost {
                self.add_mlp(&mut stack, block, layer, grain)?;
            }
        }
        let mut stack = ResidStack::new(self, stack.labels, stack.parts);
        let rest = match grain {
            Grain::Components => return Ok(stack),
            Grain::Heads | Grain::Neurons => "remainder",
            Grain::HeadsAndMlps | Grain::Everything => "bias",
        };
        let stream = self.cache().get(end)?;
        let left = if stack.is_empty() { stream.clone() } else { (stream - stack.sum()?)? };
        stack.labels.push(rest.into());
        stack.parts.push(Part::one(&left)?);
        Ok(stack)
    }

    fn add_attention(&self, stack: &mut Growing, block: &Block, layer: usize, grain: Grain) -> Result<()> {
        match grain {
            Grain::Neurons => {}
            Grain::Components => {
                let attn_out = self.cache().get(Site::attn_out(layer))?;
                stack.push(&format!("{layer}_attn_out"), Part::one(&attn_out)?);
            }
            Grain::Heads | Grain::HeadsAndMlps | Grain::Everything => {
                let results = block.attention.head_results(&self.cache().get(Site::z(layer))?)?;
                let results = self.after_branch(&results, &block.ln1_post, block, layer)?;
                for head in 0..block.attention.n_heads {
                    stack.label(&format!("L{layer}H{head}"));
                }
                stack.parts.push(Part::Vectors(results.permute((2, 0, 1, 3))?.contiguous()?));
            }
        }
        Ok(())
    }

    fn add_mlp(&self, stack: &mut Growing, block: &Block, layer: usize, grain: Grain) -> Result<()> {
        match (&block.mlp, grain) {
            (None, _) | (_, Grain::Heads) => {}
            (Some(_), Grain::Components | Grain::HeadsAndMlps) => {
                stack.push(&format!("{layer}_mlp_out"), Part::one(&self.cache().get(Site::mlp_out(layer))?)?);
            }
            (Some(Feed::Mixture(_)), _) => {
                return Err(RunError::NoNeurons { family: self.model().config().family.clone() }.into());
            }
            (Some(Feed::Mlp(mlp)), Grain::Neurons | Grain::Everything) => {
                let post = self.cache().get(Site::mlp_post(layer))?;
                let mut w_out = mlp.output.weight.clone();
                if !block.ln2_post.is_none() {
                    // Held fast, the norm after the MLP is linear: it can be done to the output weights.
                    w_out = block.ln2_post.centred(&w_out)?;
                    if let Some(weight) = &block.ln2_post.weight {
                        w_out = w_out.broadcast_mul(weight)?;
                    }
                }
                if block.residual_scale != 1.0 {
                    w_out = (w_out * block.residual_scale)?;
                }
                let post = match block.ln2_post.is_none() {
                    true => post.clone(),
                    false => post.broadcast_div(&self.cache().get(scale_site(&block.ln2_post, layer))?)?,
                };
                for neuron in 0..post.dim(2)? {
                    stack.label(&format!("L{layer}N{neuron}"));
                }
                stack.parts.push(Part::Neurons { post, w_out });
            }
        }
        Ok(())
    }

    /// What heads wrote, after the norm that stands behind attention (its scale held fast) and the residual's scale.
    ///
    /// # Shapes
    /// `[batch, pos, head, d_model]` in and out.
    fn after_branch(&self, results: &Tensor, norm: &Norm, block: &Block, layer: usize) -> Result<Tensor> {
        block.scaled(match norm.is_none() {
            true => results.clone(),
            false => norm.held(results, &self.cache().get(scale_site(norm, layer))?.unsqueeze(2)?)?,
        })
    }
}

fn scale_site(norm: &Norm, layer: usize) -> Site {
    Site::in_block(Default::default(), layer, norm.points[0])
}

/// Labels and parts as they come.
#[derive(Default)]
struct Growing {
    labels: Vec<String>,
    parts: Vec<Part>,
}

impl Growing {
    fn label(&mut self, label: &str) {
        self.labels.push(label.into());
    }

    fn push(&mut self, label: &str, part: Part) {
        self.label(label);
        self.parts.push(part);
    }
}

/// The site, if it is a place of the residual stream.
///
/// # Errors
/// When it is another place.
pub(super) fn stream_at(config: &Config, site: Site) -> Result<Site> {
    config.check(site)?;
    match site.point() {
        Point::ResidPre | Point::ResidMid | Point::ResidMidCross | Point::ResidPost | Point::NormalizedResidPost => {
            Ok(site)
        }
        _ => Err(RunError::NoStream { site: site.to_string() }.into()),
    }
}
