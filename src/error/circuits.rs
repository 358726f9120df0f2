/// What can be wrong with what is asked of factored matrices and of heads.
#[derive(thiserror::Error, Debug)]
pub(crate) enum CircuitsError {
    #[error(
        "a factored matrix needs factors [.., l, m] and [.., m, r] whose leading axes are equal or 1; got {a:?} and {b:?}"
    )]
    Factors { a: Vec<usize>, b: Vec<usize> },
    #[error("the {shape:?} matrix cannot be multiplied {side} {other:?}: the axes between them differ")]
    Product { shape: Vec<usize>, side: &'static str, other: Vec<usize> },
    #[error("only a square matrix has eigenvalues and the product the other way round; this one is {shape:?}")]
    NotSquare { shape: Vec<usize> },
    #[error("{index} is out of range on {axis}, which has {len}: 0 to {}", len.saturating_sub(1))]
    OutOfRange { axis: &'static str, index: i128, len: usize },
    #[error("the range {}..{} is empty or out of range on {axis}: it may go from 0 to {len}", range.start, range.end)]
    Range { axis: &'static str, range: std::ops::Range<usize>, len: usize },
    #[error("{texts} random texts, each said {repeats} times, are nothing to read; ask for at least 1 of both")]
    NothingRandom { texts: usize, repeats: usize },
    #[error("a factored matrix of shape {shape:?} has no leading axis to take from; use rows or columns")]
    NoLeadingAxis { shape: Vec<usize> },
    #[error("the {what} of a matrix could not be found: {why}")]
    Diverged { what: &'static str, why: &'static str },
    #[error(
        "there is no head L{layer}H{head}: this model has {n_layers} layers of {n_heads} heads, counted from 0, or back from -1"
    )]
    NoHead { layer: i64, head: i64, n_layers: usize, n_heads: usize },
    #[error(
        "a pattern to look for needs one row and one column for each of the text's {expected} tokens; this one has \
         {rows} rows and {columns} columns"
    )]
    PatternShape { rows: usize, columns: usize, expected: usize },
    #[error(
        "row {query} of the pattern to look for looks ahead, to column {key}, where the attention of a model like this \
         one never goes; only columns up to the row may differ from 0"
    )]
    LooksAhead { query: usize, key: usize },
    #[error("a singular value decomposition is of a matrix, and this tensor has shape {got:?}; choose two axes of it")]
    NoMatrix { got: Vec<usize> },
    #[error("the pattern to look for holds {value} in row {query}, column {key}; give finite numbers")]
    PatternNotFinite { query: usize, key: usize, value: f32 },
    #[error(
        "repeated random tokens need at least 2 tokens that come {repeats} times; this model reads at most {n_ctx} tokens \
         and has {available} tokens to draw from"
    )]
    NoRoom { repeats: usize, n_ctx: usize, available: usize },
    #[error("no direction is asked for; give at least 1 vector")]
    NoVectors,
    #[error("a circuit between tokens needs at least one token on either side")]
    NoTokens,
    #[error("{what} is given for {got:?} layers by heads, and the other for {expected:?}")]
    HeadShapes { what: String, got: Vec<usize>, expected: Vec<usize> },
    #[error("a number for each head is [layer, head]; got {got:?}")]
    NotPerHead { got: Vec<usize> },
    #[error(
        "a number for each head is [\"layer\", \"head\"], and the axes of the map `{name}` are {axes:?}; `Patching::heads` \
         makes maps by head"
    )]
    NotByHead { name: String, axes: Vec<String> },
    #[error("{reader} cannot read what {writer} writes: only heads of earlier layers have written by then")]
    NotEarlier { reader: String, writer: String },
    #[error(
        "{what} are of heads whose stream the unembedding reads, and the encoder's it does not; give \
         model.weights().decoder()? or model.weights().cross_attention()?"
    )]
    EncoderHeads { what: &'static str },
    #[error(
        "{what} are of heads that read what earlier heads wrote, and keys and values of cross attention read what the \
         encoder gave; give model.weights().encoder()? or model.weights().decoder()?"
    )]
    ReadsTheEncoder { what: &'static str },
    #[error(
        "this {family} model has an encoder and a decoder; say whose heads: Detector::habit(..).in_encoder() or .in_decoder()"
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
