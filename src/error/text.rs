//! The errors of text, tokens and tokenizers ([`text`](crate::text)).
use std::ops::Range;

/// An invalid text, token or position.
#[derive(thiserror::Error, Debug)]
pub(crate) enum TextError {
    #[error("a tensor of token ids needs one axis, `[pos]`, or two, `[batch, pos]`; this one has {axes}")]
    IdAxes { axes: usize },
    #[error("{count} answers were given for {batch} texts; give one for all, or one for each")]
    Answers { count: usize, batch: usize },
    #[error("this model has no tokenizer, so it cannot read text; give token ids, such as `model.run([1, 2, 3])`")]
    NoTokenizer,
    #[error(
        "the text is empty and no beginning-of-text token is prepended, so there is nothing to run; give at least one \
         token"
    )]
    Empty,
    #[error("the text has {got} tokens, but this model reads at most {n_ctx} (n_ctx); shorten it")]
    TooLong { got: usize, n_ctx: usize },
    #[error(
        "`{text}` is {count} tokens ({pieces}), but a single one is needed; `test_prompt` accepts answers of several"
    )]
    NotSingleToken { text: String, count: usize, pieces: String },
    #[error(
        "`{word}` would continue the text as `{text}`, which is {count} tokens ({pieces}), but a single one is \
         needed; `exactly({word:?})` takes it without the space"
    )]
    NotSingleSpaced { text: String, count: usize, pieces: String, word: String },
    #[error("an empty text is not a token; give one as it prints, such as `the` or ` the`")]
    EmptyToken,
    #[error("there is no answer to test, or one of them is empty; give at least one word")]
    NoAnswer,
    #[error(
        "this model's tokenizer puts no special tokens between two texts, so they cannot be read as a pair; give one \
         text with what should stand between them"
    )]
    NoPair,
    #[error(
        "there are {got:?} token types for texts of {expected:?} tokens; give one for each token that is not padding"
    )]
    TokenTypes { got: Vec<usize>, expected: Vec<usize> },
    #[error("the text has no {mask}, the blank that this model fills; write {mask} where a token is to be guessed")]
    NothingToFill { mask: String },
    #[error(
        "token ids are whole numbers along one axis; this tensor holds {kind} and has the shape {shape:?}, so take one row \
         of it, such as `x.i(0)?`"
    )]
    IdTensor { shape: Vec<usize>, kind: String },
    #[error("this model's tokenizer has no mask token, so there is no blank to fill")]
    NoMask,
    #[error("the tokenizer failed on {what}: {why}")]
    Tokenizer { what: String, why: String },
    #[error(
        "`{word}` is not in this model's vocabulary of {size} words, which are separated by spaces; the nearest words are {nearest}"
    )]
    UnknownWord { word: String, size: usize, nearest: String },
    #[error("a beginning-of-text token was asked for, but this model's tokenizer has none")]
    NoBos,
    #[error("the text is a single token, so nothing in it is predicted; give at least two")]
    OneToken,
    #[error("no token prints as `{token}`; {tokens}")]
    NoSuchToken { token: String, tokens: String },
    #[error("`{words}` is not in the text; its nearest words are {nearest}")]
    NotInText { words: String, nearest: String },
    #[error("the tokens were made from ids, so there is no text to search; make them from text")]
    MadeFromIds,
    #[error("{what} is for one text, but {texts} were given; use tokens.strings(0), tokens.ids(1), ... for each")]
    SeveralTexts { what: &'static str, texts: usize },
    #[error("there is no text {text}: the batch has {texts} texts, counted from 0")]
    NoSuchText { text: i64, texts: usize },
    #[error(
        "the characters {} to {} are empty or out of range: the text has {len} characters",
        characters.start, characters.end
    )]
    CharactersOutOfRange { characters: Range<usize>, len: usize },
    #[error("no token covers the characters {} to {}: the tokenizer drops them", characters.start, characters.end)]
    NotCovered { characters: Range<usize> },
    #[error("the tokens {} to {} are empty or out of range: the text has {len} tokens", tokens.start, tokens.end)]
    TokensOutOfRange { tokens: Range<usize>, len: usize },
    #[error("the tokens {} to {} stand for no characters of the text", tokens.start, tokens.end)]
    NoCharacters { tokens: Range<usize> },
    #[error(
        "position {position} is out of range: the text has {len} tokens (0 to {}, or -1 for the last)",
        len.saturating_sub(1)
    )]
    PositionOutOfRange { position: i64, len: usize },
    #[error("position {position} is outside text {text} or in its padding; its tokens are at {first} to {last}")]
    Padded { position: i64, text: usize, first: usize, last: usize },
    #[error(
        "position {position} counts from the end, but the texts are padded on the right and end at different \
         positions; pad them on the left: `tokens.padded(Padding::Left)`"
    )]
    EndsApart { position: i64 },
}

impl TextError {
    pub(crate) fn is_out_of_range(&self) -> bool {
        matches!(
            self,
            Self::TooLong { .. }
                | Self::PositionOutOfRange { .. }
                | Self::Padded { .. }
                | Self::NoSuchText { .. }
                | Self::CharactersOutOfRange { .. }
                | Self::TokensOutOfRange { .. }
        )
    }
}
