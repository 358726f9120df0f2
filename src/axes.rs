//! The glossary of axes.
//!
//! Every `# Shapes` section in this crate uses only these words, and sums and products of them such as `head * d_head`.
//!
//! | word | meaning |
//! |---|---|
//! | `batch` | texts run side by side |
//! | `pos` | position of a token in its text, counted from 0 |
//! | `query` | the position that attends (destination): a `pos` of the attention's rows |
//! | `key` | the position that is attended to (source): a `pos` of the attention's columns |
//! | `head` | attention head of a layer |
//! | `kv_head` | head of keys and values; fewer than `head` when queries share them (grouped-query attention) |
//! | `d_model` | width of the residual stream |
//! | `d_head` | width of one head's query, key, value and output |
//! | `d_mlp` | neurons of a layer's MLP |
//! | `d_vocab` | entries of the vocabulary |
//! | `expert` | expert of a mixture-of-experts layer |
//! | `class` | class of next-sentence prediction |
//! | `layer` | block of the transformer, counted from 0 |
//! | `sample` | one labelled example of a probe or a training step: usually a token in its text |
//! | `feature` | one number a probe may use: a neuron, or a dimension of an activation |
//! | `strength` | multiple of a direction that is added |
//! | `step` | token of a generation, counted from 0 |
//! | `number` | a number from 0 to p - 1, in models that calculate modulo p |
//! | `pair` | an ordered pair of numbers, by the first and then the second |
//! | `component` | one part of the residual stream; in a Fourier basis, the constant or one cosine or sine |
//! | `l`, `m`, `r` | rows of a left factor, the inner axis of a product, and columns of a right factor |
//! | `from`, `to` | tokens or positions of a circuit's rows and columns |
//! | `k` | singular values, at most as many as `l`, `m` and `r` |
//! | `..` | any axes |
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
