//! The glossary of axes. Every `# Shapes` section in this crate uses only these words.
//!
//! | word | meaning |
//! |---|---|
//! | `batch` | texts run side by side |
//! | `pos` | position of a token in its text, counted from 0 |
//! | `query` | the position that looks (destination): a `pos` of the attention's rows |
//! | `key` | the position that is looked at (source): a `pos` of the attention's columns |
//! | `head` | attention head of a layer |
//! | `kv_head` | head of keys and values; fewer than `head` when queries share them (grouped-query attention) |
//! | `d_model` | width of the residual stream |
//! | `d_head` | width of one head's query, key, value and output |
//! | `d_mlp` | neurons of a layer's MLP |
//! | `d_vocab` | entries of the vocabulary |
//! | `layer` | block of the transformer, counted from 0 |
//! | `sample` | one labelled example of a probe: usually a token in its text |
//! | `feature` | one number a probe may look at: a neuron, or a dimension of an activation |
//! | `wave` | one of the 16,000 samples that a second of sound has |
//! | `mel` | band of frequency of a log-mel spectrogram, the lowest first |
//! | `mel_frame` | moment of a log-mel spectrogram: 100 a second |
//! | `one` | an axis of size 1, kept so that shapes broadcast |

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
    /// Texts run side by side.
    Batch,
    /// Position of a token in its text.
    Pos,
    /// The position that looks.
    Query,
    /// The position that is looked at.
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
    /// Experts of a mixture layer.
    Expert,
    /// The two classes of next-sentence prediction.
    Class,
    /// An axis of size 1.
    One,
}

impl Axis {
    /// The word of the glossary.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Batch => "batch",
            Self::Pos => "pos",
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
