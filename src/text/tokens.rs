//! [`Tokens`]: the input of a model, made from text or ids.

use super::{Encoded, Filler, Padding};
use crate::{
    Result,
    error::TextError,
    index::{ToIndex, from_either_end},
    tensor::from_values,
};
use candle_core::Tensor;
use std::{ops::Range, sync::Arc};

/// Text cut into tokens: their ids, their printed form, and the characters that each covers.
///
/// [`Model::tokens`](crate::Model::tokens) makes them from text or ids. All rows of a batch have one length: shorter
/// texts get [`Padding`], which is shown wherever the tokens are shown.
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
#[derive(Clone, PartialEq)]
pub struct Tokens {
    pub(super) rows: Arc<[Row]>,
    pub(super) filler: Filler,
    pub(super) padding: Padding,
    pub(super) bos_prepended: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) ids: Vec<u32>,
    pub(crate) strings: Vec<String>,
    /// The characters of the text; empty for tokens that cover no text.
    pub(super) spans: Vec<Range<usize>>,
    pub(crate) types: Vec<u32>,
    /// The original text; `None` if ids were given.
    pub(crate) text: Option<String>,
    /// The positions that are not padding.
    pub(super) real: Range<usize>,
}

static NO_TEXT: Row =
    Row { ids: Vec::new(), strings: Vec::new(), spans: Vec::new(), types: Vec::new(), text: None, real: 0..0 };

impl Row {
    /// A row without padding.
    pub(crate) fn new(encoded: Encoded, text: Option<String>, print: impl Fn(u32) -> String) -> Self {
        let Encoded { ids, spans, types } = encoded;
        let (strings, real) = (ids.iter().map(|&id| print(id)).collect(), 0..ids.len());
        Self { ids, strings, spans, types, text, real }
    }
}

impl Tokens {
    /// Rows of any lengths, padded on the right.
    pub(crate) fn new(rows: Vec<Row>, bos_prepended: bool, filler: Filler) -> Result<Self> {
        if rows.is_empty() || rows.iter().any(|row| row.real.is_empty()) {
            return Err(TextError::Empty.into());
        }
        Ok(Self { rows: rows.into(), filler, padding: Padding::Right, bos_prepended }.padded(Padding::Right))
    }

    /// The row of one text; empty if the index is out of range.
    pub(crate) fn row(&self, text: impl ToIndex) -> &Row {
        from_either_end(text.to_index(), self.rows.len()).and_then(|text| self.rows.get(text)).unwrap_or(&NO_TEXT)
    }

    /// The number of texts.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// assert_eq!(Model::open("induction-2l")?.tokens(["red fox", "owl"])?.batch(), 2);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn batch(&self) -> usize {
        self.rows.len()
    }

    /// The number of tokens in each row, padding included; [`lengths`](Self::lengths) counts without padding.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// assert_eq!(Model::open("induction-2l")?.tokens(["red fox", "owl"])?.len(), 3); // padding included
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[allow(clippy::len_without_is_empty, reason = "tokens are never empty")]
    pub fn len(&self) -> usize {
        self.rows[0].ids.len()
    }

    /// The ids of one text, padding included; empty if there is no such text.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let tokens = Model::open("induction-2l")?.tokens("red fox")?;
    /// assert_eq!((tokens.ids(0).len(), tokens.ids(0)[0]), (3, 0)); // <bos> has id 0
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn ids(&self, text: impl ToIndex) -> Vec<u32> {
        self.row(text).ids.clone()
    }

    /// The printed form of each token of one text, padding included; empty if there is no such text.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let tokens = Model::open("induction-2l")?.tokens("red fox")?;
    /// assert_eq!(tokens.strings(0), ["<bos>", "red", "fox"]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "to_str_tokens")]
    pub fn strings(&self, text: impl ToIndex) -> Vec<String> {
        self.row(text).strings.clone()
    }

    /// The characters of the original text that each token covers; empty for tokens that cover no text. Tokens that
    /// share a character, such as the pieces of an emoji, all cover it.
    pub fn spans(&self, text: impl ToIndex) -> Vec<Range<usize>> {
        self.row(text).spans.clone()
    }

    /// The sentence that each token of one text belongs to, for models such as BERT that read two at once: 0 is the
    /// first and 1 the second of [`Model::pair`](crate::Model::pair). All are 0 if there is one sentence.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// assert_eq!(model.tokens("red fox")?.token_types(0), [0, 0, 0]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn token_types(&self, text: impl ToIndex) -> Vec<u32> {
        self.row(text).types.clone()
    }

    /// Returns the same tokens with these types, one for each token of each text without padding.
    ///
    /// # Errors
    /// When the number of types differs from the number of tokens.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let tokens = model.tokens([vec![7, 8, 9], vec![7]])?.with_token_types(&[vec![0, 1, 1], vec![1]])?;
    /// assert_eq!([tokens.token_types(0), tokens.token_types(1)], [[0, 1, 1], [1, 0, 0]]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn with_token_types(&self, types: &[Vec<u32>]) -> Result<Self> {
        let (got, expected) = (types.iter().map(Vec::len).collect::<Vec<_>>(), self.lengths());
        if got != expected {
            return Err(TextError::TokenTypes { got, expected }.into());
        }
        let mut rows = self.rows.to_vec();
        for (row, types) in rows.iter_mut().zip(types) {
            row.types[row.real.clone()].copy_from_slice(types);
        }
        Ok(Self { rows: rows.into(), ..self.clone() })
    }

    /// The original text of one row; a pair has a line break between its texts. `None` if ids were given or there is no
    /// such text.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// assert_eq!(model.tokens("red fox")?.text(0).as_deref(), Some("red fox"));
    /// assert_eq!(model.tokens([1, 2])?.text(0), None);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn text(&self, text: impl ToIndex) -> Option<String> {
        self.row(text).text.clone()
    }

    /// Whether a beginning-of-text token was prepended that the text did not have.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// assert!(Model::open("induction-2l")?.tokens("red fox")?.bos_prepended());
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn bos_prepended(&self) -> bool {
        self.bos_prepended
    }

    /// Some of the texts, at their padded length.
    pub(crate) fn texts(&self, texts: Range<usize>) -> Self {
        Self { rows: self.rows.iter().skip(texts.start).take(texts.len()).cloned().collect(), ..self.clone() }
    }

    /// All texts repeated, one round after the other.
    pub(crate) fn repeated(&self, rounds: usize) -> Self {
        Self { rows: (0..rounds).flat_map(|_| self.rows.iter().cloned()).collect(), ..self.clone() }
    }

    /// Returns the ids as a tensor.
    ///
    /// # Shapes
    /// `[batch, pos]`, unsigned 32-bit.
    ///
    /// # Errors
    /// When memory runs out.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// assert_eq!(Model::open("induction-2l")?.tokens("red fox")?.to_tensor()?.dims(), [1, 3]); // [batch, pos]
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn to_tensor(&self) -> Result<Tensor> {
        self.tensor(self.rows.iter().flat_map(|row| row.ids.iter().copied()).collect())
    }

    /// One number for each token as a tensor, `[batch, pos]`.
    pub(super) fn tensor(&self, values: Vec<u32>) -> Result<Tensor> {
        Ok(from_values(values, (self.batch(), self.len()))?)
    }
}
