//! [`ToTokenIds`]: everything that names the tokens of answers.

use crate::{
    Model, Result,
    error::{TextError, at_most},
    model::AnswerWord,
    text::Tokens,
};

/// Anything that names one token for all texts of a batch, or one for each: a word such as `"Mary"`, read as it
/// continues the text ([the rule](AnswerWord#the-space-before-a-word)), [`exactly("Mary")`](crate::model::exactly), an
/// id, or a list of these.
///
/// # Examples
/// ```
/// use glassbox::{model::{ToTokenIds, exactly}, prelude::*};
/// let model = Model::open("induction-2l")?;
/// assert_eq!("owl".token_ids(&model, 2)?, exactly("owl").token_ids(&model, 2)?);
/// assert_eq!(["owl", "fox"].token_ids(&model, 2)?.len(), 2);
/// # Ok::<(), glassbox::Error>(())
/// ```
pub trait ToTokenIds {
    /// What was named.
    fn answer_words(&self) -> Vec<AnswerWord>;

    /// One id for each of `batch` texts of which nothing is known.
    ///
    /// # Errors
    /// When a text is no single token, an id is outside the vocabulary, or there are neither one nor `batch` of them.
    /// One is not repeated for more than 2^20 texts.
    fn token_ids(&self, model: &Model, batch: usize) -> Result<Vec<u32>> {
        let words = self.answer_words();
        let ids = words.iter().map(|word| model.answer_id(word, None)).collect::<Result<Vec<_>>>()?;
        match ids.len() {
            1 => at_most("texts", batch, 1 << 20).map(|()| vec![ids[0]; batch]),
            count if count == batch => Ok(ids),
            count => Err(TextError::Answers { count, batch }.into()),
        }
    }
}

/// One id for each text, as it goes on after a position of its own.
///
/// # Errors
/// As [`ToTokenIds::token_ids`].
pub(crate) fn ids_after(
    model: &Model,
    words: &[AnswerWord],
    tokens: &Tokens,
    at: impl Fn(usize) -> Result<usize>,
) -> Result<Vec<u32>> {
    let batch = tokens.batch();
    if words.len() != 1 && words.len() != batch {
        return Err(TextError::Answers { count: words.len(), batch }.into());
    }
    let id = |(text, word): (usize, &AnswerWord)| match word.is_word() {
        true => model.answer_id(word, Some(&model.text_before(tokens, text, at(text)?))),
        false => model.answer_id(word, None),
    };
    words.iter().cycle().take(batch).enumerate().map(id).collect()
}

macro_rules! one {
    ($($one:ty),*) => {$(
        impl ToTokenIds for $one {
            fn answer_words(&self) -> Vec<AnswerWord> {
                vec![self.to_owned().into()]
            }
        }
    )*};
}

one!(str, String, u32, AnswerWord);

impl<T: Clone + Into<AnswerWord>> ToTokenIds for [T] {
    fn answer_words(&self) -> Vec<AnswerWord> {
        self.iter().cloned().map(Into::into).collect()
    }
}

impl<T: Clone + Into<AnswerWord>, const N: usize> ToTokenIds for [T; N] {
    fn answer_words(&self) -> Vec<AnswerWord> {
        self.as_slice().answer_words()
    }
}

impl<T: Clone + Into<AnswerWord>> ToTokenIds for Vec<T> {
    fn answer_words(&self) -> Vec<AnswerWord> {
        self.as_slice().answer_words()
    }
}

impl<T: ToTokenIds + ?Sized> ToTokenIds for &T {
    fn answer_words(&self) -> Vec<AnswerWord> {
        (**self).answer_words()
    }
}
