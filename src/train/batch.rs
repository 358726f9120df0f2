//! [`Batch`]: the texts of one training step.

use crate::{Result, error::TrainError, index::Counted, tensor::from_values};
use candle_core::Tensor;

/// Texts of the same length, and the tokens to predict.
///
/// # Examples
/// ```
/// use glassbox::train::Batch;
/// let batch = Batch::next_tokens(&[[1u32, 2, 3], [4, 5, 6]], |_, position| position > 0)?; // not the first token
/// assert_eq!(batch.token_count(), 6);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Batch {
    /// `[batch, pos]`
    pub(super) tokens: Tensor,
    /// The positions at which something is predicted, as `text * pos + position`, `[sample]`.
    pub(super) places: Tensor,
    /// The tokens to predict, `[sample]`.
    pub(super) answers: Tensor,
    /// The largest id to predict.
    largest: u32,
}

impl Batch {
    /// Makes a batch that predicts every token for which `counts(text, position)` is true from the tokens before it.
    ///
    /// # Errors
    /// Fails when the texts have different lengths, or there is nothing to predict.
    ///
    /// # Examples
    /// ```
    /// use glassbox::train::Batch;
    /// assert_eq!(Batch::next_tokens(&[[1u32, 2, 3]], |_, _| true)?.token_count(), 3);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn next_tokens(texts: &[impl AsRef<[u32]>], counts: impl Fn(usize, usize) -> bool) -> Result<Self> {
        let mut predicted = Vec::new();
        for (text, ids) in texts.iter().map(AsRef::as_ref).enumerate() {
            let next = ids.iter().enumerate().skip(1).filter(|(position, _)| counts(text, *position));
            predicted.extend(next.map(|(position, id)| (text * ids.len() + position - 1, *id)));
        }
        Self::new(texts, predicted)
    }

    /// Makes a batch of prompts whose last position predicts one answer each.
    ///
    /// # Errors
    /// Fails when the prompts have different lengths, there are none, or the number of answers differs.
    ///
    /// # Examples
    /// ```
    /// use glassbox::train::Batch;
    /// let batch = Batch::answers(&[[1u32, 2], [3, 4]], &[5, 6])?; // 5 follows the first prompt
    /// assert_eq!(batch.token_count(), 4);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn answers(prompts: &[impl AsRef<[u32]>], answers: &[u32]) -> Result<Self> {
        if prompts.len() != answers.len() {
            return Err(TrainError::Answers { prompts: prompts.len(), answers: answers.len() }.into());
        }
        let last = prompts.iter().scan(0, |end, prompt| {
            *end += prompt.as_ref().len();
            Some(end.saturating_sub(1))
        });
        Self::new(prompts, last.zip(answers.iter().copied()).collect())
    }

    fn new(texts: &[impl AsRef<[u32]>], predicted: Vec<(usize, u32)>) -> Result<Self> {
        let lengths = || texts.iter().map(|text| text.as_ref().len());
        let (short, long) = (lengths().min().unwrap_or(0), lengths().max().unwrap_or(0));
        if short != long || predicted.is_empty() {
            return Err(TrainError::Batch { texts: texts.len(), short, long, predicted: predicted.len() }.into());
        }
        let ids: Vec<u32> = texts.iter().flat_map(|text| text.as_ref().iter().copied()).collect();
        let (count, largest) = (predicted.len(), predicted.iter().map(|(_, answer)| *answer).max().unwrap_or(0));
        let (places, answers): (Vec<u32>, Vec<u32>) =
            predicted.into_iter().map(|(place, answer)| (place as u32, answer)).unzip();
        Ok(Self {
            tokens: from_values(ids, (texts.len(), long))?,
            places: from_values(places, count)?,
            answers: from_values(answers, count)?,
            largest,
        })
    }

    /// Fails when an answer is not in the vocabulary. Every id counts in the loss.
    pub(super) fn check_answers(&self, d_vocab: usize) -> Result<()> {
        Counted::ids(d_vocab).at(self.largest as usize).map(drop)
    }

    /// The number of tokens that a model reads in this batch.
    pub fn token_count(&self) -> usize {
        self.tokens.elem_count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn predicted(batch: &Batch) -> (Vec<u32>, Vec<u32>) {
        (batch.places.to_vec1().unwrap(), batch.answers.to_vec1().unwrap())
    }

    #[test]
    fn a_token_is_predicted_at_the_place_before_it() {
        let batch = Batch::next_tokens(&[[5, 6, 7], [8, 9, 10]], |text, position| text == 1 || position == 2).unwrap();
        assert_eq!(predicted(&batch), (vec![1, 3, 4], vec![7, 9, 10]));
        assert_eq!(batch.token_count(), 6);
    }

    #[test]
    fn an_answer_is_predicted_at_the_last_place_of_its_prompt() {
        let batch = Batch::answers(&[[1, 2, 3], [4, 5, 6]], &[7, 8]).unwrap();
        assert_eq!(predicted(&batch), (vec![2, 5], vec![7, 8]));
    }

    #[test]
    fn texts_of_different_lengths_and_texts_that_ask_nothing_are_refused() {
        let error = Batch::answers(&[vec![1], vec![1, 2]], &[3, 4]).unwrap_err().to_string();
        assert!(error.contains("1 to 2 tokens"), "{error}");
        assert!(Batch::next_tokens(&[[1, 2]], |_, _| false).is_err());
    }
}
