//! The table of all hook points: each one's name inside a block or a model, its axes, and whether recording it costs
//! extra.
//!
//! To add a hook point, add one row here; the constructor of [`Site`] follows from it.

use super::Site;
use crate::{
    axes::Axis::{self, *},
    index::ToIndex,
};

/// How often a [`Point`] occurs: once in a model, once in every block, or once in every expert of a block.
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
    /// Recording it costs extra memory or time, so it is recorded only when named.
    pub(crate) gated: bool,
}

impl Row {
    /// The site of a point that occurs once in a model.
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

/// The axes of a row in the words of the glossary, for its documentation: `batch, pos, d_model`.
macro_rules! words {
    ($first:ident $($axis:ident)*) => { concat!(words!(@ $first), $(", ", words!(@ $axis)),*) };
    (@ Batch) => { "batch" };
    (@ Pos) => { "pos" };
    (@ Mel) => { "mel" };
    (@ MelFrame) => { "mel_frame" };
    (@ Query) => { "query" };
    (@ Key) => { "key" };
    (@ Head) => { "head" };
    (@ KvHead) => { "kv_head" };
    (@ DModel) => { "d_model" };
    (@ DHead) => { "d_head" };
    (@ DMlp) => { "d_mlp" };
    (@ DVocab) => { "d_vocab" };
    (@ Expert) => { "expert" };
    (@ Class) => { "class" };
    (@ One) => { "one" };
}

macro_rules! points {
    ($( $place:ident { $( $(#[doc = $doc:literal])+ $variant:ident $ctor:ident $name:literal [$($axis:ident)*] $($gated:ident)?; )* } )*) => {
        /// What a site holds, whatever its layer: `resid_pre`, `pattern`, ...
        ///
        /// # Examples
        /// ```
        /// use glassbox::prelude::*;
        /// assert_eq!(Site::pattern(3).point(), Point::Pattern);
        /// let outputs = Sites::filter(|site| matches!(site.point(), Point::AttnOut | Point::MlpOut));
        /// let run = Model::open("grammar-4l")?.pass("The keys")?.record(outputs).run()?;
        /// assert_eq!(run.cache().len(), 8); // two in each of four layers
        /// # Ok::<(), glassbox::Error>(())
        /// ```
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
        #[doc = concat!("\n\nThe hook `", $name, "`.\n\n# Shapes\n`[", words!($($axis)*), "]` in the words of [`axes`](crate::axes).")]
        pub const fn $ctor() -> Self { Self::of_model(Point::$variant) }
    };
    (@ctor Block $(#[doc = $doc:literal])+ $variant:ident $ctor:ident $name:literal [$($axis:ident)*]) => {
        $(#[doc = $doc])+
        #[doc = concat!("\n\nThe hook `blocks.{layer}.", $name, "`.\n\n# Shapes\n`[", words!($($axis)*), "]` in the words of [`axes`](crate::axes).")]
        pub fn $ctor(layer: impl ToIndex) -> Self { Self::of_block(layer, Point::$variant) }
    };
    (@ctor Expert $(#[doc = $doc:literal])+ $variant:ident $ctor:ident $name:literal [$($axis:ident)*]) => {
        $(#[doc = $doc])+
        #[doc = concat!("\n\nThe hook `blocks.{layer}.mlp.experts.{expert}.", $name, "`.\n\n# Shapes\n`[", words!($($axis)*), "]` in the words of [`axes`](crate::axes).")]
        pub fn $ctor(layer: impl ToIndex, expert: usize) -> Self { Self::of_expert(layer, expert, Point::$variant) }
    };
}

points! {
    Model {
        /// The token ids the model reads.
        Tokens tokens "hook_tokens" [Batch Pos] gated;
        /// Token embeddings, where the residual stream starts.
        Embed embed "hook_embed" [Batch Pos DModel];
        /// Learned position embeddings, added to the token embeddings. A Shortformer adds them to the inputs of queries
        /// and keys.
        PosEmbed pos_embed "hook_pos_embed" [Batch Pos DModel];
        /// Token embeddings of an encoder such as BERT.
        EncoderEmbed encoder_embed "embed.hook_embed" [Batch Pos DModel];
        /// Position embeddings of an encoder such as BERT.
        EncoderPosEmbed encoder_pos_embed "embed.hook_pos_embed" [Batch Pos DModel];
        /// Token-type (sentence A or B) embeddings of an encoder such as BERT.
        TokenTypeEmbed token_type_embed "embed.hook_token_type_embed" [Batch Pos DModel];
        /// The standard deviation that the embedding norm divides by.
        EmbedLnScale embed_ln_scale "embed.ln.hook_scale" [Batch Pos One];
        /// The embeddings after the embedding norm, before its weight and bias.
        EmbedLnNormalized embed_ln_normalized "embed.ln.hook_normalized" [Batch Pos DModel];
        /// The log-mel spectrogram that the encoder of a speech model reads.
        Mel mel "hook_mel" [Batch Mel MelFrame];
        /// The output of the first convolution over the spectrogram, before its nonlinearity.
        Conv1Out conv1_out "encoder.conv1.hook_out" [Batch DModel MelFrame];
        /// The output of the second convolution, which halves the number of columns, before its nonlinearity.
        Conv2Out conv2_out "encoder.conv2.hook_out" [Batch DModel Pos];
        /// The frames of sound that positions are added to: what the residual stream of a speech model's encoder starts
        /// from.
        FrameEmbed frame_embed "encoder.hook_embed" [Batch Pos DModel];
        /// The position vectors that are added to the frames of sound.
        FramePosEmbed frame_pos_embed "encoder.hook_pos_embed" [Batch Pos DModel];
        /// The token ids that the decoder of an encoder-decoder reads.
        DecoderTokens decoder_tokens "decoder.hook_tokens" [Batch Pos] gated;
        /// Token embeddings of the decoder in an encoder-decoder: what its residual stream starts from.
        DecoderEmbed decoder_embed "decoder.hook_embed" [Batch Pos DModel];
        /// Learned position embeddings of the decoder in an encoder-decoder (Whisper).
        DecoderPosEmbed decoder_pos_embed "decoder.hook_pos_embed" [Batch Pos DModel];
        /// All embeddings summed and normed: what the first block of an encoder reads.
        FullEmbed full_embed "hook_full_embed" [Batch Pos DModel];
        /// The standard deviation, or root mean square, that the final norm divides the last residual stream by.
        LnFinalScale ln_final_scale "ln_final.hook_scale" [Batch Pos One];
        /// The final residual stream after normalization, before the final norm's weight and bias.
        LnFinalNormalized ln_final_normalized "ln_final.hook_normalized" [Batch Pos DModel];
        /// The scale of the encoder's final norm (encoder-decoder models).
        EncoderFinalLnScale encoder_final_ln_scale "encoder_final_ln.hook_scale" [Batch Pos One];
        /// The encoder's final residual stream after normalization (encoder-decoder models).
        EncoderFinalLnNormalized encoder_final_ln_normalized "encoder_final_ln.hook_normalized" [Batch Pos DModel];
        /// The encoder's output after its final norm, with the norm's weight and bias: what cross attention reads.
        EncoderFinalLnOut encoder_final_ln_out "encoder_final_ln.hook_out" [Batch Pos DModel];
        /// The scale of the decoder's final norm (encoder-decoder models).
        DecoderFinalLnScale decoder_final_ln_scale "decoder_final_ln.hook_scale" [Batch Pos One];
        /// The decoder's final residual stream after normalization (encoder-decoder models).
        DecoderFinalLnNormalized decoder_final_ln_normalized "decoder_final_ln.hook_normalized" [Batch Pos DModel];
        /// The pooler's output for the first token, after its tanh: the input of an encoder's sentence classifiers.
        PoolerOut pooler_out "pooler.hook_pooler_out" [Batch DModel];
        /// The scores of next-sentence prediction.
        NspOut nsp_out "nsp_head.hook_nsp_out" [Batch Class];
        /// The scale of the masked-LM head's norm.
        MlmHeadScale mlm_head_scale "mlm_head.ln.hook_scale" [Batch Pos One];
        /// The input of the masked-LM unembedding after normalization, before the norm's weight and bias.
        MlmHeadNormalized mlm_head_normalized "mlm_head.ln.hook_normalized" [Batch Pos DModel];
        /// The input of the unembedding: the final residual stream after the final norm.
        UnembedIn unembed_in "unembed.hook_in" [Batch Pos DModel];
        /// The output of the unembedding, before the logit scale or soft cap that some models apply.
        UnembedOut unembed_out "unembed.hook_out" [Batch Pos DVocab] gated;
    }
    Block {
        /// The relative position bias that is added to the attention scores (T5, first block of a stack).
        RelPos rel_pos "attn.rel_pos_hook" [One Head Query Key];
        /// The residual stream at the start of the block.
        ResidPre resid_pre "hook_resid_pre" [Batch Pos DModel];
        /// The input of attention, copied for every head so that one head's input can be changed alone.
        AttnIn attn_in "hook_attn_in" [Batch Pos Head DModel] gated;
        /// The input of the queries, copied for every head.
        QInput q_input "hook_q_input" [Batch Pos Head DModel] gated;
        /// The input of the keys, copied for every key head.
        KInput k_input "hook_k_input" [Batch Pos KvHead DModel] gated;
        /// The input of the values, copied for every value head.
        VInput v_input "hook_v_input" [Batch Pos KvHead DModel] gated;
        /// The standard deviation, or root mean square, that the first norm divides by.
        Ln1Scale ln1_scale "ln1.hook_scale" [Batch Pos One];
        /// The attention's input after the first norm, before its weight and bias.
        Ln1Normalized ln1_normalized "ln1.hook_normalized" [Batch Pos DModel];
        /// The attention's own input (Shortformer models only).
        AttnInput attn_input "attn.hook_attn_input" [Batch Pos DModel];
        /// The queries of each head: what each position looks for.
        Q q "attn.hook_q" [Batch Pos Head DHead];
        /// The keys of each key head: what each position is found by.
        K k "attn.hook_k" [Batch Pos KvHead DHead];
        /// The values of each value head: what each position passes on when it is attended to.
        V v "attn.hook_v" [Batch Pos KvHead DHead];
        /// The scale that each query is divided by, in models that normalize queries and keys.
        QNormScale q_norm_scale "attn.q_norm.hook_scale" [Batch Pos Head One];
        /// The queries after their norm, before its weight.
        QNormNormalized q_norm_normalized "attn.q_norm.hook_normalized" [Batch Pos Head DHead];
        /// The scale that each key is divided by, in models that normalize queries and keys.
        KNormScale k_norm_scale "attn.k_norm.hook_scale" [Batch Pos KvHead One];
        /// The keys after their norm, before its weight.
        KNormNormalized k_norm_normalized "attn.k_norm.hook_normalized" [Batch Pos KvHead DHead];
        /// The queries after rotary position embedding.
        RotQ rot_q "attn.hook_rot_q" [Batch Pos Head DHead];
        /// The keys after rotary position embedding.
        RotK rot_k "attn.hook_rot_k" [Batch Pos KvHead DHead];
        /// The attention scores after scaling, bias and mask, before softmax. Masked entries are -inf.
        AttnScores attn_scores "attn.hook_attn_scores" [Batch Head Query Key];
        /// The attention pattern: how much each query position attends to each key position. Rows sum to 1.
        Pattern pattern "attn.hook_pattern" [Batch Head Query Key];
        /// The output of each head before its output matrix W_O: the values weighted by the pattern.
        Z z "attn.hook_z" [Batch Pos Head DHead];
        /// The output of each head in the residual stream: `z` times the head's W_O, without the bias.
        Result result "attn.hook_result" [Batch Pos Head DModel] gated;
        /// The scale of the norm on attention's output (Gemma 2, OLMo 2).
        Ln1PostScale ln1_post_scale "ln1_post.hook_scale" [Batch Pos One];
        /// The output of attention after its own norm, before that norm's weight.
        Ln1PostNormalized ln1_post_normalized "ln1_post.hook_normalized" [Batch Pos DModel];
        /// The output of attention, including its bias, as it is added to the residual stream.
        AttnOut attn_out "hook_attn_out" [Batch Pos DModel];
        /// The residual stream between attention and MLP.
        ResidMid resid_mid "hook_resid_mid" [Batch Pos DModel];
        /// The input of cross attention's queries (decoders of encoder-decoder models).
        CrossAttnIn cross_attn_in "hook_cross_attn_in" [Batch Pos DModel] gated;
        /// The queries of cross attention.
        CrossQ cross_q "cross_attn.hook_q" [Batch Pos Head DHead];
        /// The keys of cross attention, computed from the encoder's output.
        CrossK cross_k "cross_attn.hook_k" [Batch Pos KvHead DHead];
        /// The values of cross attention, computed from the encoder's output.
        CrossV cross_v "cross_attn.hook_v" [Batch Pos KvHead DHead];
        /// The scores of cross attention.
        CrossAttnScores cross_attn_scores "cross_attn.hook_attn_scores" [Batch Head Query Key];
        /// The pattern of cross attention: how much each decoder position attends to each encoder position.
        CrossPattern cross_pattern "cross_attn.hook_pattern" [Batch Head Query Key];
        /// The output of each cross-attention head before its output matrix.
        CrossZ cross_z "cross_attn.hook_z" [Batch Pos Head DHead];
        /// The output of each cross-attention head in the residual stream.
        CrossResult cross_result "cross_attn.hook_result" [Batch Pos Head DModel] gated;
        /// The output of cross attention, as it is added to the residual stream.
        CrossAttnOut cross_attn_out "hook_cross_attn_out" [Batch Pos DModel];
        /// The residual stream after cross attention.
        ResidMidCross resid_mid_cross "hook_resid_mid_cross" [Batch Pos DModel];
        /// The input of the MLP, before the second norm.
        MlpIn mlp_in "hook_mlp_in" [Batch Pos DModel] gated;
        /// The scale of the second norm.
        Ln2Scale ln2_scale "ln2.hook_scale" [Batch Pos One];
        /// The MLP's input after the second norm, before its weight and bias.
        Ln2Normalized ln2_normalized "ln2.hook_normalized" [Batch Pos DModel];
        /// The scale of the third norm, which precedes the MLP in a decoder with cross attention.
        Ln3Scale ln3_scale "ln3.hook_scale" [Batch Pos One];
        /// The MLP's input after the third norm, before its weight.
        Ln3Normalized ln3_normalized "ln3.hook_normalized" [Batch Pos DModel];
        /// The neurons before the nonlinearity (the gate branch of a gated MLP).
        MlpPre mlp_pre "mlp.hook_pre" [Batch Pos DMlp];
        /// The linear branch of a gated MLP.
        MlpPreLinear mlp_pre_linear "mlp.hook_pre_linear" [Batch Pos DMlp];
        /// The neurons of a SoLU MLP after the nonlinearity and before its norm.
        MlpMid mlp_mid "mlp.hook_mid" [Batch Pos DMlp];
        /// The scale of the norm inside a SoLU MLP.
        MlpLnScale mlp_ln_scale "mlp.ln.hook_scale" [Batch Pos One];
        /// The neurons of a SoLU MLP after its norm, before the norm's weight.
        MlpLnNormalized mlp_ln_normalized "mlp.ln.hook_normalized" [Batch Pos DMlp];
        /// The neurons after the nonlinearity, times the linear branch in a gated MLP: the input of the MLP's output
        /// matrix.
        MlpPost mlp_post "mlp.hook_post" [Batch Pos DMlp];
        /// The weight of each chosen expert (mixture-of-experts models).
        ExpertWeights expert_weights "mlp.hook_expert_weights" [Pos Expert];
        /// The ids of the chosen experts (mixture-of-experts models).
        ExpertIndices expert_indices "mlp.hook_expert_indices" [Pos Expert];
        /// The scale of the norm on the MLP's output (Gemma 2, OLMo 2).
        Ln2PostScale ln2_post_scale "ln2_post.hook_scale" [Batch Pos One];
        /// The output of the MLP after its own norm, before that norm's weight.
        Ln2PostNormalized ln2_post_normalized "ln2_post.hook_normalized" [Batch Pos DModel];
        /// The output of the MLP, as it is added to the residual stream.
        MlpOut mlp_out "hook_mlp_out" [Batch Pos DModel];
        /// The residual stream at the end of the block.
        ResidPost resid_post "hook_resid_post" [Batch Pos DModel];
        /// The residual stream at the end of a post-norm block, after its second norm (BERT).
        NormalizedResidPost normalized_resid_post "hook_normalized_resid_post" [Batch Pos DModel];
    }
    Expert {
        /// The gate branch of one expert.
        ExpertGate expert_gate "hook_gate" [Pos DMlp];
        /// The neurons of one expert before the nonlinearity.
        ExpertPre expert_pre "hook_pre" [Pos DMlp];
        /// The neurons of one expert after the nonlinearity.
        ExpertPost expert_post "hook_post" [Pos DMlp];
    }
}

/// When a forward pass reaches a point that occurs once in a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Start,
    AfterEncoder,
    BeforeDecoder,
    End,
}
