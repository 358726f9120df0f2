//! [`Tokens`]: text as the model sees it.

use crate::{
    Result,
    error::TextError,
    model::Model,
    notebook::{Card, Show},
    plot::text::visible,
};
use candle_core::{Device, Tensor};
use std::{ops::Range, sync::Arc};

/// Text cut into tokens: their ids, their printed form, and where in the text each came from.
///
/// Made by [`Model::tokens`] from text or ids. A batch has several rows of one length.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?;
/// let tokens = model.tokens("red fox blue")?;
/// assert_eq!(tokens.strings(0), ["<bos>", "red", "fox", "blue"]);
/// assert!(tokens.bos_prepended());
/// assert_eq!(tokens.position("fox")?, 2);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Tokens {
    rows: Arc<[Row]>,
    bos_prepended: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) ids: Vec<u32>,
    pub(crate) strings: Vec<String>,
    /// Characters of the text; empty for tokens that stand for no text.
    pub(crate) spans: Vec<Range<usize>>,
}

impl Tokens {
    pub(crate) fn new(rows: Vec<Row>, bos_prepended: bool) -> Result<Self> {
        let lengths: Vec<_> = rows.iter().map(|row| row.ids.len()).collect();
        if lengths.iter().any(|length| *length != lengths[0]) {
            return Err(TextError::Ragged { lengths }.into());
        }
        if lengths.first().is_none_or(|length| *length == 0) {
            return Err(TextError::Empty.into());
        }
        Ok(Self { rows: rows.into(), bos_prepended })
    }

    /// Number of texts.
    pub fn batch(&self) -> usize {
        self.rows.len()
    }

    /// Number of tokens in each text.
    #[allow(clippy::len_without_is_empty, reason = "tokens are never empty")]
    pub fn len(&self) -> usize {
        self.rows[0].ids.len()
    }

    /// The ids of one text; empty when there is no such text.
    pub fn ids(&self, text: usize) -> &[u32] {
        self.rows.get(text).map_or(&[], |row| &row.ids)
    }

    /// The printed form of each token of one text; empty when there is no such text.
    pub fn strings(&self, text: usize) -> &[String] {
        self.rows.get(text).map_or(&[], |row| &row.strings)
    }

    /// Which characters of the original text each token covers; empty ranges for tokens that stand for no text. The
    /// tokens that share a character, as pieces of an emoji do, all cover it.
    pub fn spans(&self, text: usize) -> &[Range<usize>] {
        self.rows.get(text).map_or(&[], |row| &row.spans)
    }

    /// (stub)
    pub fn index_in(&self, _text: usize, position: i64) -> Result<usize> {
        self.index(position)
    }

    /// (stub)
    pub fn is_padded(&self) -> bool {
        false
    }

    /// (stub)
    pub fn real(&self, _text: usize) -> Range<usize> {
        0..self.len()
    }

    /// (stub)
    pub fn token_types(&self, text: usize) -> Vec<u32> {
        vec![0; self.ids(text).len()]
    }

    /// Whether a beginning-of-text token was put in front that the text did not have.
    pub fn bos_prepended(&self) -> bool {
        self.bos_prepended
    }

    /// The ids as a tensor.
    ///
    /// # Shapes
    /// `[batch, pos]`, unsigned 32-bit.
    ///
    /// # Errors
    /// When memory runs out.
    pub fn to_tensor(&self) -> Result<Tensor> {
        let ids: Vec<u32> = self.rows.iter().flat_map(|row| row.ids.iter().copied()).collect();
        Ok(Tensor::from_vec(ids, (self.batch(), self.len()), &Device::Cpu)?)
    }

    /// The first position of the first text whose token prints as `string`, with or without surrounding spaces.
    ///
    /// # Errors
    /// When no token prints so; the error lists the tokens there are.
    pub fn position(&self, string: &str) -> Result<usize> {
        let strings = self.strings(0);
        let exact = strings.iter().position(|token| token == string);
        exact
            .or_else(|| strings.iter().position(|token| token.trim() == string.trim()))
            .ok_or_else(|| TextError::NoSuchToken { token: string.into(), tokens: format!("{strings:?}") }.into())
    }

    /// A position counted from the start (0 is the first) or the end (-1 is the last), as an index.
    ///
    /// # Errors
    /// When it is outside the text.
    pub fn index(&self, position: i64) -> Result<usize> {
        let len = self.len();
        let counted = if position < 0 { position + len as i64 } else { position };
        let index = usize::try_from(counted).ok().filter(|&index| index < len);
        index.ok_or_else(|| TextError::PositionOutOfRange { position, len }.into())
    }

    /// Shows the tokens in a notebook: pointing at one tells its position and id.
    pub fn evcxr_display(&self) {
        Show::evcxr_display(self);
    }

    fn card(&self) -> Card {
        let bos = match self.bos_prepended {
            true => ", the first of them a beginning-of-text token that was put in front",
            false => "",
        };
        let texts = if self.batch() == 1 { String::new() } else { format!("{} texts of ", self.batch()) };
        let title = format!("{texts}{} tokens{bos}", self.len());
        self.rows.iter().fold(Card::new(&title), |card, row| {
            let chip = |(position, (string, id)): (usize, (&String, &u32))| {
                (visible(string), format!("position {position}, id {id}"))
            };
            card.chips(row.strings.iter().zip(&row.ids).enumerate().map(chip))
        })
    }
}

impl Show for Tokens {
    fn html(&self) -> String {
        self.card().html()
    }

    fn plain(&self) -> String {
        self.card().plain()
    }
}

/// Anything that a model can read: text, token ids, or [`Tokens`].
pub trait ToTokens {
    /// The tokens, checked against the model's vocabulary and context length.
    ///
    /// # Errors
    /// When the text is empty or too long, an id is out of range, or text is given to a model without tokenizer.
    fn to_tokens(&self, model: &Model) -> Result<Tokens>;
}

impl ToTokens for Tokens {
    fn to_tokens(&self, model: &Model) -> Result<Tokens> {
        model.check_tokens(self)?;
        Ok(self.clone())
    }
}

impl ToTokens for str {
    fn to_tokens(&self, model: &Model) -> Result<Tokens> {
        model.tokenize(&[self], None)
    }
}

impl ToTokens for String {
    fn to_tokens(&self, model: &Model) -> Result<Tokens> {
        model.tokenize(&[self], None)
    }
}

impl ToTokens for [&str] {
    fn to_tokens(&self, model: &Model) -> Result<Tokens> {
        model.tokenize(self, None)
    }
}

impl<const N: usize> ToTokens for [&str; N] {
    fn to_tokens(&self, model: &Model) -> Result<Tokens> {
        model.tokenize(self, None)
    }
}

impl ToTokens for [u32] {
    fn to_tokens(&self, model: &Model) -> Result<Tokens> {
        model.tokens_from_ids(&[self])
    }
}

impl ToTokens for Vec<u32> {
    fn to_tokens(&self, model: &Model) -> Result<Tokens> {
        self.as_slice().to_tokens(model)
    }
}

impl<const N: usize> ToTokens for [u32; N] {
    fn to_tokens(&self, model: &Model) -> Result<Tokens> {
        self.as_slice().to_tokens(model)
    }
}

impl ToTokens for Vec<Vec<u32>> {
    fn to_tokens(&self, model: &Model) -> Result<Tokens> {
        model.tokens_from_ids(&self.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }
}

impl<T: ToTokens + ?Sized> ToTokens for &T {
    fn to_tokens(&self, model: &Model) -> Result<Tokens> {
        (**self).to_tokens(model)
    }
}
