//! [`Config`]: the architecture as data.

mod kinds;
mod position;
mod processed;
mod sites;
mod sizes;

use crate::{
    index::{Counted, ToIndex, place},
    ops::Activation,
    site::{Layers, Site, Stack, ToSite},
};
pub use kinds::{Architecture, Experts, Heads, NormPlace, Normalization, Pooling, QkNorm};
pub(crate) use position::alibi_slopes;
pub use position::{LongContext, Position, Rotary};
pub use processed::{Processed, Step};
pub(crate) use sizes::Sizes;

/// Everything that tells one transformer's computation from another's.
///
/// Field names are TransformerLens's `HookedTransformerConfig` where it has the field.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Config {
    /// The architecture's name, as in `model_type` of a Hugging Face configuration.
    pub family: String,
    /// Decoder, encoder, or both.
    pub architecture: Architecture,
    /// Number of blocks; of the decoder, when there is an encoder too.
    pub n_layers: usize,
    /// Number of blocks of the encoder, in a model that has a decoder too; 0 elsewhere.
    pub n_encoder_layers: usize,
    /// Width of the residual stream.
    pub d_model: usize,
    /// Width of the embeddings before they are brought to `d_model` (ALBERT); `d_model` in nearly every model.
    pub d_embed: usize,
    /// Attention heads per block.
    pub n_heads: usize,
    /// Heads of keys and values per block; fewer than `n_heads` in grouped-query attention.
    pub n_key_value_heads: usize,
    /// Width of one head.
    pub d_head: usize,
    /// Neurons of a block's MLP (of one expert, in a mixture); 0 when `attn_only`.
    pub d_mlp: usize,
    /// Entries of the vocabulary.
    pub d_vocab: usize,
    /// The longest text, in tokens.
    pub n_ctx: usize,
    /// The padding token's id in models that count positions past it (RoBERTa): wherever it stands in a text it has no
    /// position of its own, and the tokens after it are counted as if it were not there. `None` in all others.
    pub unplaced_token: Option<u32>,
    /// Kinds of token, such as first and second sentence; 0 in models that know none.
    pub n_token_types: usize,
    /// Nonlinearity of the MLP.
    pub act_fn: Activation,
    /// The kind of norm.
    pub normalization: Normalization,
    /// Where a block's norms stand.
    pub norm_place: NormPlace,
    /// The norm of queries and keys, in models that have one.
    pub qk_norm: Option<QkNorm>,
    /// The embeddings are normed before the first block.
    pub embed_norm: bool,
    /// The last residual stream is normed before it is read.
    pub final_norm: bool,
    /// Added to the variance (or mean square) before its root is taken.
    pub eps: f64,
    /// How the model knows where a token stands.
    pub position: Position,
    /// The rotary frequencies of layers with a window, where they differ from the others' (Gemma 3).
    pub local_rotary: Option<Rotary>,
    /// Layers that turn nothing although the others do (SmolLM 3).
    pub no_rope_layers: Vec<usize>,
    /// By layer: how many tokens back a token sees, itself counted; `None` is all. Empty where no layer has a window.
    pub windows: Vec<Option<usize>>,
    /// Scores are multiplied by this; 1 / sqrt(d_head) unless the model says otherwise.
    pub attn_scale: f64,
    /// Queries, keys and values are cut off at plus or minus this (OLMo).
    pub clip_qkv: Option<f64>,
    /// Scores of layer `l` are divided by `l + 1` too.
    pub scale_attn_by_inverse_layer_idx: bool,
    /// Scores are squashed into plus or minus this by a tanh (Gemma 2).
    pub attn_scores_soft_cap: Option<f64>,
    /// Logits are squashed into plus or minus this by a tanh (Gemma 2).
    pub output_logits_soft_cap: Option<f64>,
    /// Embeddings are multiplied by this (Gemma: sqrt(d_model)).
    pub embed_scale: f64,
    /// What attention and MLP add to the residual stream is multiplied by this (Granite).
    pub residual_scale: f64,
    /// What the unembedding reads is multiplied by this (T5, where it is the embedding turned: 1 / sqrt(d_model)).
    pub unembed_scale: f64,
    /// Logits are multiplied by this.
    pub logit_scale: f64,
    /// Blocks have attention and nothing else.
    pub attn_only: bool,
    /// Attention and MLP read the same residual stream side by side.
    pub parallel_attn_mlp: bool,
    /// The MLP multiplies two branches (SwiGLU and its kin).
    pub gated_mlp: bool,
    /// Each MLP is a mixture of experts.
    pub experts: Option<Experts>,
    /// The unembedding is the embedding, turned.
    pub tied: bool,
    /// Tensors that the configuration takes for others under a second name, and whose values differ in the file: the
    /// model computes with them as they are stored. `lm_head.weight` of a model that says it is tied.
    pub untied: Vec<String>,
    /// What the file holds and the model knowingly does not compute with: the part that sees images, of a model that is
    /// read for its text.
    pub left_out: Vec<String>,
    /// What reads the last residual stream.
    pub heads: Heads,
    /// How sentence embeddings are made; the mean unless a sentence-transformers model's files say otherwise.
    pub sentence_pooling: Pooling,
    /// The token that the decoder of an encoder-decoder starts from.
    pub decoder_start: Option<u32>,
    /// What was done to the weights after they were learned.
    pub processed: Processed,
}

