//! The sites of a model and their shapes, derived from its [`Config`].

use super::{Architecture, Config, NormPlace, Normalization, Position};
use crate::{
    axes::Axis,
    config::Sizes,
    error::SiteError,
    site::{Point, Site, Stack, ToSite, nearest_sites},
};

impl Config {
    /// The size of an axis at a site. `None` if it depends on the run, as an expert's share of the tokens does.
    fn size(&self, site: Site, axis: Axis, sizes: Sizes) -> Option<usize> {
        use Point::*;
        let Sizes { batch, source, target, past } = sizes;
        let (own, of_encoder) = (self.in_stack(site.stack()), self.is_of_encoder(site));
        let pos = if of_encoder { source } else { target };
        let keys = match site.point() {
            CrossAttnScores | CrossPattern => source,
            _ if of_encoder => source,
            _ => past.saturating_add(target),
        };
        Some(match axis {
            Axis::Pos if site.point() == ExpertWeights || site.point() == ExpertIndices => batch.saturating_mul(pos),
            Axis::Pos if site.expert().is_some() => return None,
            Axis::Batch => batch,
            Axis::Pos | Axis::Query => pos,
            Axis::Mel => self.n_mels,
            Axis::MelFrame => 2 * source,
            Axis::Key => keys,
            Axis::Head => own.n_heads,
            Axis::KvHead => own.n_key_value_heads,
            Axis::DModel if site.point().is_embed_wide() => self.d_embed,
            Axis::DModel => self.d_model,
            Axis::DHead => own.d_head,
            Axis::DMlp => own.d_mlp,
            Axis::DVocab => self.d_vocab,
            Axis::One => 1,
            Axis::Class => 2,
            Axis::Expert if site.point() == ExpertIndices => self.experts?.per_token,
            Axis::Expert => self.experts?.count,
        })
    }

    /// Whether the positions at a site are those of the encoder of an encoder-decoder.
    pub(crate) fn is_of_encoder(&self, site: Site) -> bool {
        use Point::*;
        // In a model with two stacks, the hooks of the embedding belong to the encoder.
        let embeds_source = self.architecture == Architecture::EncoderDecoder && matches!(site.point(), Tokens | Embed);
        let of_sound = matches!(site.point(), Mel | Conv1Out | Conv2Out | FrameEmbed | FramePosEmbed);
        embeds_source
            || of_sound
            || site.stack() == Stack::Encoder
            || matches!(
                site.point(),
                EncoderFinalLnScale | EncoderFinalLnNormalized | EncoderFinalLnOut | CrossK | CrossV
            )
    }

    /// Returns the shape of an activation for `batch` texts of `pos` tokens (in both stacks of an encoder-decoder).
    /// `None` if it depends on the run, as for single experts.
    ///
    /// # Errors
    /// When this model has no such site.
    pub fn shape(&self, site: impl ToSite, batch: usize, pos: usize) -> crate::Result<Option<Vec<usize>>> {
        self.shape_of(self.site(site)?, Sizes { batch, source: pos, target: pos, past: 0 })
    }

    pub(crate) fn shape_of(&self, site: Site, sizes: Sizes) -> crate::Result<Option<Vec<usize>>> {
        self.check(site)?;
        Ok(site.axes().iter().map(|&axis| self.size(site, axis, sizes)).collect())
    }

