//! The table of every hook point: its name inside a block or a model, its axes, and whether it costs extra.

use super::{Site, Stack};
use crate::{
    axes::Axis::{self, *},
    index::ToIndex,
};

/// Where in the model a [`Point`] lives: once for the whole model, or once in every block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Model,
    Block,
    Expert,
}

/// One row of the table.
pub(crate) struct Row {
    pub(crate) point: Point,
    pub(crate) place: Place,
    /// The name without its block prefix.
    pub(crate) name: &'static str,
    /// The constructor's name.
    pub(crate) short: &'static str,
    pub(crate) axes: &'static [Axis],
    /// Costs memory or time that nobody should pay unasked; recorded only when named.
    pub(crate) gated: bool,
}

impl Row {
    /// The site of a place that a model has once.
    pub(crate) fn once(&self) -> Site {
        Site::of_model(self.point)
    }
}

macro_rules! cost {
    () => {
        false
    };
    (gated) => {
        true
    };
}

macro_rules! points {
    ($( $place:ident { $( $(#[doc = $doc:literal])+ $variant:ident $ctor:ident $name:literal [$($axis:ident)*] $($gated:ident)?; )* } )*) => {
        /// What a site holds, without saying in which layer: `resid_pre`, `pattern`, ...
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Point { $($( $(#[doc = $doc])+ $variant, )*)* }

        pub(crate) static TABLE: &[Row] = &[$($(
            Row { point: Point::$variant, place: Place::$place, name: $name, short: stringify!($ctor), axes: &[$($axis),*], gated: cost!($($gated)?) },
        )*)*];

        impl Site { $($( points!(@ctor $place $(#[doc = $doc])+ $variant $ctor $name [$($axis)*]); )*)* }
    };
    (@ctor Model $(#[doc = $doc:literal])+ $variant:ident $ctor:ident $name:literal [$($axis:ident)*]) => {
        $(#[doc = $doc])+
        #[doc = concat!("\n\nThe hook `", $name, "`.\n\n# Shapes\n`[", $(stringify!($axis), " ",)* "]` in the words of [`Axis`].")]
        pub const fn $ctor() -> Self { Self::of_model(Point::$variant) }
    };
    (@ctor Block $(#[doc = $doc:literal])+ $variant:ident $ctor:ident $name:literal [$($axis:ident)*]) => {
        $(#[doc = $doc])+
        #[doc = concat!("\n\nThe hook `blocks.{layer}.", $name, "`.\n\n# Shapes\n`[", $(stringify!($axis), " ",)* "]` in the words of [`Axis`].")]
        pub fn $ctor(layer: impl ToIndex) -> Self { Self::of_block(layer, Point::$variant) }
    };
    (@ctor Expert $(#[doc = $doc:literal])+ $variant:ident $ctor:ident $name:literal [$($axis:ident)*]) => {
        $(#[doc = $doc])+
        #[doc = concat!("\n\nThe hook `blocks.{layer}.mlp.experts.{expert}.", $name, "`.\n\n# Shapes\n`[", $(stringify!($axis), " ",)* "]` in the words of [`Axis`].")]
        pub fn $ctor(layer: impl ToIndex, expert: usize) -> Self { Self::of_expert(layer, expert, Point::$variant) }
    };
}

points! {
    Model {
        /// The token ids the model reads.
        Tokens tokens "hook_tokens" [Batch Pos] gated;
        /// Token embeddings: what the residual stream starts from.
        Embed embed "hook_embed" [Batch Pos DModel];
        /// Learned position embeddings, added to the token embeddings (in a Shortformer, to what queries and keys read).
        PosEmbed pos_embed "hook_pos_embed" [Batch Pos DModel];
        /// Token embeddings of an encoder such as BERT.
        EncoderEmbed encoder_embed "embed.hook_embed" [Batch Pos DModel];
        /// Position embeddings of an encoder such as BERT.
        EncoderPosEmbed encoder_pos_embed "embed.hook_pos_embed" [Batch Pos DModel];
        /// Token-type (sentence A or B) embeddings of an encoder such as BERT.
        TokenTypeEmbed token_type_embed "embed.hook_token_type_embed" [Batch Pos DModel];
        /// Standard deviation that the embedding norm divides by.
        EmbedLnScale embed_ln_scale "embed.ln.hook_scale" [Batch Pos One];
        /// Embeddings after the embedding norm, before its weight and bias.
        EmbedLnNormalized embed_ln_normalized "embed.ln.hook_normalized" [Batch Pos DModel];
        /// The token ids that the decoder of an encoder-decoder reads.
        DecoderTokens decoder_tokens "decoder.hook_tokens" [Batch Pos] gated;
        /// Token embeddings of the decoder in an encoder-decoder: what its residual stream starts from.
        DecoderEmbed decoder_embed "decoder.hook_embed" [Batch Pos DModel];
        /// All embeddings summed and normed: what the first block of an encoder reads.
        FullEmbed full_embed "hook_full_embed" [Batch Pos DModel];
        /// What the final norm divides the last residual stream by: its standard deviation, or root mean square.
        LnFinalScale ln_final_scale "ln_final.hook_scale" [Batch Pos One];
        /// The final residual stream, normed but not yet weighted.
        LnFinalNormalized ln_final_normalized "ln_final.hook_normalized" [Batch Pos DModel];
        /// Scale of the encoder's final norm (encoder-decoder models).
        EncoderFinalLnScale encoder_final_ln_scale "encoder_final_ln.hook_scale" [Batch Pos One];
        /// The encoder's final residual stream, normed (encoder-decoder models).
        EncoderFinalLnNormalized encoder_final_ln_normalized "encoder_final_ln.hook_normalized" [Batch Pos DModel];
        /// Scale of the decoder's final norm (encoder-decoder models).
        DecoderFinalLnScale decoder_final_ln_scale "decoder_final_ln.hook_scale" [Batch Pos One];
        /// The decoder's final residual stream, normed (encoder-decoder models).
        DecoderFinalLnNormalized decoder_final_ln_normalized "decoder_final_ln.hook_normalized" [Batch Pos DModel];
        /// The pooled first token, squashed: what sentence classifiers of an encoder read.
        PoolerOut pooler_out "pooler.hook_pooler_out" [Batch DModel];
        /// Next-sentence prediction scores.
        NspOut nsp_out "nsp_head.hook_nsp_out" [Batch Class];
        /// Scale of the masked-LM head's norm.
        MlmHeadScale mlm_head_scale "mlm_head.ln.hook_scale" [Batch Pos One];
        /// Input of the masked-LM unembedding, normed but not yet weighted.
        MlmHeadNormalized mlm_head_normalized "mlm_head.ln.hook_normalized" [Batch Pos DModel];
        /// What the unembedding reads: the final residual stream after the final norm.
        UnembedIn unembed_in "unembed.hook_in" [Batch Pos DModel];
        /// The logits as the unembedding writes them, before the scale or the soft cap that some models put on them.
        UnembedOut unembed_out "unembed.hook_out" [Batch Pos DVocab] gated;
    }
    Block {
        /// Relative position bias added to the scores (T5, first block of a stack).
        RelPos rel_pos "attn.rel_pos_hook" [One Head Query Key];
        /// The residual stream entering the block.
        ResidPre resid_pre "hook_resid_pre" [Batch Pos DModel];
        /// What attention reads, one copy for every head, so that one head's input can be changed alone.
        AttnIn attn_in "hook_attn_in" [Batch Pos Head DModel] gated;
        /// What the queries are made from, one copy for every head.
        QInput q_input "hook_q_input" [Batch Pos Head DModel] gated;
        /// What the keys are made from, one copy for every key head.
        KInput k_input "hook_k_input" [Batch Pos KvHead DModel] gated;
        /// What the values are made from, one copy for every value head.
        VInput v_input "hook_v_input" [Batch Pos KvHead DModel] gated;
        /// Standard deviation (or root mean square) that the first norm divides by.
        Ln1Scale ln1_scale "ln1.hook_scale" [Batch Pos One];
        /// The attention's input after the first norm, before its weight and bias.
        Ln1Normalized ln1_normalized "ln1.hook_normalized" [Batch Pos DModel];
        /// The attention's own input (short-former models only).
        AttnInput attn_input "attn.hook_attn_input" [Batch Pos DModel];
        /// Queries: what each position looks for, by head.
        Q q "attn.hook_q" [Batch Pos Head DHead];
        /// Keys: what each position offers to be found by, by key head.
        K k "attn.hook_k" [Batch Pos KvHead DHead];
        /// Values: what each position hands over when looked at, by value head.
        V v "attn.hook_v" [Batch Pos KvHead DHead];
        /// What each query is divided by, in models that norm queries and keys.
        QNormScale q_norm_scale "attn.q_norm.hook_scale" [Batch Pos Head One];
        /// Queries after their norm, before its weight.
        QNormNormalized q_norm_normalized "attn.q_norm.hook_normalized" [Batch Pos Head DHead];
        /// What each key is divided by, in models that norm queries and keys.
        KNormScale k_norm_scale "attn.k_norm.hook_scale" [Batch Pos KvHead One];
        /// Keys after their norm, before its weight.
        KNormNormalized k_norm_normalized "attn.k_norm.hook_normalized" [Batch Pos KvHead DHead];
        /// Queries after the rotary position turn.
        RotQ rot_q "attn.hook_rot_q" [Batch Pos Head DHead];
        /// Keys after the rotary position turn.
        RotK rot_k "attn.hook_rot_k" [Batch Pos KvHead DHead];
        /// Attention scores after scaling, bias and mask (masked places are -inf), before softmax.
        AttnScores attn_scores "attn.hook_attn_scores" [Batch Head Query Key];
        /// Attention pattern: how much each query position looks at each key position; rows sum to 1.
        Pattern pattern "attn.hook_pattern" [Batch Head Query Key];
        /// What each head read: the values, mixed by the pattern, before the output matrix.
        Z z "attn.hook_z" [Batch Pos Head DHead];
        /// What each head writes to the residual stream: `z` through that head's output matrix, without the bias.
        Result result "attn.hook_result" [Batch Pos Head DModel] gated;
        /// Scale of the norm on what attention writes (Gemma 2, OLMo 2).
        Ln1PostScale ln1_post_scale "ln1_post.hook_scale" [Batch Pos One];
        /// Output of attention after its own norm, before that norm's weight.
        Ln1PostNormalized ln1_post_normalized "ln1_post.hook_normalized" [Batch Pos DModel];
        /// What attention adds to the residual stream, its bias included.
        AttnOut attn_out "hook_attn_out" [Batch Pos DModel];
        /// The residual stream between attention and MLP.
        ResidMid resid_mid "hook_resid_mid" [Batch Pos DModel];
        /// What cross attention's queries are made from (decoders of encoder-decoder models).
        CrossAttnIn cross_attn_in "hook_cross_attn_in" [Batch Pos DModel] gated;
        /// Queries of cross attention.
        CrossQ cross_q "cross_attn.hook_q" [Batch Pos Head DHead];
        /// Keys of cross attention, from the encoder.
        CrossK cross_k "cross_attn.hook_k" [Batch Pos KvHead DHead];
        /// Values of cross attention, from the encoder.
        CrossV cross_v "cross_attn.hook_v" [Batch Pos KvHead DHead];
        /// Scores of cross attention.
        CrossAttnScores cross_attn_scores "cross_attn.hook_attn_scores" [Batch Head Query Key];
        /// Pattern of cross attention: decoder positions look at encoder positions.
        CrossPattern cross_pattern "cross_attn.hook_pattern" [Batch Head Query Key];
        /// What each cross-attention head read.
        CrossZ cross_z "cross_attn.hook_z" [Batch Pos Head DHead];
        /// What each cross-attention head writes.
        CrossResult cross_result "cross_attn.hook_result" [Batch Pos Head DModel] gated;
        /// What cross attention adds to the residual stream.
        CrossAttnOut cross_attn_out "hook_cross_attn_out" [Batch Pos DModel];
        /// The residual stream after cross attention.
        ResidMidCross resid_mid_cross "hook_resid_mid_cross" [Batch Pos DModel];
        /// The residual stream as the MLP is about to read it, before the second norm.
        MlpIn mlp_in "hook_mlp_in" [Batch Pos DModel] gated;
        /// Scale of the second norm.
        Ln2Scale ln2_scale "ln2.hook_scale" [Batch Pos One];
        /// The MLP's input after the second norm, before its weight and bias.
        Ln2Normalized ln2_normalized "ln2.hook_normalized" [Batch Pos DModel];
        /// Scale of the third norm, before the MLP of a decoder that also looks across.
        Ln3Scale ln3_scale "ln3.hook_scale" [Batch Pos One];
        /// That MLP's input after the third norm, before its weight.
        Ln3Normalized ln3_normalized "ln3.hook_normalized" [Batch Pos DModel];
        /// Neurons before the nonlinearity (the gate's branch in a gated MLP).
        MlpPre mlp_pre "mlp.hook_pre" [Batch Pos DMlp];
        /// The linear branch of a gated MLP.
        MlpPreLinear mlp_pre_linear "mlp.hook_pre_linear" [Batch Pos DMlp];
        /// Neurons of a SoLU-with-norm MLP between nonlinearity and norm.
        MlpMid mlp_mid "mlp.hook_mid" [Batch Pos DMlp];
        /// Scale of the norm inside a SoLU-with-norm MLP.
        MlpLnScale mlp_ln_scale "mlp.ln.hook_scale" [Batch Pos One];
        /// Neurons after the norm inside a SoLU-with-norm MLP, before its weight.
        MlpLnNormalized mlp_ln_normalized "mlp.ln.hook_normalized" [Batch Pos DMlp];
        /// Neurons after the nonlinearity (times the linear branch in a gated MLP): what writes to the residual stream.
        MlpPost mlp_post "mlp.hook_post" [Batch Pos DMlp];
        /// How much each chosen expert counts (mixture-of-experts models).
        ExpertWeights expert_weights "mlp.hook_expert_weights" [Pos Expert];
        /// Which experts were chosen (mixture-of-experts models).
        ExpertIndices expert_indices "mlp.hook_expert_indices" [Pos Expert];
        /// Scale of the norm on what an MLP writes (Gemma 2, OLMo 2).
        Ln2PostScale ln2_post_scale "ln2_post.hook_scale" [Batch Pos One];
        /// Output of the MLP after its own norm, before that norm's weight.
        Ln2PostNormalized ln2_post_normalized "ln2_post.hook_normalized" [Batch Pos DModel];
        /// What the MLP adds to the residual stream.
        MlpOut mlp_out "hook_mlp_out" [Batch Pos DModel];
        /// The residual stream leaving the block.
        ResidPost resid_post "hook_resid_post" [Batch Pos DModel];
        /// The residual stream leaving a post-norm block, after its second norm (BERT).
        NormalizedResidPost normalized_resid_post "hook_normalized_resid_post" [Batch Pos DModel];
    }
    Expert {
        /// One expert's gate.
        ExpertGate expert_gate "hook_gate" [Pos DMlp];
        /// One expert's neurons before the nonlinearity.
        ExpertPre expert_pre "hook_pre" [Pos DMlp];
        /// One expert's neurons after the nonlinearity.
        ExpertPost expert_post "hook_post" [Pos DMlp];
    }
}

/// When a forward pass comes to a place that a model has once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Start,
    AfterEncoder,
    BeforeDecoder,
    End,
}

impl Point {
    /// When a forward pass comes to a place that a model has once.
    pub(crate) fn stage(self) -> Stage {
        use Point::*;
        match self {
            LnFinalScale
            | LnFinalNormalized
            | DecoderFinalLnScale
            | DecoderFinalLnNormalized
            | PoolerOut
            | NspOut
            | MlmHeadScale
            | MlmHeadNormalized
            | UnembedIn
            | UnembedOut => Stage::End,
            EncoderFinalLnScale | EncoderFinalLnNormalized => Stage::AfterEncoder,
            DecoderTokens | DecoderEmbed => Stage::BeforeDecoder,
            _ => Stage::Start,
        }
    }

    /// Whether a model has the place once, not in every block.
    pub(crate) const fn is_once(self) -> bool {
        // The table begins with them.
        self as usize <= Self::UnembedOut as usize
    }

    /// The same place in one stack of an encoder-decoder, where each stack has its own.
    pub(crate) const fn in_stack(self, stack: Stack) -> Self {
        use Point::*;
        match (stack, self) {
            (Stack::Decoder, Tokens) => DecoderTokens,
            (Stack::Decoder, Embed) => DecoderEmbed,
            (Stack::Decoder, LnFinalScale | EncoderFinalLnScale) => DecoderFinalLnScale,
            (Stack::Decoder, LnFinalNormalized | EncoderFinalLnNormalized) => DecoderFinalLnNormalized,
            (Stack::Encoder, DecoderTokens) => Tokens,
            (Stack::Encoder, DecoderEmbed) => Embed,
            (Stack::Encoder, LnFinalScale | DecoderFinalLnScale) => EncoderFinalLnScale,
            (Stack::Encoder, LnFinalNormalized | DecoderFinalLnNormalized) => EncoderFinalLnNormalized,
            (_, other) => other,
        }
    }

    /// Whether the place is as wide as the embeddings, not as the residual stream: before they are brought to its
    /// width, and where it has been brought back to theirs.
    pub(crate) fn is_embed_wide(self) -> bool {
        use Point::*;
        matches!(
            self,
            Embed
                | DecoderEmbed
                | PosEmbed
                | EncoderEmbed
                | EncoderPosEmbed
                | TokenTypeEmbed
                | EmbedLnNormalized
                | MlmHeadNormalized
                | UnembedIn
        )
    }

    /// The same place in cross attention, or behind it.
    pub(crate) fn across(self) -> Self {
        match self {
            Self::Q => Self::CrossQ,
            Self::K => Self::CrossK,
            Self::V => Self::CrossV,
            Self::AttnScores => Self::CrossAttnScores,
            Self::Pattern => Self::CrossPattern,
            Self::Z => Self::CrossZ,
            Self::Result => Self::CrossResult,
            Self::AttnOut => Self::CrossAttnOut,
            Self::ResidMid => Self::ResidMidCross,
            other => other,
        }
    }

    pub(crate) fn row(self) -> &'static Row {
        // The table is made from the same list as the enum, in the same order.
        &TABLE[self as usize]
    }

    /// Names that TransformerLens 4 gives to exactly the same tensors, accepted when reading.
    pub(crate) fn from_bridge_name(place: Place, name: &str) -> Option<Self> {
        Some(match (place, name) {
            (Place::Model, "embed.hook_out") => Self::Embed,
            (Place::Model, "pos_embed.hook_out") => Self::PosEmbed,
            (Place::Model, "ln_final.hook_out") => Self::UnembedIn,
            (Place::Block, "hook_in") => Self::ResidPre,
            (Place::Block, "hook_out") => Self::ResidPost,
            (Place::Block, "attn.q.hook_out") => Self::Q,
            (Place::Block, "attn.k.hook_out") => Self::K,
            (Place::Block, "attn.v.hook_out") => Self::V,
            (Place::Block, "attn.hook_out") => Self::AttnOut,
            (Place::Block, "mlp.out.hook_in") => Self::MlpPost,
            (Place::Block, "mlp.hook_out" | "mlp.out.hook_out") => Self::MlpOut,
            _ => return None,
        })
    }
}
