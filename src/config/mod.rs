//! [`Config`]: the architecture as data. Families fill it in, and the network, the sites and the weights follow from
//! it.
//!
//! To add a field, touch `Config::base` and the native family, which writes every field. To add a kind of norm or
//! pooling, touch `kinds.rs`. To add a kind of position, touch `position.rs`.

mod kinds;
mod position;
mod processing_record;
mod sites;
mod sizes;
mod stack;

use crate::{
    index::{Counted, ToIndex, from_either_end},
    ops::Activation,
    site::{Layers, Site, Stack, ToSite},
};
pub use kinds::{Architecture, Experts, Heads, NormPlace, Normalization, Pooling, QkNorm};
pub(crate) use position::alibi_slopes;
pub use position::{LongContext, Position, Rotary};
pub use processing_record::{ProcessingRecord, Step};
pub(crate) use sizes::Sizes;
pub use stack::StackConfig;

/// Everything that distinguishes one transformer's computation from another's.
///
/// Fields that TransformerLens's `HookedTransformerConfig` also has keep its names.
///
/// # Examples
/// ```
/// use glassbox::Model;
/// let model = Model::open("grammar-4l")?;
/// let config = model.config();
/// assert_eq!((config.n_layers, config.d_model), (4, 128));
/// assert_eq!(config.n_heads * config.d_head, config.d_model);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Config {
    /// The name of the architecture: the `model_type` of its Hugging Face configuration.
    pub family: String,
    /// Whether the model is a decoder, an encoder or both.
    pub architecture: Architecture,
    /// The number of blocks; in an encoder-decoder, those of the decoder.
    pub n_layers: usize,
    /// What the encoder of an encoder-decoder has for itself; `None` in a model of one stack. [`Config::stack`] returns
    /// the part of either stack.
    pub encoder: Option<StackConfig>,
    /// The width of the residual stream.
    pub d_model: usize,
    /// The width of the embeddings before they are projected to `d_model` (ALBERT); `d_model` in nearly every model.
    pub d_embed: usize,
    /// The number of attention heads in a block.
    pub n_heads: usize,
    /// The number of key and value heads in a block; fewer than `n_heads` in grouped-query attention.
    pub n_key_value_heads: usize,
    /// The width of one head.
    pub d_head: usize,
    /// The number of neurons in a block's MLP (in one expert of a mixture); 0 if `attn_only`.
    pub d_mlp: usize,
    /// The size of the vocabulary.
    pub d_vocab: usize,
    /// The most tokens of a text.
    pub n_ctx: usize,
    /// The id of the padding token in models that skip it when they count positions (RoBERTa). It has no position of
    /// its own anywhere in a text, and later tokens are counted as if it were absent. `None` in all other models.
    pub unplaced_token: Option<u32>,
    /// The number of bands of the log-mel spectrogram that the encoder of a speech model reads; 0 in a model of text.
    pub n_mels: usize,
    /// The number of token types, such as first and second sentence; 0 in models without them.
    pub n_token_types: usize,
    /// The nonlinearity of the MLP.
    pub act_fn: Activation,
    /// The kind of norm.
    pub normalization: Normalization,
    /// Where the norms of a block are applied.
    pub norm_place: NormPlace,
    /// The norm of queries and keys, if there is one.
    pub qk_norm: Option<QkNorm>,
    /// Whether the embeddings are normed before the first block.
    pub embed_norm: bool,
    /// Whether the last residual stream is normed before it is read.
    pub final_norm: bool,
    /// The number added to the variance (or mean square) before its square root.
    pub eps: f64,
    /// How the model represents positions.
    pub position: Position,
    /// The rotary frequencies of layers with a sliding window, if they differ from the others' (Gemma 3).
    pub local_rotary: Option<Rotary>,
    /// The layers without rotary embedding in a model whose other layers have it (SmolLM 3).
    pub no_rope_layers: Vec<usize>,
    /// The width of each layer's sliding window, counting the token itself; `None` for full attention. Empty if no
    /// layer has a window.
    pub windows: Vec<Option<usize>>,
    /// The factor of attention scores; 1 / sqrt(d_head) in most models.
    pub attn_scale: f64,
    /// The limit that queries, keys and values are clipped to, positive and negative (OLMo).
    pub clip_qkv: Option<f64>,
    /// Whether the scores of layer `l` are also divided by `l + 1`.
    pub scale_attn_by_inverse_layer_idx: bool,
    /// The soft cap of attention scores, which are squashed into plus or minus this by a tanh (Gemma 2).
    pub attn_scores_soft_cap: Option<f64>,
    /// The soft cap of logits, which are squashed into plus or minus this by a tanh (Gemma 2).
    pub output_logits_soft_cap: Option<f64>,
    /// The factor of embeddings (Gemma: sqrt(d_model)).
    pub embed_scale: f64,
    /// The factor of everything that attention and MLP add to the residual stream (Granite).
    pub residual_scale: f64,
    /// The factor of the unembedding's input (T5 with tied embeddings: 1 / sqrt(d_model)).
    pub unembed_scale: f64,
    /// The factor of the logits.
    pub logit_scale: f64,
    /// Whether blocks have attention only.
    pub attn_only: bool,
    /// Whether attention and MLP read the same residual stream in parallel.
    pub parallel_attn_mlp: bool,
    /// Whether the MLP multiplies two branches (SwiGLU and its relatives).
    pub gated_mlp: bool,
    /// The mixture of experts, if the MLPs are one.
    pub experts: Option<Experts>,
    /// Whether the unembedding is the transposed embedding.
    pub tied: bool,
    /// Tensors that the configuration declares to be duplicates but whose values differ in the file, such as
    /// `lm_head.weight` of a model declared as tied. The model uses them as stored.
    pub untied: Vec<String>,
    /// Parts of the file that are left out on purpose, such as the vision tower of a model that is used for text.
    pub left_out: Vec<String>,
    /// The heads that read the last residual stream.
    pub heads: Heads,
    /// How sentence embeddings are computed; the mean, unless a sentence-transformers model's files differ.
    pub sentence_pooling: Pooling,
    /// The tokens that the decoder of an encoder-decoder begins with when nothing else is said; empty in other models.
    pub decoder_start: Vec<u32>,
    /// The steps that were applied to the weights after training.
    pub processed: ProcessingRecord,
}

