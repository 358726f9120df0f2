//! The words of a configuration.

/// What a model reads and in which direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Architecture {
    /// Each token sees those before it (GPT, Llama, ...).
    #[default]
    Decoder,
    /// Each token sees every token (BERT and its kin).
    Encoder,
    /// An encoder, and a decoder that also looks at what the encoder made (T5).
    EncoderDecoder,
}

/// The kind of norm before attention, MLP and unembedding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Normalization {
    /// Subtract the mean, divide by the standard deviation (Ba et al. 2016).
    LayerNorm,
    /// Divide by the root mean square (Zhang & Sennrich 2019).
    RmsNorm,
    /// No norm.
    None,
}

/// Where a block's norms stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NormPlace {
    /// On what attention and MLP read: `x + f(norm(x))` (GPT-2, Llama).
    Before,
    /// On what they read and on what they write: `x + norm(f(norm(x)))` (Gemma 2).
    BeforeAndAfter,
    /// On what they write: `x + norm(f(x))` (OLMo 2).
    After,
    /// On the sum: `norm(x + f(x))` (BERT).
    OnSum,
}

/// The norm of queries and keys before they meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum QkNorm {
    /// Each head by itself (Qwen 3, Gemma 3).
    PerHead,
    /// All heads of a token together (OLMo 2).
    Whole,
}

/// A mixture of experts: each token is sent through some of several MLPs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Experts {
    /// Experts per layer.
    pub count: usize,
    /// How many of them a token goes through.
    pub per_token: usize,
    /// The chosen experts' weights are made to sum to 1.
    pub normalized: bool,
}

impl Experts {
    pub(crate) fn new(count: usize, per_token: usize, normalized: bool) -> Self {
        Self { count, per_token, normalized }
    }
}

/// How one vector is made of a text, for sentence embeddings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pooling {
    /// The mean of all tokens' streams.
    #[default]
    Mean,
    /// The first token's stream.
    FirstToken,
}

/// What reads the last residual stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Heads {
    /// Logits over the vocabulary.
    pub unembed: bool,
    /// The unembedding has a layer with nonlinearity and norm of its own in front (masked language models).
    pub mlm: bool,
    /// The first token's stream, through a layer and a tanh.
    pub pooler: bool,
    /// From the pooled token: does the second sentence follow the first?
    pub nsp: bool,
}
