//! Naming the tokens that count as answers.

use crate::{
    Model, Result,
    error::{TextError, at_most},
};

/// Anything that names one token for all texts of a batch, or one for each: text such as `" Mary"`, or an id.
pub trait ToTokenIds {
    /// One id for each of `batch` texts.
    ///
    /// # Errors
    /// When a text is no single token, an id is outside the vocabulary, or there are neither one nor `batch` of them.
    /// One is not repeated for more than 2^20 texts.
    fn token_ids(&self, model: &Model, batch: usize) -> Result<Vec<u32>>;
}

fn spread(ids: Vec<u32>, model: &Model, batch: usize) -> Result<Vec<u32>> {
    model.ids().all_at(&ids)?;
    match ids.len() {
        1 => at_most("texts", batch, 1 << 20).map(|()| vec![ids[0]; batch]),
        count if count == batch => Ok(ids),
        count => Err(TextError::Answers { count, batch }.into()),
    }
}

impl ToTokenIds for str {
    fn token_ids(&self, model: &Model, batch: usize) -> Result<Vec<u32>> {
        [self].token_ids(model, batch)
    }
}

impl ToTokenIds for String {
    fn token_ids(&self, model: &Model, batch: usize) -> Result<Vec<u32>> {
        [self.as_str()].token_ids(model, batch)
    }
}

impl ToTokenIds for u32 {
    fn token_ids(&self, model: &Model, batch: usize) -> Result<Vec<u32>> {
        [*self].token_ids(model, batch)
    }
}

macro_rules! many {
    ($($one:ty, |$model:ident, $token:ident| $id:expr;)*) => {$(
        impl ToTokenIds for [$one] {
            fn token_ids(&self, $model: &Model, batch: usize) -> Result<Vec<u32>> {
                spread(self.iter().map(|$token| $id).collect::<Result<_>>()?, $model, batch)
            }
        }

        impl<const N: usize> ToTokenIds for [$one; N] {
            fn token_ids(&self, model: &Model, batch: usize) -> Result<Vec<u32>> {
                self.as_slice().token_ids(model, batch)
            }
        }

        impl ToTokenIds for Vec<$one> {
            fn token_ids(&self, model: &Model, batch: usize) -> Result<Vec<u32>> {
                self.as_slice().token_ids(model, batch)
            }
        }
    )*};
}

many! {
    &str, |model, token| model.to_single_token(token);
    String, |model, token| model.to_single_token(token);
    u32, |model, token| Ok(*token);
}

impl<T: ToTokenIds + ?Sized> ToTokenIds for &T {
    fn token_ids(&self, model: &Model, batch: usize) -> Result<Vec<u32>> {
        (**self).token_ids(model, batch)
    }
}