    /// The stacks of blocks, in the order of a forward pass.
    pub(crate) fn stacks(&self) -> &'static [Stack] {
        match self.architecture {
            Architecture::EncoderDecoder => &[Stack::Encoder, Stack::Decoder],
            _ => &[Stack::Blocks],
        }
    }

    /// The stack whose stream is read out: the only one, or the decoder.
    pub(crate) fn last_stack(&self) -> Stack {
        self.stacks().last().copied().unwrap_or_default()
    }

    /// The stack whose tokens the positions at a site count.
    pub(crate) fn reads_at(&self, site: Site) -> Stack {
        if self.is_of_encoder(site) { Stack::Encoder } else { self.last_stack() }
    }

    /// The stack whose tokens the keys at a site count.
    pub(crate) fn keys_at(&self, site: Site) -> Stack {
        match site.point() {
            Point::CrossAttnScores | Point::CrossPattern => Stack::Encoder,
            _ => self.reads_at(site),
        }
    }

    /// The place of a site's block among all blocks that a forward pass goes through.
    pub(crate) fn block_at(&self, site: Site) -> Option<usize> {
        let before = self.stacks().iter().take_while(|&&stack| stack != site.stack());
        let before: usize = before.map(|&stack| self.layers_of(stack)).sum();
        site.layer().map(|layer| before + layer)
    }

    /// The residual stream before each block of the last stack, and after the last block.
    pub(crate) fn streams(&self) -> Vec<Site> {
        let stack = self.last_stack();
        let at = |layer, point| Site::in_block(stack, layer, point);
        let end = if self.norm_place == NormPlace::Post { Point::NormalizedResidPost } else { Point::ResidPost };
        let before = (0..self.n_layers).map(|layer| at(layer, Point::ResidPre));
        before.chain([at(self.n_layers.saturating_sub(1), end)]).collect()
    }

    /// Returns every site of this model, in the order of a forward pass.
    pub fn sites(&self) -> Vec<Site> {
        let experts = self.experts.map_or(0, |experts| experts.count);
        let all = Site::all(
            self.stacks(),
            self.stacks().iter().map(|&stack| self.layers_of(stack)).max().unwrap_or(0),
            experts,
        );
        let mut sites: Vec<_> = all.into_iter().filter(|site| self.absence(*site).is_none()).collect();
        for &stack in self.stacks() {
            for layer in 0..self.layers_of(stack) {
                for &(point, before) in self.moved(stack) {
                    let at = |point| sites.iter().position(|&site| site == Site::in_block(stack, layer, point));
                    if let (Some(from), Some(to)) = (at(point), at(before)) {
                        let site = sites.remove(from);
                        sites.insert(if from < to { to } else { to + 1 }, site);
                    }
                }
            }
        }
        sites
    }

    /// The points that a block of this stack reaches in another order than a plain decoder, each with its predecessor.
    fn moved(&self, stack: Stack) -> &'static [(Point, Point)] {
        use Point::*;
        match (self.norm_place, stack) {
            (NormPlace::Post, _) => {
                &[(Ln1Scale, MlpIn), (Ln1Normalized, Ln1Scale), (Ln2Scale, ResidPost), (Ln2Normalized, Ln2Scale)]
            }
            (_, Stack::Decoder) => &[(Ln2Scale, CrossAttnIn), (Ln2Normalized, Ln2Scale)],
            _ => &[],
        }
    }

    /// Whether this model has the site.
    pub fn has(&self, site: impl ToSite) -> bool {
        self.site(site).is_ok_and(|site| self.absence(site).is_none())
    }

    /// Returns an error with the reason and the nearest sites if this model has no such site.
    pub(crate) fn check(&self, site: Site) -> crate::Result<()> {
        let site = self.site(site)?;
        let Some(why) = self.absence(site) else { return Ok(()) };
        let layer = site.layer().map(|layer| layer.min(self.layers_of(site.stack()).saturating_sub(1)));
        let candidates = self.sites().into_iter().filter(|s| layer.is_none() || s.layer() == layer);
        let name = site.to_string();
        let nearest = nearest_sites(&name, candidates.map(|site| site.to_string()), 3);
        let beyond = self.is_beyond(site);
        Err(SiteError::NotInModel { site: name, family: self.family.clone(), why, nearest, beyond }.into())
    }

    /// Whether a site's layer or expert is out of range for its stack.
    fn is_beyond(&self, site: Site) -> bool {
        let of_layers = || site.layer().is_some_and(|layer| layer >= self.layers_of(site.stack()));
        let of_experts = || site.expert().zip(self.experts).is_some_and(|(expert, all)| expert >= all.count);
        self.stacks().contains(&site.stack()) && (of_layers() || of_experts())
    }

    /// The reason why this model lacks a site, or `None` if it has it.
    fn absence(&self, site: Site) -> Option<String> {
        if let Some(layer) = site.layer() {
            if !self.stacks().contains(&site.stack()) {
                let names: Vec<_> = self.stacks().iter().map(|stack| format!("`{}`", stack.prefix())).collect();
                return Some(format!("its blocks are named {}", names.join(" and ")));
            }
            let layers = self.layers_of(site.stack());
            if layer >= layers {
                return Some(format!(
                    "it has layers 0 to {}, not {layer} (-{layers} to -1 count from the end)",
                    layers.saturating_sub(1)
                ));
            }
        }
        let (present, why) = match site.layer() {
            None => self.has_once(site.point()),
            Some(layer) => self.has_in_block(site, layer),
        };
        (!present).then(|| why.into())
    }

    fn has_once(&self, point: Point) -> (bool, &'static str) {
        use Point::*;
        let encoder = self.architecture == Architecture::Encoder;
        let both = self.architecture == Architecture::EncoderDecoder;
        let (learned, speech) = (self.has_position_vectors(), self.is_speech());
        let own = "each stack has its own: `encoder.hook_embed`, `decoder.hook_embed` and so on";
        let final_norm = self.final_norm && self.normalization != Normalization::None;
        match point {
            Tokens => (!speech, "its encoder reads `hook_mel`, and its decoder `decoder.hook_tokens`"),
            Embed | PosEmbed if speech => (false, own),
            Mel | Conv1Out | Conv2Out | FrameEmbed | FramePosEmbed => (speech, "it is not a speech model"),
            Embed => (!encoder, "an encoder's is `embed.hook_embed`"),
            DecoderTokens => (both, "it is no encoder-decoder; the tokens it reads are `hook_tokens`"),
            DecoderEmbed => (both, "it is no encoder-decoder; look for its embedding without `decoder.`"),
            DecoderPosEmbed => (both && learned, "it has no decoder with learned positions"),
            PosEmbed => (learned && !encoder, self.why_no_pos_embed()),
            EncoderEmbed => (encoder, "it is not an encoder; its embedding is `hook_embed`"),
            EncoderPosEmbed => (encoder && learned, "it is not an encoder with learned positions"),
            TokenTypeEmbed => (self.n_token_types > 0, "it has no token types"),
            EmbedLnScale | EmbedLnNormalized => (self.embed_norm, "its embeddings are not normed"),
            FullEmbed => (encoder, "it is not an encoder"),
            LnFinalScale | LnFinalNormalized => (final_norm && !both, "it has no final norm of this name"),
            EncoderFinalLnScale
            | EncoderFinalLnNormalized
            | EncoderFinalLnOut
            | DecoderFinalLnScale
            | DecoderFinalLnNormalized => (both, "it is not an encoder-decoder"),
            UnembedIn | UnembedOut => (self.heads.unembed, "it has no unembedding"),
            MlmHeadScale | MlmHeadNormalized => (self.heads.mlm, "it has no masked-LM head"),
            PoolerOut => (self.heads.pooler, "it has no pooler"),
            NspOut => (self.heads.nsp, "it has no next-sentence head"),
            _ => (false, "its architecture has no such part"),
        }
    }

    fn why_no_pos_embed(&self) -> &'static str {
        match self.position {
            Position::Learned | Position::Shortformer | Position::Sinusoidal => {
                "an encoder's is `embed.hook_pos_embed`"
            }
            Position::Rotary(_) => "its positions are rotary, not learned vectors",
            Position::Alibi(_) => "its positions are a bias on the scores (ALiBi), not learned vectors",
            Position::RelativeBias { .. } => "its positions are a relative bias on the scores, not vectors",
            Position::None => "it has no positions, only the causal mask",
        }
    }

    fn has_in_block(&self, site: Site, layer: usize) -> (bool, &'static str) {
        use Point::*;
        let normed = self.normalization != Normalization::None;
        let has_mlp = !self.attn_only;
        let on_sum = self.norm_place == NormPlace::Post;
        let before = normed && self.norm_place != NormPlace::After;
        let after = normed && matches!(self.norm_place, NormPlace::After | NormPlace::PreAndPost);
        let cross = site.stack() == Stack::Decoder;
        let own = self.in_stack(site.stack());
        let rotary = own.turn(layer).is_some();
        let dense = has_mlp && self.experts.is_none();
        let grouped = own.n_heads != own.n_key_value_heads;
        let relative = matches!(own.position, Position::RelativeBias { .. }) && layer == 0;
        match site.point() {
            ResidPre | QInput | KInput | VInput | Q | K | V | AttnScores | Pattern | Z | Result | AttnOut
            | ResidPost => (true, ""),
            AttnIn => (!grouped, "query heads share key heads; use q_input, k_input, v_input"),
            RotQ | RotK => (rotary, "its positions are not rotary here"),
            RelPos => (relative, "it has no relative position bias here"),
            QNormScale | QNormNormalized | KNormScale | KNormNormalized => {
                (self.qk_norm.is_some(), "its queries and keys are not normed")
            }
            Ln1Scale | Ln1Normalized => {
                (before, "it has no norm before attention; its norm after attention is `ln1_post`")
            }
            Ln1PostScale | Ln1PostNormalized => (after, "it has no norm after attention"),
            Ln2PostScale | Ln2PostNormalized => (after && has_mlp, "it has no norm after the MLP"),
            CrossAttnIn | CrossQ | CrossK | CrossV | CrossAttnScores | CrossPattern | CrossZ | CrossResult
            | CrossAttnOut | ResidMidCross => (cross, "only the decoder of an encoder-decoder has cross attention"),
            Ln3Scale | Ln3Normalized => (cross && normed, "only the decoder of an encoder-decoder has a third norm"),
            ResidMid => (has_mlp && !self.parallel_attn_mlp, "its attention and MLP are not in sequence"),
            MlpIn | MlpOut => (has_mlp, "it has attention only, no MLP"),
            Ln2Scale | Ln2Normalized => {
                (before && has_mlp, "it has no norm before the MLP; its norm after the MLP is `ln2_post`")
            }
            MlpPre | MlpPost => (dense, "it has no single MLP: attention only, or experts"),
            MlpMid | MlpLnScale | MlpLnNormalized => (dense && self.act_fn.has_norm(), "its neurons are not normed"),
            MlpPreLinear => (self.gated_mlp && dense, "its MLP is not gated"),
            NormalizedResidPost => (on_sum, "its norms are not applied to the residual sum"),
            ExpertWeights | ExpertIndices => (self.experts.is_some(), "it is not a mixture of experts"),
            ExpertGate | ExpertPre | ExpertPost => {
                let enough = self.experts.is_some_and(|experts| site.expert().is_some_and(|e| e < experts.count));
                (enough, "it has no such expert")
            }
            _ => (false, "its architecture has no such part"),
        }
    }
}
