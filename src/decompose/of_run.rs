//! A run's residual stream as a sum of parts.

use super::{Part, ResidStack, held::Growing};
use crate::{
    Result,
    error::RunError,
    hook::{Point, Site, Stack, ToSite},
    model::{Architecture, Config, Position, Run},
    net::{
        Here,
        parts::{Attention, Block, Feed, Norm},
    },
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
    /// Decomposes the residual stream at `site` into token embedding, position embedding, and the output of every
    /// attention and MLP before it, biases included: TransformerLens's `decompose_resid`.
    ///
    /// In an encoder-decoder the site says which stream is meant: `Site::resid_post(3).in_encoder()` or
    /// `.in_decoder()`. The decoder's parts include the output of each layer's cross attention, `3_cross_attn_out`.
    ///
    /// In post-norm models (BERT) each part is carried through the norms between it and `site`. Each norm is held at
    /// the scale that it had in the run, which makes it linear. The biases of the norms, carried in the same way, are
    /// the part `bias`, so the parts sum to the stream there too. The effect of a part on the scales is not counted.
    ///
    /// # Errors
    /// When `site` is not a site of the residual stream, or the run did not record what is needed.
    /// [`Model::run`](crate::Model::run) records it.
    ///
    /// # Examples
    /// ```
    /// use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// let stack = run.decompose(Site::resid_pre(1))?;
    /// assert_eq!(stack.labels(), ["embed", "pos_embed", "0_attn_out"]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "decompose_resid")]
    pub fn decompose(&self, site: impl ToSite) -> Result<ResidStack> {
        self.taken_apart(self.model().config().site(site)?, Grain::Components)
    }

    /// Decomposes the residual stream at `site` into the output of every head before it, labelled `L0H0`, and
    /// everything else as `remainder`: TransformerLens's `stack_head_results`. Heads of cross attention are labelled
    /// `cross L0H0`.
    ///
    /// # Errors
    /// As [`Run::decompose`].
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// let heads = run.decompose_heads(Site::resid_post(1))?;
    /// assert_eq!(heads.len(), 9); // two layers of four heads, and the remainder
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias("stack_head_results", "compute_head_results"))]
    pub fn decompose_heads(&self, site: impl ToSite) -> Result<ResidStack> {
        self.taken_apart(self.model().config().site(site)?, Grain::Heads)
    }

    /// Decomposes the residual stream at `site` into the output of every neuron before it, labelled `L0N0`, and
    /// everything else as `remainder`: TransformerLens's `stack_neuron_results`.
    ///
    /// The vectors are not computed until they are asked for. [`ResidStack::project`] and [`ResidStack::logit_attrs`]
    /// do not need them.
    ///
    /// # Errors
    /// As [`Run::decompose`], and for mixtures of experts.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let run = Model::open("grammar-4l")?.run("The keys to the cabinet")?;
    /// let neurons = run.decompose_neurons(Site::resid_post(3))?;
    /// let (neuron, logit) = neurons.logit_attrs("are", "is")?.top(1)?[0].clone();
    /// assert!(logit.abs() > 0.0, "{neuron}"); // such as L3N17
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias("stack_neuron_results", "get_neuron_results"))]
    pub fn decompose_neurons(&self, site: impl ToSite) -> Result<ResidStack> {
        self.taken_apart(self.model().config().site(site)?, Grain::Neurons)
    }

    /// Decomposes the residual stream at `site` into the embeddings, the output of every head and every MLP, and the
    /// biases of attention as `bias`: TransformerLens's `get_full_resid_decomposition` with `expand_neurons=False`. It
    /// also works for mixtures of experts.
    ///
    /// # Errors
    /// As [`Run::decompose`].
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let run = Model::open("grammar-4l")?.run("The keys to the cabinet")?;
    /// let parts = run.decompose_heads_and_mlps(Site::resid_post(3))?;
    /// assert!(parts.labels().contains(&"3_mlp_out".to_owned()) && parts.labels().contains(&"L3H0".to_owned()));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "get_full_resid_decomposition")]
    pub fn decompose_heads_and_mlps(&self, site: impl ToSite) -> Result<ResidStack> {
        self.taken_apart(self.model().config().site(site)?, Grain::HeadsAndMlps)
    }

    /// Decomposes the residual stream at `site` into the embeddings, the output of every head and every neuron, and all
    /// biases as `bias`: TransformerLens's `get_full_resid_decomposition`. [`Run::decompose_heads_and_mlps`] does not
    /// split the MLPs.
    ///
    /// # Errors
    /// As [`Run::decompose_neurons`].
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let run = Model::open("grammar-4l")?.run("The keys to the cabinet")?;
    /// let parts = run.decompose_fully(Site::resid_post(0))?;
    /// assert!(parts.labels().contains(&"L0H0".to_owned()) && parts.labels().contains(&"L0N0".to_owned()));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "get_full_resid_decomposition")]
    pub fn decompose_fully(&self, site: impl ToSite) -> Result<ResidStack> {
        self.taken_apart(self.model().config().site(site)?, Grain::Everything)
    }

    fn taken_apart(&self, site: Site, grain: Grain) -> Result<ResidStack> {
        let model = self.model();
        let end = stream_at(&model.config(), site)?;
        let mut stack = Growing::default();
        if !matches!(grain, Grain::Heads | Grain::Neurons) {
            self.add_embeddings(&mut stack, end.stack())?;
        }
        for (layer, block) in model.transformer().stack(end.stack()).blocks.iter().enumerate() {
            let here = Here::new(end.stack(), layer);
            let ends = |point| here.site(point) == end;
            if ends(Point::ResidPre) {
                break;
            }
            self.add_attention(&mut stack, block, here, grain)?;
            if ends(Point::ResidMid) {
                break;
            }
            self.add_cross_attention(&mut stack, block, here, grain)?;
            if ends(Point::ResidMidCross) {
                break;
            }
            stack.through(&block.ln_mid, |norm| self.scale_of(norm, here))?;
            self.add_mlp(&mut stack, block, here, grain)?;
            if ends(Point::ResidPost) {
                break;
            }
            stack.through(&block.ln_end, |norm| self.scale_of(norm, here))?;
            if ends(Point::NormalizedResidPost) {
                break;
            }
        }
        let rest = match grain {
            Grain::Components => {
                let (labels, parts) = stack.with_bias()?;
                return Ok(ResidStack::new(self, end, labels, parts));
            }
            Grain::Heads | Grain::Neurons => "remainder",
            Grain::HeadsAndMlps | Grain::Everything => "bias",
        };
        let mut stack = ResidStack::new(self, end, stack.labels, stack.parts);
        let stream = self.cache().get(end)?;
        let left = if stack.is_empty() { stream.clone() } else { (stream - stack.sum()?)? };
        stack.labels.push(rest.into());
        stack.parts.push(Part::one(&left)?);
        Ok(stack)
    }

    /// What the first block of a stack reads.
    fn add_embeddings(&self, stack: &mut Growing, of: Stack) -> Result<()> {
        let (model, cache) = (self.model(), self.cache());
        let config = model.config();
        if of != Stack::Blocks {
            let embed = cache.get(Site::in_block(of, 0, Point::ResidPre))?;
            stack.push("embed", Part::one(&embed)?);
            return Ok(());
        }
        for (label, site) in [
            ("embed", Site::embed()),
            ("embed", Site::encoder_embed()),
            ("pos_embed", Site::pos_embed()),
            ("pos_embed", Site::encoder_pos_embed()),
            ("token_type_embed", Site::token_type_embed()),
        ] {
            // Not all positions are in the stream.
            if config.has(site) && (label != "pos_embed" || config.position == Position::Learned) {
                stack.push(label, Part::one(&cache.get(site)?)?);
            }
        }
        let embed = model.transformer().last.front.tokens();
        if let Some(embed) = embed.filter(|_| config.architecture == Architecture::Encoder) {
            stack.through(&embed.norm, |norm| cache.get(Here::default().site(norm.points[0])))?;
            embed.widen.iter().try_for_each(|widen| stack.widened(widen))?;
        }
        Ok(())
    }

    fn add_attention(&self, stack: &mut Growing, block: &Block, here: Here, grain: Grain) -> Result<()> {
        match grain {
            Grain::Neurons => {}
            Grain::Components => {
                let attn_out = self.cache().get(here.site(Point::AttnOut))?;
                stack.push(&format!("{}_attn_out", here.layer), Part::one(&attn_out)?);
            }
            Grain::Heads | Grain::HeadsAndMlps | Grain::Everything => {
                self.add_heads(stack, block, &block.attention, here)?;
            }
        }
        Ok(())
    }

    fn add_cross_attention(&self, stack: &mut Growing, block: &Block, here: Here, grain: Grain) -> Result<()> {
        match (&block.cross, grain) {
            (None, _) | (_, Grain::Neurons) => {}
            (Some(_), Grain::Components) => {
                let out = self.cache().get(here.site(Point::CrossAttnOut))?;
                stack.push(&format!("{}_cross_attn_out", here.layer), Part::one(&out)?);
            }
            (Some(cross), Grain::Heads | Grain::HeadsAndMlps | Grain::Everything) => {
                self.add_heads(stack, block, &cross.attention, here.across())?;
            }
        }
        Ok(())
    }

    /// Every head of an attention, after the norm on what self-attention writes and the residual's scale.
    fn add_heads(&self, stack: &mut Growing, block: &Block, attention: &Attention, here: Here) -> Result<()> {
        let results = attention.head_results(&self.cache().get(here.site(Point::Z))?)?;
        let mut heads = Part::Vectors(results.permute((2, 0, 1, 3))?.contiguous()?);
        if !here.is_across() {
            heads = self.after_branch(heads, &block.ln1_post, block, here)?;
        }
        let whose = if here.is_across() { "cross " } else { "" };
        (0..attention.n_heads).for_each(|head| stack.label(&format!("{whose}L{}H{head}", here.layer)));
        stack.parts.push(heads);
        Ok(())
    }

    fn add_mlp(&self, stack: &mut Growing, block: &Block, here: Here, grain: Grain) -> Result<()> {
        match (&block.mlp, grain) {
            (None, _) | (_, Grain::Heads) => {}
            (Some(_), Grain::Components | Grain::HeadsAndMlps) => {
                let mlp_out = self.cache().get(here.site(Point::MlpOut))?;
                stack.push(&format!("{}_mlp_out", here.layer), Part::one(&mlp_out)?);
            }
            (Some(Feed::Mixture(_)), _) => {
                return Err(RunError::NoNeurons { family: self.model().config().family.clone() }.into());
            }
            (Some(Feed::Mlp(mlp)), Grain::Neurons | Grain::Everything) => {
                let post = self.cache().get(here.site(Point::MlpPost))?;
                let neurons = Part::Neurons { post, w_out: mlp.output.weight.clone() };
                let neurons = self.after_branch(neurons, &block.ln2_post, block, here)?;
                (0..neurons.len()?).for_each(|neuron| stack.label(&format!("L{}N{neuron}", here.layer)));
                stack.parts.push(neurons);
            }
        }
        Ok(())
    }

    /// What heads or neurons wrote, after the norm on it (its scale held fast) and the residual's scale.
    fn after_branch(&self, part: Part, norm: &Norm, block: &Block, here: Here) -> Result<Part> {
        let normed = match norm.is_none() {
            true => part,
            false => part.held(norm, &self.scale_of(norm, here)?)?,
        };
        normed.scaled(block)
    }

    /// What a norm of a block divided by.
    fn scale_of(&self, norm: &Norm, here: Here) -> Result<Tensor> {
        self.cache().get(here.site(norm.points[0]))
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
