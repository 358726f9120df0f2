//! What the logits of a [`Run`] predict.

use super::{Prediction, Run, softmax};
use crate::{
    Result,
    error::TextError,
    index::ToIndex,
    model::{AnswerPair, AnswerWord, LikelierReading, ToTokenIds, ids_after},
    order::top_k,
};

/// Predictions.
impl Run {
    /// Returns the `k` most likely tokens at a position (-1 is the last) of the first text, most likely first: the
    /// tokens that may follow it or, in an encoder, stand there.
    ///
    /// # Errors
    /// When the position is outside the text, its logits were not computed, or one of them is NaN or inf. The error
    /// then names the first recorded site with such a value.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// let top = run.predictions(-1, 5)?;
    /// assert!(top[0].text == "owl" && top[0].logit > top[1].logit);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias("get_top_k", "topk"))]
    pub fn predictions(&self, position: impl ToIndex, k: usize) -> Result<Vec<Prediction>> {
        self.predictions_in(0, position, k)
    }

    /// As [`Run::predictions`], for one text of a batch.
    ///
    /// # Errors
    /// As [`Run::predictions`], and when there is no such text.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run(["red fox red fox", "owl ant owl"])?;
    /// assert_eq!(run.predictions_in(1, -1, 1)?[0].text, "ant");
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn predictions_in(&self, text: impl ToIndex, position: impl ToIndex, k: usize) -> Result<Vec<Prediction>> {
        let (text, position) = (self.tokens().text_at(text)?, position.to_index());
        let logits = self.numbers_at(text, position)?;
        let probabilities = softmax(&logits);
        let prediction = |id: usize| Prediction {
            id: id as u32,
            text: self.model.token_text(id as u32),
            logit: logits[id],
            probability: probabilities[id],
        };
        Ok(top_k(&logits, k).into_iter().map(prediction).collect())
    }

    /// Returns the probability that an answer follows a position (-1 is the last) of the first text or, in an encoder,
    /// stands there. A word is read as it continues the text: see [the rule](AnswerWord#the-space-before-a-word).
    ///
    /// # Errors
    /// When the answer is not a single token, the position is outside the text, or a logit there is NaN or inf.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// assert!(run.probability("owl", -1)? > 0.9);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn probability(&self, answer: impl ToTokenIds, position: impl ToIndex) -> Result<f32> {
        let (logits, [id]) = self.asked([answer.answer_words().as_slice()], position.to_index())?;
        Ok(softmax(&logits)[id])
    }

    /// Returns the logit of an answer minus that of another, at a position (-1 is the last) of the first text. Words
    /// are read as they continue the text: see [the rule](AnswerWord#the-space-before-a-word).
    ///
    /// # Errors
    /// When an answer is not a single token, the position is outside the text, or a logit there is NaN or inf.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// assert!(run.logit_diff("owl", "red", -1)? > 5.0);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias("get_logit_diff", "logits_to_ave_logit_diff"))]
    pub fn logit_diff(&self, answer: impl ToTokenIds, other: impl ToTokenIds, position: impl ToIndex) -> Result<f32> {
        let words = [&answer.answer_words(), &other.answer_words()];
        let (logits, [answer, other]) = self.asked(words.map(Vec::as_slice), position.to_index())?;
        Ok(logits[answer] - logits[other])
    }

    /// Returns [`logit_diff`](Self::logit_diff) for every text, given a pair of the answer and the other token for
    /// each.
    ///
    /// # Errors
    /// When the numbers of pairs and texts differ; otherwise as [`logit_diff`](Self::logit_diff).
    ///
    /// # Examples
    /// ```
    /// use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run(["red fox blue owl red fox blue", "owl fox owl"])?;
    /// let differences = run.logit_diffs([("owl", "red"), ("fox", "owl")], -1)?;
    /// assert!(differences.len() == 2 && differences[0] > 5.0);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias("get_logit_diff", "logits_to_ave_logit_diff"))]
    pub fn logit_diffs(
        &self,
        pairs: impl IntoIterator<Item = impl AnswerPair>,
        position: impl ToIndex,
    ) -> Result<Vec<f32>> {
        let (answers, others): (Vec<AnswerWord>, Vec<AnswerWord>) =
            pairs.into_iter().map(AnswerPair::answer_pair).unzip();
        let (tokens, position) = (self.tokens(), position.to_index());
        let at = |text: usize| tokens.index_in(text, position);
        // One pair would do for all texts of a batch, were it not checked.
        if answers.len() != tokens.batch() {
            return Err(TextError::Answers { count: answers.len(), batch: tokens.batch() }.into());
        }
        let ids = [ids_after(&self.model, &answers, &tokens, at)?, ids_after(&self.model, &others, &tokens, at)?];
        let difference = |text: usize| {
            let logits = self.numbers_at(text, position)?;
            Ok(logits[ids[0][text] as usize] - logits[ids[1][text] as usize])
        };
        (0..tokens.batch()).map(difference).collect()
    }

    /// The logits at a position of the first text, and the tokens of some answers there. Warns of an answer
    /// whose other reading is much likelier.
    fn asked<const N: usize>(&self, answers: [&[AnswerWord]; N], position: i64) -> Result<(Vec<f32>, [usize; N])> {
        let logits = self.numbers_at(0, position)?;
        let at = self.tokens().index_in(0, position)?;
        let mut ids = [0; N];
        for (id, words) in ids.iter_mut().zip(answers) {
            let of_first = ids_after(&self.model, words, &self.tokens().texts(0..1), |_| Ok(at))?;
            *id = of_first.first().copied().unwrap_or(0) as usize;
            let is_word = words.iter().any(AnswerWord::is_word);
            let likelier = is_word.then(|| self.model.likelier_reading(*id as u32, &logits)).flatten();
            likelier.iter().for_each(LikelierReading::say);
        }
        Ok((logits, ids))
    }
}
