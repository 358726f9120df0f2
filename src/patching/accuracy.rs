//! [`Accuracy`]: how often the right answer has a higher logit than a wrong one.

use super::{Metric, PromptPairs};
use crate::{Model, Result, error::PatchError, model::AnswerWord, notebook::Card, order::any_nan};

/// How often the right answer has a higher logit than a wrong one.
///
/// Made by [`Model::accuracy`] and [`PromptPairs::right_answers`]. A notebook shows the share, the number of prompts,
/// and the prompts with a wrong answer.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?;
/// let accuracy = model.accuracy([("red fox blue owl red fox", "blue", "owl")])?; // a table, in a notebook
/// assert_eq!(accuracy.share(), 1.0);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone)]
pub struct Accuracy {
    asked: Vec<Asked>,
}

/// A prompt and its two answers.
#[derive(Clone)]
struct Asked {
    prompt: String,
    right: String,
    wrong: String,
    /// The difference of the logits.
    difference: f32,
}

/// The number of texts in one batch.
const TEXTS: usize = 32;

impl Model {
    /// Returns how often the right answer has a higher logit than the wrong one, for `(prompt, right, wrong)`. Answers
    /// are read as they continue the prompt ([the rule](AnswerWord#the-space-before-a-word)).
    ///
    /// # Errors
    /// When there are no prompts, this model cannot read one, an answer is not a single token, or the right answer of a
    /// prompt is also its wrong one.
    ///
    /// # Examples
    /// ```
    /// use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let accuracy = model.accuracy([
    ///     ("red fox blue owl red fox", "blue", "owl"),
    ///     ("cat hat sun cat hat", "sun", "cat"),
    ///     ("cat hat sun cat hat", "cat", "sun"), // answers swapped
    /// ])?;
    /// assert_eq!((accuracy.right(), accuracy.n()), (2, 3));
    /// assert!((accuracy.share() - 2.0 / 3.0).abs() < 1e-9);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn accuracy<A: Into<AnswerWord>, W: Into<AnswerWord>>(
        &self,
        prompts: impl IntoIterator<Item = (impl Into<String>, A, W)>,
    ) -> Result<Accuracy> {
        let asked = prompts.into_iter().map(|(prompt, right, wrong)| (prompt.into(), right.into(), wrong.into()));
        let asked: Vec<(String, AnswerWord, AnswerWord)> = asked.collect();
        let said = |word: &AnswerWord| match word {
            AnswerWord::Word(text) | AnswerWord::Exactly(text) => text.clone(),
            AnswerWord::Id(id) => self.token_text(*id),
        };
        let mut all = Vec::new();
        for some in asked.chunks(TEXTS) {
            let texts: Vec<&str> = some.iter().map(|(prompt, ..)| prompt.as_str()).collect();
            let answers = |of: fn(&(String, AnswerWord, AnswerWord)) -> &AnswerWord| some.iter().map(of).cloned();
            let (right, wrong): (Vec<_>, Vec<_>) = (answers(|one| &one.1).collect(), answers(|one| &one.2).collect());
            let metric = Metric::logit_diff(self, right, wrong, some.len())?;
            if let Some((prompt, right, _)) = some.iter().find(|(_, right, wrong)| right == wrong) {
                return Err(PatchError::SameAnswer { prompt: prompt.clone(), answer: said(right) }.into());
            }
            let differences = metric.of(&self.pass(self.tokens(texts)?)?.logits_at([-1]).run()?)?;
            all.extend(some.iter().zip(differences).map(|((prompt, right, wrong), difference)| Asked {
                prompt: prompt.clone(),
                right: said(right),
                wrong: said(wrong),
                difference,
            }));
        }
        Accuracy::of(all)
    }
}

impl PromptPairs {
    /// Returns how often a prompt's own answer has the higher logit of the two, over all clean and corrupt prompts.
    ///
    /// # Errors
    /// As [`PromptPairs::metric`].
    ///
    /// # Examples
    /// ```
    /// use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let pairs = [("red fox blue owl tree red fox", "red owl blue fox tree red fox", "blue", "tree")];
    /// let accuracy = PromptPairs::new(&model, pairs)?.right_answers(&model)?;
    /// assert_eq!((accuracy.right(), accuracy.n()), (2, 2));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn right_answers(&self, model: &Model) -> Result<Accuracy> {
        let metric = self.metric(model)?;
        let of = |prompts: Vec<String>| metric.of(&model.pass(prompts)?.logits_at([-1]).run()?);
        let (clean, corrupt) = (of(self.clean())?, of(self.corrupt())?);
        let asked = |(prompt, right, wrong): (&String, &String, &String), difference| Asked {
            prompt: prompt.clone(),
            right: right.clone(),
            wrong: wrong.clone(),
            difference,
        };
        let clean = self.pairs.iter().zip(clean).map(|(pair, by)| asked((&pair.clean, &pair.answer, &pair.wrong), by));
        let corrupt =
            self.pairs.iter().zip(corrupt).map(|(pair, by)| asked((&pair.corrupt, &pair.wrong, &pair.answer), -by));
        Accuracy::of(clean.chain(corrupt).collect())
    }
}

impl Accuracy {
    fn of(asked: Vec<Asked>) -> Result<Self> {
        if asked.is_empty() { Err(PatchError::NoPairs.into()) } else { Ok(Self { asked }) }
    }

    /// The number of prompts.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let accuracy = Model::open("induction-2l")?.accuracy([("red fox blue owl red fox", "blue", "owl")])?;
    /// assert_eq!(accuracy.n(), 1);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn n(&self) -> usize {
        self.asked.len()
    }

    /// The number of prompts whose right answer has the higher logit.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let accuracy = Model::open("induction-2l")?.accuracy([("red fox blue owl red fox", "blue", "owl")])?;
    /// assert_eq!(accuracy.right(), 1);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn right(&self) -> usize {
        self.asked.iter().filter(|one| one.difference > 0.0).count()
    }

    /// The share of prompts whose right answer has the higher logit, 0 to 1; NaN if a difference is NaN.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let accuracy = Model::open("induction-2l")?.accuracy([("red fox blue owl red fox", "owl", "blue")])?;
    /// assert_eq!(accuracy.share(), 0.0); // "owl" is not what follows
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn share(&self) -> f64 {
        match any_nan(&self.differences()) {
            true => f64::NAN,
            false => self.right() as f64 / self.n() as f64,
        }
    }

    /// The logit of each prompt's right answer minus that of the wrong one.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let accuracy = Model::open("induction-2l")?.accuracy([("red fox blue owl red fox", "blue", "owl")])?;
    /// assert!(accuracy.differences()[0] > 5.0);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn differences(&self) -> Vec<f32> {
        self.asked.iter().map(|one| one.difference).collect()
    }

    fn card(&self) -> Card {
        let (right, n, percent) = (self.right(), self.n(), 100.0 * self.share());
        let card = Card::new(&format!("{right} of {n} prompts answered correctly ({percent:.1} %)"));
        let row =
            |one: &Asked| [one.prompt.clone(), one.right.clone(), one.wrong.clone(), format!("{:+.3}", one.difference)];
        let mut missed = self.asked.iter().filter(|one| one.difference.is_nan() || one.difference <= 0.0).peekable();
        if missed.peek().is_none() {
            return card;
        }
        card.table(&["wrong here", "right answer", "wrong one", "logit difference"], missed.map(row))
    }
}

shown! {
    /// Shows the share, the number of prompts, and those that went wrong in a notebook.
    Accuracy: card
}
