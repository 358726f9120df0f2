//! [`Model::test_prompt`]: how likely are some answers after a prompt?

mod answers;
mod readings;
mod show;
mod word;

use super::{Architecture, Model, Prediction, softmax};
use crate::{
    Result,
    error::{RunError, TextError},
    order::{falling, top_k},
    text::Tokens,
};
pub use answers::Answers;
use std::{collections::HashMap, sync::Arc};
pub(crate) use word::LikelierReading;
pub use word::{AnswerPair, AnswerWord, exactly};

/// How a model continues a prompt: rank, logit and probability of every token of every answer, and the most likely
/// tokens in its place.
///
/// Made by [`Model::test_prompt`].
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?;
/// let test = model.test_prompt("red fox blue owl red fox blue", ["owl red", "fox"])?;
/// let second = &test.steps(0)[1]; // `red`, the prompt and `owl` given
/// assert_eq!((second.answer.text.as_str(), second.rank, second.top.len()), ("red", 1, 10));
/// let [owl_red, fox] = test.mean_log_probability()[..] else { panic!("two answers") };
/// assert!(owl_red > fox);
/// test.top(3).draw()?; // three alternatives a panel
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone)]
pub struct PromptTest {
    model: Model,
    prompt: Tokens,
    answers: Vec<TestedAnswer>,
}

/// An answer and its probability.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let test = Model::open("induction-2l")?.test_prompt("red fox blue owl red fox blue", "owl red")?;
/// let answer = &test.answers()[0];
/// assert_eq!((answer.text.as_str(), answer.steps.len()), ("owl red", 2));
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct TestedAnswer {
    /// The text whose tokens were tested.
    pub text: String,
    /// Whether a space was put before it that it did not have.
    pub spaced: bool,
    is_word: bool,
    /// Its tokens, each with the ones before it given.
    pub steps: Vec<AnswerStep>,
}

/// One token of an answer, given the prompt and the answer's earlier tokens.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let test = Model::open("induction-2l")?.test_prompt("red fox blue owl red fox blue", "owl")?;
/// let step = &test.steps(0)[0];
/// assert_eq!((step.rank, step.top[0].text.as_str()), (1, "owl"));
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct AnswerStep {
    /// The answer's token.
    pub answer: Prediction,
    /// Its place among all tokens: 1 is the likeliest, as everywhere in this crate (TransformerLens counts from 0).
    pub rank: usize,
    /// The likeliest tokens, likeliest first.
    pub top: Vec<Prediction>,
    logits: Arc<[f32]>,
}

/// As many alternatives as TransformerLens prints.
const TOP: usize = 10;

impl Model {
    /// Tests how the model continues a prompt: TransformerLens's `test_prompt`, which returns its data here.
    ///
    /// An answer is read as it continues the prompt, with [a space where one
    /// belongs](AnswerWord#the-space-before-a-word). [`exactly`] and [`Answers::as_written`] put none, and
    /// [`TestedAnswer::spaced`] returns whether one was put. An answer of several tokens is tested token by token, each
    /// given the earlier ones.
    ///
    /// # Errors
    /// When there is no answer or one is empty, this model cannot read the prompt or an answer (see [`Model::tokens`]),
    /// a logit is NaN or inf, or the model is not a decoder of one stack.
    ///
    /// # Examples
    /// ```
    /// use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let test = model.test_prompt("red fox blue owl red fox blue", ["owl", "fox", "owl red"])?;
    /// assert_eq!(test.ranks()[0], [1]); // the model knows
    /// assert!(test.ranks()[1][0] > 1);
    /// assert_eq!(test.ranks()[2], [1, 1]); // and goes on
    /// assert!(test.answers()[0].probability() > 0.9);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "utils.test_prompt")]
    pub fn test_prompt(&self, prompt: impl AsRef<str>, answers: impl Into<Answers>) -> Result<PromptTest> {
        if self.config().architecture != Architecture::Decoder {
            return Err(RunError::NotContinued { family: self.config().family.clone() }.into());
        }
        let (prompt, answers) = (prompt.as_ref(), answers.into());
        let tokens = self.tokens(prompt)?;
        let mut known = HashMap::new();
        let test = |answer: &AnswerWord| {
            let (text, ids, spaced) = self.answer_after(prompt, answer)?;
            let steps = self.steps(&tokens, &ids, &mut known)?;
            Ok(TestedAnswer { text, spaced, is_word: answer.is_word(), steps })
        };
        let tested = answers.words.iter().map(test).collect::<Result<Vec<_>>>()?;
        if tested.is_empty() {
            return Err(TextError::NoAnswer.into());
        }
        Ok(PromptTest { model: self.clone(), prompt: tokens, answers: tested })
    }

