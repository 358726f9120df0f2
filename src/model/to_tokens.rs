//! [`ToTokens`]: everything that a model can read as tokens. [`ToTexts`]: the texts among that.

use crate::{
    Result,
    error::{TextError, need_type},
    model::Model,
    text::Tokens,
};
use candle_core::{DType, Tensor};

/// The ids of one text: a list of ids, or [`Tokens`] without padding.
///
/// # Examples
/// ```
/// use glassbox::{model::ToIds, prelude::*};
/// let tokens = Model::open("induction-2l")?.tokens("red fox")?;
/// assert_eq!(tokens.to_ids()?, tokens.ids(0)); // without padding
/// # Ok::<(), glassbox::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a list of token ids: give `Tokens`, a tensor of `u32` with one axis, or a list of `u32`"
)]
pub trait ToIds {
    /// The ids.
    ///
    /// # Errors
    /// When there are several texts.
    fn to_ids(&self) -> Result<Vec<u32>>;
}

impl ToIds for [u32] {
    fn to_ids(&self) -> Result<Vec<u32>> {
        Ok(self.to_vec())
    }
}

impl ToIds for Vec<u32> {
    fn to_ids(&self) -> Result<Vec<u32>> {
        Ok(self.clone())
    }
}

impl<const N: usize> ToIds for [u32; N] {
    fn to_ids(&self) -> Result<Vec<u32>> {
        Ok(self.to_vec())
    }
}

impl ToIds for Tensor {
    fn to_ids(&self) -> Result<Vec<u32>> {
        let wrong = || TextError::IdTensor { shape: self.dims().to_vec(), kind: format!("{:?}", self.dtype()) };
        match (self.rank(), self.dtype().is_int()) {
            (1, true) => Ok(self.to_dtype(DType::U32)?.to_vec1()?),
            _ => Err(wrong().into()),
        }
    }
}

impl ToIds for Tokens {
    fn to_ids(&self) -> Result<Vec<u32>> {
        match self.batch() {
            1 => Ok(self.row(0).ids[self.real(0)].to_vec()),
            texts => Err(TextError::SeveralTexts { what: "to_string", texts }.into()),
        }
    }
}

impl<T: ToIds + ?Sized> ToIds for &T {
    fn to_ids(&self) -> Result<Vec<u32>> {
        (**self).to_ids()
    }
}

/// Anything that a model can read: text, token ids, several of either, a tensor of ids, or [`Tokens`].
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?;
/// assert_eq!(model.tokens(["red fox", "owl"])?.lengths(), [3, 2]); // words, and a <bos> before each text
/// assert_eq!(model.tokens([vec![7, 8], vec![9]])?.lengths(), [2, 1]); // ids are taken as they are
/// # Ok::<(), glassbox::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is nothing that a model reads: give a text, several texts, or token ids (whole numbers)"
)]
pub trait ToTokens {
    /// The tokens, checked against the model's vocabulary and context length.
    ///
    /// # Errors
    /// When a text is empty or too long, an id is out of range, or text is given to a model without tokenizer.
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
        self.as_str().to_tokens(model)
    }
}

impl ToTokens for [u32] {
    fn to_tokens(&self, model: &Model) -> Result<Tokens> {
        model.tokens_from_ids(&[self])
    }
}

impl ToTokens for [&str] {
    fn to_tokens(&self, model: &Model) -> Result<Tokens> {
        model.tokenize(self, None)
    }
}

impl ToTokens for [String] {
    fn to_tokens(&self, model: &Model) -> Result<Tokens> {
        model.tokenize(&self.iter().map(String::as_str).collect::<Vec<_>>(), None)
    }
}

impl ToTokens for [Vec<u32>] {
    fn to_tokens(&self, model: &Model) -> Result<Tokens> {
        model.tokens_from_ids(&self.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }
}

impl<const N: usize> ToTokens for [[u32; N]] {
    fn to_tokens(&self, model: &Model) -> Result<Tokens> {
        model.tokens_from_ids(&self.iter().map(<[u32; N]>::as_slice).collect::<Vec<_>>())
    }
}

/// Whole numbers in one or two axes: the ids of one text, or of several of one length.
impl ToTokens for Tensor {
    fn to_tokens(&self, model: &Model) -> Result<Tokens> {
        if self.dtype().is_float() {
            need_type(|| "the tensor of token ids".into(), self, DType::U32)?;
        }
        let ids = self.to_dtype(DType::I64)?;
        let rows = match ids.rank() {
            1 => vec![ids.to_vec1::<i64>()?],
            2 => ids.to_vec2::<i64>()?,
            axes => return Err(TextError::IdAxes { axes }.into()),
        };
        // An id below 0 is as unknown as one above the vocabulary.
        let known = |id: i64| u32::try_from(id).unwrap_or(u32::MAX);
        rows.into_iter().map(|row| row.into_iter().map(known).collect()).collect::<Vec<Vec<u32>>>().to_tokens(model)
    }
}

impl<T, const N: usize> ToTokens for [T; N]
where
    [T]: ToTokens,
{
    fn to_tokens(&self, model: &Model) -> Result<Tokens> {
        self.as_slice().to_tokens(model)
    }
}

impl<T> ToTokens for Vec<T>
where
    [T]: ToTokens,
{
    fn to_tokens(&self, model: &Model) -> Result<Tokens> {
        self.as_slice().to_tokens(model)
    }
}

impl<T: ToTokens + ?Sized> ToTokens for &T {
    fn to_tokens(&self, model: &Model) -> Result<Tokens> {
        (**self).to_tokens(model)
    }
}

/// One or several texts, for [`Model::to_tokens`].
///
/// # Examples
/// ```
/// use glassbox::model::ToTexts;
/// assert_eq!("red fox".to_texts(), ["red fox"]);
/// assert_eq!(["red fox", "owl"].to_texts().len(), 2);
/// ```
pub trait ToTexts {
    /// The texts.
    fn to_texts(&self) -> Vec<&str>;
}

impl ToTexts for str {
    fn to_texts(&self) -> Vec<&str> {
        vec![self]
    }
}

impl ToTexts for String {
    fn to_texts(&self) -> Vec<&str> {
        vec![self]
    }
}

impl<T: AsRef<str>> ToTexts for [T] {
    fn to_texts(&self) -> Vec<&str> {
        self.iter().map(AsRef::as_ref).collect()
    }
}

impl<T: AsRef<str>, const N: usize> ToTexts for [T; N] {
    fn to_texts(&self) -> Vec<&str> {
        self.as_slice().to_texts()
    }
}

impl<T: AsRef<str>> ToTexts for Vec<T> {
    fn to_texts(&self) -> Vec<&str> {
        self.as_slice().to_texts()
    }
}

impl<T: ToTexts + ?Sized> ToTexts for &T {
    fn to_texts(&self) -> Vec<&str> {
        (**self).to_texts()
    }
}
