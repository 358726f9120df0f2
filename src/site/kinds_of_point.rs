//! What kinds of points there are: when a pass reaches them, how they are named in two stacks and in bridges.

use super::{
    Point, Stack,
    point::{Place, Row, Stage, TABLE},
};

impl Point {
    /// When a forward pass reaches this point, which occurs once in a model.
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
            EncoderFinalLnScale | EncoderFinalLnNormalized | EncoderFinalLnOut => Stage::AfterEncoder,
            DecoderTokens | DecoderEmbed | DecoderPosEmbed => Stage::BeforeDecoder,
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
            (Stack::Decoder, Embed | FrameEmbed) => DecoderEmbed,
            (Stack::Decoder, PosEmbed | FramePosEmbed) => DecoderPosEmbed,
            (Stack::Decoder, LnFinalScale | EncoderFinalLnScale) => DecoderFinalLnScale,
            (Stack::Decoder, LnFinalNormalized | EncoderFinalLnNormalized) => DecoderFinalLnNormalized,
            (Stack::Encoder, DecoderTokens) => Tokens,
            (Stack::Encoder, DecoderEmbed) => Embed,
            (Stack::Encoder, DecoderPosEmbed) => FramePosEmbed,
            (Stack::Encoder, LnFinalScale | DecoderFinalLnScale) => EncoderFinalLnScale,
            (Stack::Encoder, LnFinalNormalized | DecoderFinalLnNormalized) => EncoderFinalLnNormalized,
            (_, other) => other,
        }
    }

    /// Whether the point is as wide as the embeddings where these are narrower than the residual stream: before they
    /// are projected up to it, and after the stream is projected back.
    pub(crate) fn is_embed_wide(self) -> bool {
        use Point::*;
        matches!(
            self,
            Embed
                | DecoderEmbed
                | DecoderPosEmbed
                | PosEmbed
                | EncoderEmbed
                | EncoderPosEmbed
                | TokenTypeEmbed
                | EmbedLnNormalized
                | MlmHeadNormalized
                | UnembedIn
        )
    }

    /// The same point in cross attention.
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
        // The table is built from the same list as the enum, in the same order.
        &TABLE[self as usize]
    }

    /// The point that TransformerLens 4 gives another name to. These names are accepted when reading.
    pub(crate) fn from_bridge_name(place: Place, name: &str) -> Option<Self> {
        Some(match (place, name) {
            (Place::Model, "embed.hook_out") => Self::Embed,
            (Place::Model, "pos_embed.hook_out") => Self::PosEmbed,
            (Place::Model, "ln_final.hook_out" | "decoder_final_ln.hook_out" | "decoder_ln_final.hook_out") => {
                Self::UnembedIn
            }
            (Place::Model, "encoder_ln_final.hook_out") => Self::EncoderFinalLnOut,
            (Place::Model, "decoder_embed.hook_out") => Self::DecoderEmbed,
            (Place::Model, "decoder_pos_embed.hook_out") => Self::DecoderPosEmbed,
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