    /// An answer's text, its tokens after a prompt, and whether a space was put before it.
    fn answer_after(&self, prompt: &str, answer: &AnswerWord) -> Result<(String, Vec<u32>, bool)> {
        match answer {
            AnswerWord::Id(id) => Ok((self.token_text(*id), vec![self.answer_id(answer, None)?], false)),
            AnswerWord::Exactly(text) => Ok((text.clone(), self.continuation(prompt, text)?, false)),
            AnswerWord::Word(word) => {
                let spaced = self.puts_apart(prompt, word);
                let text = if spaced { format!(" {word}") } else { word.clone() };
                let ids = self.continuation(prompt, &text)?;
                Ok((text, ids, spaced))
            }
        }
    }

    /// Each token of an answer. `known` has the logits after what was already run: they are the same for all answers
    /// that begin alike.
    fn steps(
        &self,
        prompt: &Tokens,
        answer: &[u32],
        known: &mut HashMap<Vec<u32>, Arc<[f32]>>,
    ) -> Result<Vec<AnswerStep>> {
        let before = |n: usize| &answer[..n];
        if (0..answer.len()).any(|n| !known.contains_key(before(n))) {
            let ids = [&*prompt.row(0).ids, before(answer.len() - 1)].concat();
            let positions = (prompt.len() - 1..ids.len()).map(|position| position as i64);
            let run = self.pass(ids)?.logits_at(positions).run()?;
            for (n, logits) in run.logits()?.get(0)?.to_vec2::<f32>()?.into_iter().enumerate() {
                let what =
                    || format!("the logits after {:?}", self.token_text(run.tokens().row(0).ids[prompt.len() - 1 + n]));
                self.check_numbers(&run.tokens(), what, &logits)?;
                known.entry(before(n).to_vec()).or_insert(logits.into());
            }
        }
        let step = |(n, &id): (usize, &u32)| Some(AnswerStep::new(self, id, known.get(before(n))?.clone(), TOP));
        Ok(answer.iter().enumerate().filter_map(step).collect())
    }
}

impl AnswerStep {
    fn new(model: &Model, id: u32, logits: Arc<[f32]>, k: usize) -> Self {
        let mine = logits[id as usize];
        let likelier = |(other, logit): (usize, &f32)| falling(*logit, mine).then(other.cmp(&(id as usize))).is_lt();
        let rank = logits.iter().enumerate().filter(|&candidate| likelier(candidate)).count();
        let probabilities = softmax(&logits);
        let prediction = |id: usize| Prediction {
            id: id as u32,
            text: model.token_text(id as u32),
            logit: logits[id],
            probability: probabilities[id],
        };
        let top = top_k(&logits, k).into_iter().map(prediction).collect();
        Self { answer: prediction(id as usize), rank: rank + 1, top, logits }
    }
}

impl TestedAnswer {
    /// What is to be said when its other reading, with or without a space, is much likelier.
    fn likelier_reading(&self, model: &Model) -> Option<LikelierReading> {
        let first = self.steps.first().filter(|_| self.is_word)?;
        model.likelier_reading(first.answer.id, &first.logits)
    }
}

impl AnswerStep {}

impl PromptTest {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notebook::Show;

    const PROMPT: &str = "red fox blue owl red fox blue";

    fn model() -> Model {
        Model::open("induction-2l").unwrap()
    }

