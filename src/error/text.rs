/// What can be wrong with text and token ids.
#[derive(thiserror::Error, Debug)]
pub(crate) enum TextError {
    #[error("this model has no tokenizer, so it cannot read text; give token ids, such as `model.run([1, 2, 3])`")]
    NoTokenizer,
    #[error(
        "the text is empty and no beginning-of-text token is prepended, so there is nothing to run; give at least one token"
    )]
    Empty,
    #[error("token id {id} is out of range: this model's vocabulary has ids 0 to {}", d_vocab.saturating_sub(1))]
    IdOutOfRange { id: u32, d_vocab: usize },
    #[error("the text has {got} tokens where this model reads at most {n_ctx} (n_ctx); shorten it")]
    TooLong { got: usize, n_ctx: usize },
    #[error("`{text}` is {count} tokens ({pieces}) where a single one is needed")]
    NotSingleToken { text: String, count: usize, pieces: String },
    #[error("the rows of a batch have {lengths:?} tokens; they must be of one length")]
    Ragged { lengths: Vec<usize> },
    #[error("the tokenizer failed on {what}: {why}")]
    Tokenizer { what: String, why: String },
    #[error("`{word}` is not in this model's vocabulary of {size} words; the nearest words are {nearest}")]
    UnknownWord { word: String, size: usize, nearest: String },
    #[error("a beginning-of-text token was asked for, but this model's tokenizer has none")]
    NoBos,
    #[error("the text is a single token, so nothing in it is predicted; give at least two")]
    OneToken,
    #[error("the lens has no row {row}: rows 0 to {} are what each layer reads and the last is the output", rows.saturating_sub(1))]
    RowOutOfRange { row: usize, rows: usize },
    #[error("no token prints as `{token}`; the tokens are {tokens}")]
    NoSuchToken { token: String, tokens: String },
    #[error("position {position} is out of range: the text has {len} tokens (0 to {}, or -1 for the last)", len.saturating_sub(1))]
    PositionOutOfRange { position: i64, len: usize },
}

impl TextError {
    pub(crate) fn is_out_of_range(&self) -> bool {
        matches!(
            self,
            Self::IdOutOfRange { .. }
                | Self::TooLong { .. }
                | Self::PositionOutOfRange { .. }
                | Self::RowOutOfRange { .. }
        )
    }
}