impl Config {
    /// Texts of more tokens than this are turned by other angles (LongRoPE).
    pub(crate) fn long_after(&self) -> Option<usize> {
        match &self.position {
            Position::Rotary(Rotary { long: Some(long), .. }) => Some(long.after),
            _ => None,
        }
    }

    /// A decoder with nothing out of the ordinary, for families to say what differs.
    pub(crate) fn base(family: &str) -> Self {
        Self {
            family: family.into(),
            architecture: Architecture::Decoder,
            n_layers: 0,
            n_encoder_layers: 0,
            d_model: 0,
            d_embed: 0,
            n_heads: 0,
            n_key_value_heads: 0,
            d_head: 0,
            d_mlp: 0,
            d_vocab: 0,
            n_ctx: 0,
            unplaced_token: None,
            n_token_types: 0,
            act_fn: Activation::Relu,
            normalization: Normalization::LayerNorm,
            norm_place: NormPlace::Before,
            qk_norm: None,
            embed_norm: false,
            final_norm: true,
            eps: 1e-5,
            position: Position::Learned,
            local_rotary: None,
            no_rope_layers: Vec::new(),
            windows: Vec::new(),
            attn_scale: 1.0,
            clip_qkv: None,
            scale_attn_by_inverse_layer_idx: false,
            attn_scores_soft_cap: None,
            output_logits_soft_cap: None,
            embed_scale: 1.0,
            residual_scale: 1.0,
            unembed_scale: 1.0,
            logit_scale: 1.0,
            attn_only: false,
            parallel_attn_mlp: false,
            gated_mlp: false,
            experts: None,
            tied: false,
            untied: Vec::new(),
            left_out: Vec::new(),
            heads: Heads { unembed: true, ..Heads::default() },
            sentence_pooling: Pooling::Mean,
            decoder_start: None,
            processed: Processed::default(),
        }
    }

    /// How many layers each stack has.
    pub(crate) fn layers(&self) -> Layers {
        Layers::new(|stack| if self.stacks().contains(&stack) { self.layers_of(stack) } else { 0 })
    }

    /// The site that is meant, its layer counted from 0. Whether this model has it is another question.
    pub(crate) fn site(&self, site: impl ToSite) -> crate::Result<Site> {
        site.site_in(self.layers())
    }

    /// The number of blocks of a stack.
    pub(crate) fn layers_of(&self, stack: Stack) -> usize {
        if stack == Stack::Encoder { self.n_encoder_layers } else { self.n_layers }
    }

    /// Whether positions are learned vectors, wherever they are added.
    pub(crate) fn has_position_vectors(&self) -> bool {
        matches!(self.position, Position::Learned | Position::Shortformer)
    }

    /// How many tokens back a token sees at this layer, itself counted; `None` is all, and where there is no such layer.
    pub fn window(&self, layer: impl ToIndex) -> Option<usize> {
        self.windows.get(place(layer.to_index(), self.windows.len())?).copied().flatten()
    }

    /// The rotary frequencies of a layer, where there is one that turns queries and keys.
    pub fn rotary(&self, layer: usize) -> Option<Rotary> {
        self.turn(layer).cloned()
    }

    /// As [`Config::rotary`], to be looked at.
    pub(crate) fn turn(&self, layer: usize) -> Option<&Rotary> {
        match (&self.position, &self.local_rotary) {
            _ if self.no_rope_layers.contains(&layer) => None,
            (Position::Rotary(_), Some(local)) if self.window(layer).is_some() => Some(local),
            (Position::Rotary(rotary), _) => Some(rotary),
            _ => None,
        }
    }

    /// What the scores of a layer are multiplied by.
    ///
    /// # Errors
    /// When there is no such layer.
    pub fn attn_scale(&self, layer: impl ToIndex) -> crate::Result<f64> {
        let layers = Counted::layers(self.n_layers.max(self.n_encoder_layers));
        Ok(self.scale_of_scores(layers.index(layer)?))
    }

    pub(crate) fn scale_of_scores(&self, layer: usize) -> f64 {
        let by_layer = if self.scale_attn_by_inverse_layer_idx { layer as f64 + 1.0 } else { 1.0 };
        self.attn_scale / by_layer
    }
}