    #[test]
    fn ranks_and_probabilities_are_those_of_the_whole_text_run_at_once() {
        let model = model();
        let test = model.test_prompt(PROMPT, ["owl red fox", "owl ant"]).unwrap();
        for (answer, tested) in ["owl red fox", "owl ant"].into_iter().zip(test.answers()) {
            let run = model.run(format!("{PROMPT} {answer}")).unwrap();
            let from = test.prompt().len();
            let losses = run.loss_per_token().unwrap().get(0).unwrap().to_vec1::<f32>().unwrap();
            for (n, step) in tested.steps.iter().enumerate() {
                let position = (from + n - 1) as i64;
                let everything = run.predictions(position, usize::MAX).unwrap();
                let rank = everything.iter().position(|token| token.id == step.answer.id).unwrap();
                assert_eq!(step.rank, rank + 1);
                assert!((step.answer.logit - everything[rank].logit).abs() < 1e-4);
                assert!((step.log_probability() + f64::from(losses[from + n - 1])).abs() < 1e-4);
            }
            let sum: f64 = tested.steps.iter().map(AnswerStep::log_probability).sum();
            assert!((tested.probability().ln() - sum).abs() < 1e-9);
            assert!((tested.mean_log_probability() * tested.steps.len() as f64 - sum).abs() < 1e-9);
        }
    }

    #[test]
    fn the_alternatives_are_the_models_predictions_however_many() {
        let test = model().test_prompt(PROMPT, "owl").unwrap();
        let run = model().run(PROMPT).unwrap();
        for (test, k) in [(test.clone(), 10), (test.top(3), 3), (test.top(0), 0)] {
            let top: Vec<_> = test.steps(0)[0].top.iter().map(|token| token.id).collect();
            let expected: Vec<_> = run.predictions(-1, k).unwrap().iter().map(|token| token.id).collect();
            assert_eq!(top, expected);
            test.draw().unwrap();
        }
    }

    #[test]
    fn a_tokenizer_that_drops_spaces_was_given_none() {
        let test = model().test_prompt(PROMPT, "owl").unwrap();
        assert_eq!((test.answers()[0].text.as_str(), test.answers()[0].spaced), ("owl", false));
        let written = model().test_prompt(PROMPT, Answers::from("owl").as_written()).unwrap();
        assert_eq!(written.ranks(), test.ranks());
    }

    #[test]
    fn what_cannot_be_tested_is_refused() {
        let says = |answers: Answers, words: &str| {
            let error = model().test_prompt(PROMPT, answers).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        };
        says(Vec::<String>::new().into(), "no answer");
        says("".into(), "no answer");
        says(["owl", " "].into(), "no answer");
        says("owll".into(), "`owl`");
    }

    #[test]
    fn a_real_model_is_given_the_space_that_its_words_begin_with() {
        let Some(models) = std::env::var_os("GLASSBOX_MODELS") else {
            println!("skipped: GLASSBOX_MODELS is not set");
            return;
        };
        let folder = std::path::Path::new(&models).join("smollm2-135m-instruct");
        let model = Model::open(folder.to_str().unwrap()).unwrap();
        let prompt = "When Mary and John went to the store, John gave a drink to";
        let test = model.test_prompt(prompt, ["Mary", " John", "Schwarzenegger"]).unwrap();
        let tokens =
            |answer: usize| test.steps(answer).iter().map(|step| step.answer.text.as_str()).collect::<String>();
        assert_eq!((tokens(0), tokens(1), tokens(2)), (" Mary".into(), " John".into(), " Schwarzenegger".into()));
        assert_eq!(test.answers().iter().map(|answer| answer.spaced).collect::<Vec<_>>(), [true, false, true]);
        assert!(test.ranks()[0] == [1] && test.ranks()[1][0] > 1 && test.steps(2).len() > 1);
        assert!(test.plain().contains("A space was put before Mary, Schwarzenegger."));
        let written = model.test_prompt(prompt, Answers::from("Mary").as_written()).unwrap();
        assert_eq!((written.steps(0)[0].answer.text.as_str(), written.answers()[0].spaced), ("Mary", false));
    }
}
