//! The enumerations and small structs of a [`Config`](super::Config).

/// Whether a model has an encoder, a decoder or both.
///
/// # Examples
/// ```
/// use glassbox::{Model, model::Architecture};
/// assert_eq!(Model::open("induction-2l")?.config().architecture, Architecture::Decoder);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Architecture {
    /// Each token attends to those before it (GPT, Llama, ...).
    #[default]
    Decoder,
    /// Each token attends to every token (BERT and its relatives).
    Encoder,
    /// An encoder, and a decoder that also attends to the encoder's output (T5).
    EncoderDecoder,
}

/// The kind of norm before attention, MLP and unembedding.
///
/// # Examples
/// ```
/// use glassbox::model::Normalization;
/// assert_eq!(glassbox::Model::open("induction-2l")?.config().normalization, Normalization::LayerNorm);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Normalization {
    /// Subtracts the mean and divides by the standard deviation (Ba et al. 2016,
    /// [arXiv:1607.06450](https://arxiv.org/abs/1607.06450)).
    LayerNorm,
    /// Divides by the root mean square (Zhang & Sennrich 2019, [arXiv:1910.07467](https://arxiv.org/abs/1910.07467)).
    RmsNorm,
    /// No norm.
    None,
}

/// Where the norms of a block are applied.
///
/// # Examples
/// ```
/// use glassbox::model::NormPlace;
/// assert_eq!(glassbox::Model::open("induction-2l")?.config().norm_place, NormPlace::Pre);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NormPlace {
    /// To the inputs of attention and MLP: `x + f(norm(x))` (GPT-2, Llama).
    Pre,
    /// To their inputs and their outputs: `x + norm(f(norm(x)))` (Gemma 2).
    PreAndPost,
    /// To their outputs: `x + norm(f(x))` (OLMo 2).
    After,
    /// To the residual sum: `norm(x + f(x))` (BERT).
    Post,
}

/// The norm of queries and keys before their dot product.
///
/// # Examples
/// ```
/// use glassbox::{model::QkNorm, prelude::*};
/// assert_eq!(Model::open("tests/reference/families/qwen3")?.config().qk_norm, Some(QkNorm::HeadValues));
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum QkNorm {
    /// Each head separately (Qwen 3, Gemma 3).
    HeadValues,
    /// All heads of a token together (OLMo 2).
    Whole,
}

/// A mixture of experts: each token goes through some of several MLPs.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("tests/reference/families/mixtral")?;
/// assert!(model.config().experts.is_some_and(|experts| experts.per_token < experts.count));
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Experts {
    /// The number of experts in a layer.
    pub count: usize,
    /// The number of experts that a token goes through.
    pub per_token: usize,
    /// Whether the weights of the chosen experts are normalized to sum to 1.
    pub normalized: bool,
}

impl Experts {
    pub(crate) fn new(count: usize, per_token: usize, normalized: bool) -> Self {
        Self { count, per_token, normalized }
    }
}

/// How a text becomes one vector, for sentence embeddings.
///
/// # Examples
/// ```
/// use glassbox::{model::Pooling, prelude::*};
/// assert_eq!(Model::open("tests/reference/families/bert")?.config().sentence_pooling, Pooling::Mean);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pooling {
    /// The mean of the residual stream over all tokens.
    #[default]
    Mean,
    /// The residual stream of the first token.
    FirstToken,
}

/// The heads that read the last residual stream.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let heads = Model::open("induction-2l")?.config().heads;
/// assert!(heads.unembed && !heads.mlm); // logits, and no masked-LM head
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Heads {
    /// Whether there are logits over the vocabulary.
    pub unembed: bool,
    /// Whether the unembedding has a layer with its own nonlinearity and norm before it (masked language models).
    pub mlm: bool,
    /// Whether the first token's stream goes through a layer and a tanh.
    pub pooler: bool,
    /// Whether the pooled token predicts if the second sentence follows the first.
    pub nsp: bool,
}
