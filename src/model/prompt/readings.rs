//! What a tested prompt says: ranks and probabilities.

use super::{AnswerStep, PromptTest, TestedAnswer};
use crate::{model::Model, text::Tokens};

impl TestedAnswer {
    /// The sum of log P over its tokens, in nats: the log-probability of exactly this answer.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let test = Model::open("induction-2l")?.test_prompt("red fox blue owl red fox blue", "owl red")?;
    /// let answer = &test.answers()[0];
    /// assert!((answer.log_probability() - 2.0 * answer.mean_log_probability()).abs() < 1e-9); // two tokens
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn log_probability(&self) -> f64 {
        self.steps.iter().map(AnswerStep::log_probability).sum()
    }

    /// The mean of log P of its tokens, in nats: comparable between answers of different length.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let test = Model::open("induction-2l")?.test_prompt("red fox blue owl red fox blue", ["owl red", "ant"])?;
    /// let answers = test.answers();
    /// assert!(answers[0].mean_log_probability() > answers[1].mean_log_probability());
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn mean_log_probability(&self) -> f64 {
        self.log_probability() / self.steps.len() as f64
    }

    /// The probability of exactly this answer, 0 to 1.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let test = Model::open("induction-2l")?.test_prompt("red fox blue owl red fox blue", "owl")?;
    /// assert!(test.answers()[0].probability() > 0.9);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn probability(&self) -> f64 {
        self.log_probability().exp()
    }
}

impl AnswerStep {
    /// log P of the answer's token, in nats.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let test = Model::open("induction-2l")?.test_prompt("red fox blue owl red fox blue", "owl")?;
    /// assert!(test.steps(0)[0].log_probability() > -0.1);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn log_probability(&self) -> f64 {
        // Not from the probability, which may be too small for a number of 32 bits.
        let total: f64 = self.logits.iter().map(|&logit| f64::from(logit - self.answer.logit).exp()).sum();
        -total.ln()
    }
}

impl PromptTest {
    /// The model that was tested.
    pub fn model(&self) -> Model {
        self.model.clone()
    }

    /// The prompt.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let test = Model::open("induction-2l")?.test_prompt("red fox red", "fox")?;
    /// assert_eq!(test.prompt().strings(0), ["<bos>", "red", "fox", "red"]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn prompt(&self) -> Tokens {
        self.prompt.clone()
    }

    /// The answers, in the order given.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let test = Model::open("induction-2l")?.test_prompt("red fox red", ["fox", "owl"])?;
    /// assert_eq!(test.answers()[1].text, "owl");
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn answers(&self) -> Vec<TestedAnswer> {
        self.answers.clone()
    }

    /// The tokens of one answer; empty when there is no such answer.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let test = Model::open("induction-2l")?.test_prompt("red fox red", "fox red")?;
    /// assert_eq!(test.steps(0).len(), 2); // one for each token
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn steps(&self, answer: usize) -> Vec<AnswerStep> {
        self.answers.get(answer).map_or(Vec::new(), |answer| answer.steps.clone())
    }

    /// The rank of each token of each answer among all tokens; 1 is the most likely (TransformerLens counts from 0).
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let test = Model::open("induction-2l")?.test_prompt("red fox blue owl red fox blue", ["owl", "ant"])?;
    /// assert!(test.ranks()[0] == [1] && test.ranks()[1][0] > 1);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn ranks(&self) -> Vec<Vec<usize>> {
        self.answers.iter().map(|answer| answer.steps.iter().map(|step| step.rank).collect()).collect()
    }

    /// [`TestedAnswer::mean_log_probability`] of each answer, in nats.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let test = Model::open("induction-2l")?.test_prompt("red fox blue owl red fox blue", ["owl", "ant"])?;
    /// assert!(test.mean_log_probability()[0] > test.mean_log_probability()[1]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn mean_log_probability(&self) -> Vec<f64> {
        self.answers.iter().map(TestedAnswer::mean_log_probability).collect()
    }

    /// Returns the same test with `k` alternatives to each token, or as many as there are. The default is 10.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let test = Model::open("induction-2l")?.test_prompt("red fox red", "fox")?;
    /// assert_eq!(test.top(3).steps(0)[0].top.len(), 3);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn top(&self, k: usize) -> Self {
        let step = |step: &AnswerStep| AnswerStep::new(&self.model, step.answer.id, step.logits.clone(), k);
        let answer =
            |answer: &TestedAnswer| TestedAnswer { steps: answer.steps.iter().map(step).collect(), ..answer.clone() };
        Self { answers: self.answers.iter().map(answer).collect(), ..self.clone() }
    }
}