impl Config {
    /// The number of tokens beyond which texts use other rotary frequencies (LongRoPE).
    pub(crate) fn long_after(&self) -> Option<usize> {
        match &self.position {
            Position::Rotary(Rotary { long: Some(long), .. }) => Some(long.after),
            _ => None,
        }
    }

    /// A plain decoder, from which families set what differs.
    pub(crate) fn base(family: &str) -> Self {
        Self {
            family: family.into(),
            architecture: Architecture::Decoder,
            n_layers: 0,
            encoder: None,
            d_model: 0,
            d_embed: 0,
            n_heads: 0,
            n_key_value_heads: 0,
            d_head: 0,
            d_mlp: 0,
            d_vocab: 0,
            n_ctx: 0,
            unplaced_token: None,
            n_mels: 0,
            n_token_types: 0,
            act_fn: Activation::Relu,
            normalization: Normalization::LayerNorm,
            norm_place: NormPlace::Pre,
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
            decoder_start: Vec::new(),
            processed: ProcessingRecord::default(),
        }
    }

    /// The number of layers of each stack.
    pub(crate) fn layers(&self) -> Layers {
        let count = |stack| if self.stacks().contains(&stack) { self.layers_of(stack) } else { 0 };
        Layers::new(count, self.is_speech())
    }

    /// Resolves a site, so that its layer counts from 0. The model may still lack it.
    pub(crate) fn site(&self, site: impl ToSite) -> crate::Result<Site> {
        site.site_in(self.layers())
    }

    /// The number of blocks of a stack.
    pub(crate) fn layers_of(&self, stack: Stack) -> usize {
        match &self.encoder {
            Some(encoder) if stack == Stack::Encoder => encoder.n_layers,
            _ => self.n_layers,
        }
    }

    /// Whether positions are learned vectors, wherever they are added.
    pub(crate) fn has_position_vectors(&self) -> bool {
        matches!(self.position, Position::Learned | Position::Shortformer | Position::Sinusoidal)
    }

    /// The width of a layer's sliding window, counting the token itself. `None` for full attention or if there is no
    /// such layer.
    pub fn window(&self, layer: impl ToIndex) -> Option<usize> {
        self.windows.get(from_either_end(layer.to_index(), self.windows.len())?).copied().flatten()
    }

    /// The rotary frequencies of a layer, if it has rotary embedding.
    pub fn rotary(&self, layer: usize) -> Option<Rotary> {
        self.turn(layer).cloned()
    }

    /// Like [`Config::rotary`], by reference.
    pub(crate) fn turn(&self, layer: usize) -> Option<&Rotary> {
        match (&self.position, &self.local_rotary) {
            _ if self.no_rope_layers.contains(&layer) => None,
            (Position::Rotary(_), Some(local)) if self.window(layer).is_some() => Some(local),
            (Position::Rotary(rotary), _) => Some(rotary),
            _ => None,
        }
    }

    /// Returns the factor of a layer's attention scores; in an encoder-decoder, of a layer of the decoder.
    ///
    /// # Errors
    /// When there is no such layer.
    pub fn attn_scale(&self, layer: impl ToIndex) -> crate::Result<f64> {
        let layers = Counted::layers(self.n_layers);
        Ok(self.scale_of_scores(layers.index(layer)?))
    }

    pub(crate) fn scale_of_scores(&self, layer: usize) -> f64 {
        let by_layer = if self.scale_attn_by_inverse_layer_idx { layer as f64 + 1.0 } else { 1.0 };
        self.attn_scale / by_layer
    }
}
