//! How a model knows where a token stands.

/// How the model knows where a token stands.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Position {
    /// A learned vector per position, added to the embedding.
    Learned,
    /// A learned vector per position, added to what queries and keys are made from, and not to the stream, so that no
    /// value carries it (Shortformer; Press et al. 2021).
    Shortformer,
    /// Queries and keys are turned by an angle that grows with the position (Su et al. 2021).
    Rotary(Rotary),
    /// Scores fall with the distance (ALiBi; Press et al. 2022): how much each head's do from one token to the next.
    Alibi(Vec<f64>),
    /// A learned number per head and bucket of distances is added to the scores (T5; Raffel et al. 2020).
    RelativeBias {
        /// Buckets of distances.
        num_buckets: usize,
        /// Distances from here on share the last bucket.
        max_distance: usize,
    },
    /// By nothing but the causal mask.
    None,
}

/// The frequencies of a rotary embedding.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Rotary {
    /// Radians per position of each pair of dimensions, fastest first. Dimensions beyond the pairs are not turned.
    pub frequencies: Vec<f64>,
    /// True when neighbouring dimensions turn together (GPT-J), false when the two halves do (Llama, NeoX).
    pub adjacent: bool,
    /// Cosines and sines are multiplied by this (YaRN, LongRoPE); 1 elsewhere.
    pub attention_factor: f64,
    /// Other frequencies for long texts, in models that have them (LongRoPE).
    pub long: Option<LongContext>,
}

/// The frequencies of texts longer than those a model was first trained on (LongRoPE; Ding et al. 2024).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LongContext {
    /// Texts of more tokens than this have these frequencies, at every position.
    pub after: usize,
    /// As [`Rotary::frequencies`].
    pub frequencies: Vec<f64>,
}

impl Rotary {
    /// Frequencies whose halves turn together.
    pub(crate) fn halves(frequencies: Vec<f64>) -> Self {
        Self { frequencies, adjacent: false, attention_factor: 1.0, long: None }
    }

    /// The frequencies for a text of `len` tokens. Of several texts run together each has its own, as it would alone;
    /// in Hugging Face transformers the longest, or the longest padded, decides for all.
    pub fn frequencies_for(&self, len: usize) -> Vec<f64> {
        self.frequencies_at(len).to_vec()
    }

    /// As [`Rotary::frequencies_for`], to be looked at.
    pub(crate) fn frequencies_at(&self, len: usize) -> &[f64] {
        match &self.long {
            Some(long) if len > long.after => &long.frequencies,
            _ => &self.frequencies,
        }
    }
}

/// The slopes of the paper's ALiBi: a geometric sequence that starts at `2^(-8/n)`, and for numbers of heads that are
/// no power of two, every second member of the next finer one.
pub(crate) fn alibi_slopes(n_heads: usize) -> Vec<f64> {
    let sequence = |n: usize| (1..=n).map(move |i| 2f64.powf(-8.0 * i as f64 / n as f64));
    let power = if n_heads.is_power_of_two() { n_heads } else { n_heads.next_power_of_two() / 2 };
    sequence(power).chain(sequence(2 * power).step_by(2)).take(n_heads).collect()
}
