//! The errors of factored matrices, heads and detection patterns ([`circuits`](crate::circuits)).
/// An invalid request about factored matrices or heads.
#[derive(thiserror::Error, Debug)]
pub(crate) enum CircuitsError {
    #[error(
        "a factored matrix needs factors [.., l, m] and [.., m, r] whose leading axes are equal or 1; got {a:?} and \
         {b:?}"
    )]
    Factors { a: Vec<usize>, b: Vec<usize> },
    #[error("the {shape:?} matrix cannot be multiplied {side} {other:?}: the inner axes differ")]
    Product { shape: Vec<usize>, side: &'static str, other: Vec<usize> },
    #[error("eigenvalues and the reversed product need a square matrix; this one has shape {shape:?}")]
    NotSquare { shape: Vec<usize> },
    #[error("{index} is out of range on {axis}, which has {len}: 0 to {}", len.saturating_sub(1))]
    OutOfRange { axis: &'static str, index: i128, len: usize },
    #[error("the range {}..{} is empty or out of range on {axis}: it may go from 0 to {len}", range.start, range.end)]
    Range { axis: &'static str, range: std::ops::Range<usize>, len: usize },
    #[error("{texts} random texts with {repeats} repeats leave nothing to read; ask for at least 1 of each")]
    NothingRandom { texts: usize, repeats: usize },
    #[error("a factored matrix of shape {shape:?} has no leading axis to take from; use rows or columns")]
    NoLeadingAxis { shape: Vec<usize> },
    #[error("the {what} of a matrix could not be found: {why}")]
    Diverged { what: &'static str, why: &'static str },
    #[error(
        "there is no head L{layer}H{head}: this model has {n_layers} layers of {n_heads} heads, counted from 0, or \
         back from -1"
    )]
    NoHead { layer: i64, head: i64, n_layers: usize, n_heads: usize },
    #[error(
        "a detection pattern needs one row and one column for each of the text's {expected} tokens; this one has \
         {rows} rows and {columns} columns"
    )]
    PatternShape { rows: usize, columns: usize, expected: usize },
    #[error(
        "row {query} of the detection pattern looks ahead to column {key}, but the attention of this model is causal; \
         only columns up to the row may differ from 0"
    )]
    LooksAhead { query: usize, key: usize },
    #[error("a singular value decomposition needs a matrix, but this tensor has shape {got:?}; choose two of its axes")]
    NoMatrix { got: Vec<usize> },
    #[error("the detection pattern holds {value} in row {query}, column {key}; give finite numbers")]
    PatternNotFinite { query: usize, key: usize, value: f32 },
    #[error(
        "repeated random tokens need at least 2 tokens that appear {repeats} times each; this model reads at most \
         {n_ctx} tokens and has {available} tokens to draw from"
    )]
    NoRoom { repeats: usize, n_ctx: usize, available: usize },
    #[error(
        "{period} random tokens, repeated {repeats} times, do not fit: this model reads at most {n_ctx} tokens and \
         has {available} to draw from; the period can be up to {longest}"
    )]
    Period { period: usize, repeats: usize, longest: usize, n_ctx: usize, available: usize },
    #[error("no direction was asked for; ask for at least 1")]
    NoVectors,
    #[error("a circuit between tokens needs at least one token on either side")]
    NoTokens,
    #[error("`{what}` has {got:?} layers by heads, but the other score has {expected:?}; compare scores of one model")]
    HeadShapes { what: String, got: Vec<usize>, expected: Vec<usize> },
    #[error("one number for each head has shape [layer, head]; got {got:?}")]
    NotPerHead { got: Vec<usize> },
    #[error(
        "one number for each head needs the axes [\"layer\", \"head\"], but the map `{name}` has {axes:?}; \
         `Patching::heads` makes maps by head"
    )]
    NotByHead { name: String, axes: Vec<String> },
    #[error("{reader} cannot read the output of {writer}; a head reads only heads of earlier layers")]
    NotEarlier { reader: String, writer: String },
    #[error(
        "{what} need heads whose stream the unembedding reads, which is not the encoder's; give \
         model.weights().decoder()? or model.weights().cross_attention()?"
    )]
    EncoderHeads { what: &'static str },
    #[error(
        "{what} need heads that read the output of earlier heads, but keys and values of cross attention read the \
         encoder's output; give model.weights().encoder()? or model.weights().decoder()?"
    )]
    ReadsTheEncoder { what: &'static str },
    #[error(
        "this {family} model has an encoder and a decoder; say whose heads: Detector::head_type(..).in_encoder() or .in_decoder()"
    )]
    WhoseHeads { family: String },
    #[error("a circuit between positions needs 1 to {n_ctx} positions, as many as this model has; got {positions}")]
    Positions { positions: usize, n_ctx: usize },
}

impl CircuitsError {
    pub(crate) fn is_out_of_range(&self) -> bool {
        matches!(self, Self::OutOfRange { .. } | Self::Range { .. } | Self::NoHead { .. } | Self::Positions { .. })
    }
}
