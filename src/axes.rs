//! The glossary of axes. Every `# Shapes` section in this crate uses only these words, numbers, and sums or products of
//! them.
//!
//! | word | meaning |
//! |---|---|
//! | `batch` | the texts that are run together |
//! | `pos` | position of a token in its text, counted from 0; in an encoder of sound, a `frame` |
//! | `frame` | position of an encoder of sound: 20 ms |
//! | `wave` | one of the 16,000 samples of a second of sound |
//! | `mel`, `mel_frame` | band and column of a log-mel spectrogram; a column stands for 10 ms |
//! | `query` | the position that attends (destination): a `pos` of the attention's rows |
//! | `key` | the position that is attended to (source): a `pos` of the attention's columns |
//! | `head` | attention head of a layer |
//! | `kv_head` | head of keys and values; fewer than `head` when queries share them (grouped-query attention) |
//! | `expert` | expert of a mixture-of-experts layer |
//! | `chosen` | the positions or experts that were chosen |
//! | `d_model` | width of the residual stream |
//! | `d_embed` | width of the embeddings, where a model projects them to `d_model` (ALBERT) |
//! | `d_head` | width of one head's query, key, value and output |
//! | `d_mlp` | neurons of a layer's MLP |
//! | `d_vocab` | entries of the vocabulary |
//! | `d_in`, `d_out` | inputs and outputs of any linear layer |
//! | `layer` | block of the transformer, counted from 0 |
//! | `component` | one summand of the residual stream: the embedding, a layer's output, a head's output, ... |
//! | `sender`, `receiver` | the two ends of an edge between parts of the model |
//! | `metric` | one of several metrics measured in the same runs |
//! | `cell` | one cell of a map: one patched run |
//! | `class` | one of the classes that a head chooses from |
//! | `sample` | one labelled example of a probe: usually a token in its text |
//! | `feature` | one number that a probe may use: a neuron, or a dimension of an activation |
//! | `number` | one of the numbers that waves run over |
//! | `row`, `column` | row and column of a matrix whose meaning is the caller's |
//! | `l`, `m`, `n`, `r`, `k` | sizes of an abstract matrix and its factors: `[l, r]` is `[l, m]` times `[m, r]`, of rank `k` |
//! | `step` | step of a generation |
//! | `strength` | multiple of a direction that is added |
//! | `pair` | an ordered pair of numbers, by the first and then the second |
//! | `from`, `to` | tokens or positions of a circuit's rows and columns |
//! | `one` | an axis of size 1, kept so that shapes broadcast |
//! | `..` | any further axes |
//!
//! To add an axis of activations, add a row here, a variant of [`Axis`] and its name.

use std::fmt;

/// One axis of an activation, by name.
///
/// # Examples
/// ```
/// use glassbox::{axes::Axis, hook::Site};
/// assert_eq!(Site::pattern(0).axes(), [Axis::Batch, Axis::Head, Axis::Query, Axis::Key]);
/// assert_eq!(Axis::DHead.to_string(), "d_head");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Axis {
    /// The texts that are run together.
    Batch,
    /// Position of a token in its text.
    Pos,
    /// Band of a log-mel spectrogram.
    Mel,
    /// Column of a log-mel spectrogram.
    MelFrame,
    /// The position that attends.
    Query,
    /// The position that is attended to.
    Key,
    /// Attention head.
    Head,
    /// Head of keys and values.
    KvHead,
    /// Width of the residual stream.
    DModel,
    /// Width of one head.
    DHead,
    /// Neurons of a layer's MLP.
    DMlp,
    /// Entries of the vocabulary.
    DVocab,
    /// Experts of a mixture-of-experts layer.
    Expert,
    /// The two classes of next-sentence prediction.
    Class,
    /// An axis of size 1.
    One,
}

impl Axis {
    /// The word in the glossary.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Batch => "batch",
            Self::Pos => "pos",
            Self::Mel => "mel",
            Self::MelFrame => "mel_frame",
            Self::Query => "query",
            Self::Key => "key",
            Self::Head => "head",
            Self::KvHead => "kv_head",
            Self::DModel => "d_model",
            Self::DHead => "d_head",
            Self::DMlp => "d_mlp",
            Self::DVocab => "d_vocab",
            Self::Expert => "expert",
            Self::Class => "class",
            Self::One => "one",
        }
    }
}

impl fmt::Display for Axis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
