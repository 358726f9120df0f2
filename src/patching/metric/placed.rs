//! The answers of a metric, once it is known which texts they follow.

use super::{Kind, Metric, of_text};
use crate::{
    Model, Result,
    model::{AnswerWord, ids_after},
    text::Tokens,
};

/// The answers of a metric as they were given: one for all texts, or one for each.
#[derive(Clone)]
pub(super) struct Words {
    model: Model,
    answer: Vec<AnswerWord>,
    wrong: Vec<AnswerWord>,
}

impl Words {
    /// For all texts so many times, one round after the other.
    fn repeated(&self, rounds: usize) -> Self {
        let many = |words: &[AnswerWord]| match words.len() {
            0 | 1 => words.to_vec(),
            count => words.iter().cycle().take(count * rounds).cloned().collect(),
        };
        Self { model: self.model.clone(), answer: many(&self.answer), wrong: many(&self.wrong) }
    }
}

impl Metric {
    pub(super) fn with_words(self, model: &Model, answer: Vec<AnswerWord>, wrong: Vec<AnswerWord>) -> Self {
        let has_words = answer.iter().chain(&wrong).any(AnswerWord::is_word);
        Self { words: has_words.then(|| Words { model: model.clone(), answer, wrong }), ..self }
    }

    /// The same for these texts: each word is the token that its text goes on with where the metric looks.
    pub(in crate::patching) fn placed(&self, tokens: &Tokens) -> Result<Self> {
        let Some(Words { model, answer, wrong }) = &self.words else { return Ok(self.clone()) };
        let at = |text: usize| tokens.index_in(text, of_text(&self.at, text));
        let answer = ids_after(model, answer, tokens, at)?;
        let kind = match &self.kind {
            Kind::LogitDiff { .. } => Kind::LogitDiff { answer, wrong: ids_after(model, wrong, tokens, at)? },
            Kind::Logit { .. } => Kind::Logit { answer },
            Kind::Probability { .. } => Kind::Probability { answer },
            Kind::LogProbability { .. } => Kind::LogProbability { answer },
            Kind::Loss { .. } => Kind::Loss { answer },
            Kind::Rank { .. } => Kind::Rank { answer },
            other => other.clone(),
        };
        Ok(Self { kind, words: None, ..self.clone() })
    }

    /// The same for all texts so many times, one round after the other.
    pub(in crate::patching) fn repeated(&self, rounds: usize) -> Result<Self> {
        let again = |ids: &[u32]| ids.repeat(rounds);
        let kind = match &self.kind {
            Kind::LogitDiff { answer, wrong } => Kind::LogitDiff { answer: again(answer), wrong: again(wrong) },
            Kind::Logit { answer } => Kind::Logit { answer: again(answer) },
            Kind::Probability { answer } => Kind::Probability { answer: again(answer) },
            Kind::LogProbability { answer } => Kind::LogProbability { answer: again(answer) },
            Kind::Loss { answer } => Kind::Loss { answer: again(answer) },
            Kind::Rank { answer } => Kind::Rank { answer: again(answer) },
            Kind::Divergence { reference, run } => {
                Kind::Divergence { reference: reference.repeat((rounds, 1))?, run: run.clone() }
            }
            Kind::Custom(measure) => Kind::Custom(measure.clone()),
        };
        let at = if self.at.len() > 1 { self.at.repeat(rounds) } else { self.at.clone() };
        let words = self.words.as_ref().map(|words| words.repeated(rounds));
        let batch = self.batch.map(|batch| batch * rounds);
        Ok(Self { name: self.name.clone(), batch, at, kind, words })
    }
}
