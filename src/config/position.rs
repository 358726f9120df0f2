//! [`Position`]: how a model represents positions.

use std::fmt;

/// How a model represents the positions of tokens.
///
/// # Examples
/// ```
/// use glassbox::{model::Position, prelude::*};
/// assert_eq!(Model::open("induction-2l")?.config().position, Position::Learned);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Position {
    /// A learned vector for each position, added to the embedding.
    Learned,
    /// A fixed vector of sines and cosines for each position, added to the embedding (Vaswani et al. 2017,
    /// [arXiv:1706.03762](https://arxiv.org/abs/1706.03762)).
    Sinusoidal,
    /// A learned vector for each position, added to the inputs of queries and keys but not to the stream, so values do
    /// not contain it (Shortformer; Press et al. 2021, [arXiv:2012.15832](https://arxiv.org/abs/2012.15832)).
    Shortformer,
    /// Queries and keys are rotated by an angle proportional to the position (Su et al. 2021,
    /// [arXiv:2104.09864](https://arxiv.org/abs/2104.09864)).
    Rotary(Rotary),
    /// Scores decrease with the distance (ALiBi; Press et al. 2022,
    /// [arXiv:2108.12409](https://arxiv.org/abs/2108.12409)): the slope of each head, per token.
    Alibi(Vec<f64>),
    /// A learned number for each head and bucket of distances is added to the scores (T5; Raffel et al. 2020,
    /// [arXiv:1910.10683](https://arxiv.org/abs/1910.10683)).
    RelativeBias {
        /// The number of buckets.
        num_buckets: usize,
        /// Distances from here on share the last bucket.
        max_distance: usize,
    },
    /// No representation except the causal mask.
    None,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Learned => "learned",
            Self::Sinusoidal => "sinusoidal",
            Self::Shortformer => "learned, read by queries and keys alone (Shortformer)",
            Self::Rotary(_) => "rotary",
            Self::Alibi(_) => "ALiBi",
            Self::RelativeBias { .. } => "relative bias",
            Self::None => "none",
        })
    }
}

/// The frequencies of a rotary embedding.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Rotary {
    /// The radians per position of each pair of dimensions, fastest first. Dimensions beyond the pairs are not rotated.
    pub frequencies: Vec<f64>,
    /// Whether adjacent dimensions form pairs (GPT-J), instead of the two halves (Llama, NeoX).
    pub adjacent: bool,
    /// The factor of cosines and sines (YaRN, LongRoPE); 1 otherwise.
    pub attention_factor: f64,
    /// The frequencies for long texts, in models that have others for them (LongRoPE).
    pub long: Option<LongContext>,
}

/// The frequencies of texts longer than the original training length (LongRoPE; Ding et al. 2024,
/// [arXiv:2402.13753](https://arxiv.org/abs/2402.13753)).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LongContext {
    /// Texts with more tokens than this use these frequencies at every position.
    pub after: usize,
    /// The same as [`Rotary::frequencies`].
    pub frequencies: Vec<f64>,
}

impl Rotary {
    /// Frequencies whose pairs are the two halves.
    pub(crate) fn halves(frequencies: Vec<f64>) -> Self {
        Self { frequencies, adjacent: false, attention_factor: 1.0, long: None }
    }

    /// Returns the frequencies for a text of `len` tokens. In a batch, each text uses those of its own length, as it
    /// would alone. In Hugging Face transformers, the longest (padded) text decides for all.
    pub fn frequencies_for(&self, len: usize) -> Vec<f64> {
        self.frequencies_at(len).to_vec()
    }

    /// Like [`Rotary::frequencies_for`], by reference.
    pub(crate) fn frequencies_at(&self, len: usize) -> &[f64] {
        match &self.long {
            Some(long) if len > long.after => &long.frequencies,
            _ => &self.frequencies,
        }
    }
}

/// The ALiBi slopes of the paper: a geometric sequence that starts at `2^(-8/n)`. For numbers of heads that are not
/// powers of two, the rest are every second member of the next finer sequence.
pub(crate) fn alibi_slopes(n_heads: usize) -> Vec<f64> {
    let sequence = |n: usize| (1..=n).map(move |i| 2f64.powf(-8.0 * i as f64 / n as f64));
    let power = if n_heads.is_power_of_two() { n_heads } else { n_heads.next_power_of_two() / 2 };
    sequence(power).chain(sequence(2 * power).step_by(2)).take(n_heads).collect()
}
