//! [`PromptPairs`]: clean and corrupt prompts, each with its answer.

use super::{Alignment, Metric, Patching};
use crate::{Model, Result, error::PatchError};

/// One pair of prompts; both end just before the answer.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let pair = PromptPair::from(("red fox blue owl red fox", "red owl blue fox red fox", "blue", "red"));
/// assert_eq!((pair.answer.as_str(), pair.wrong.as_str()), ("blue", "red"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PromptPair {
    /// The clean prompt: `When Mary and John went to the shop, John gave the bag to`.
    pub clean: String,
    /// The corrupt prompt: the same with one difference.
    pub corrupt: String,
    /// The right answer to the clean prompt: `Mary`.
    pub answer: String,
    /// A wrong answer to the clean prompt: `John`.
    pub wrong: String,
}

impl<T: Into<String>> From<(T, T, T, T)> for PromptPair {
    fn from((clean, corrupt, answer, wrong): (T, T, T, T)) -> Self {
        Self { clean: clean.into(), corrupt: corrupt.into(), answer: answer.into(), wrong: wrong.into() }
    }
}

/// Pairs of prompts with answers of one token, as [`Patching`] needs them. The prompts of a pair have one length, or an
/// alignment.
///
/// [`IoiPrompts`](super::IoiPrompts) makes them for one task; these are for any other.
///
/// # Examples
/// ```
/// use glassbox::{patching::{HeadPart, PromptPairs}, prelude::*};
/// let model = Model::open("induction-2l")?;
/// // Clean, corrupt, the answer of the clean one, the answer of the corrupt one.
/// let prompts = PromptPairs::new(&model, [
///     ("red fox blue owl tree red fox", "red owl blue fox tree red fox", "blue", "tree"),
///     ("cat hat sun dog ant cat hat", "cat dog sun hat ant cat hat", "sun", "ant"),
/// ])?;
/// let heads = prompts.patching(&model)?.heads(HeadPart::Out)?;
/// assert!(heads.mean()[[0, 0]] > 0.8);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PromptPairs {
    pub(super) pairs: Vec<PromptPair>,
    pub(super) answers: Vec<u32>,
    pub(super) wrong: Vec<u32>,
    pub(super) alignment: Alignment,
}

impl PromptPairs {
    /// Makes pairs from `(clean, corrupt, answer, wrong)`. An answer is read as it continues the clean prompt, with [a
    /// space where one belongs](crate::model::AnswerWord#the-space-before-a-word).
    ///
    /// # Errors
    /// When there are no pairs, the prompts of a pair have different numbers of tokens, or an answer is not one token.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let pairs = [("red fox blue owl tree red fox", "red owl blue fox tree red fox", "blue", "tree")];
    /// assert_eq!(PromptPairs::new(&model, pairs)?.clean(), ["red fox blue owl tree red fox"]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn new(model: &Model, pairs: impl IntoIterator<Item = impl Into<PromptPair>>) -> Result<Self> {
        Self::aligned(model, pairs, Alignment::SameLength)
    }

    /// As [`PromptPairs::new`], with prompts that may differ in length. The [`Alignment`] says which position of a
    /// clean prompt corresponds to which position of its corrupt prompt.
    ///
    /// # Errors
    /// As [`PromptPairs::new`], except for the length.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{patching::{Alignment, PromptPairs}, prelude::*};
    /// let model = Model::open("induction-2l")?;
    /// let pairs = [("red fox blue owl tree red fox", "cat red owl blue fox tree red fox", "blue", "tree")];
    /// let error = PromptPairs::new(&model, pairs).unwrap_err().to_string();
    /// assert!(error.contains("Alignment::FromEnd"), "{error}");
    /// let map = PromptPairs::aligned(&model, pairs, Alignment::FromEnd)?.patching(&model)?.resid_pre()?;
    /// assert_eq!(map.mean().shape(), [2, 9]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn aligned(
        model: &Model,
        pairs: impl IntoIterator<Item = impl Into<PromptPair>>,
        alignment: Alignment,
    ) -> Result<Self> {
        let mut all = Self { alignment, ..Self::default() };
        for pair in pairs {
            let pair: PromptPair = pair.into();
            let (clean, corrupt) = (model.tokens(&pair.clean)?, model.tokens(&pair.corrupt)?);
            if all.alignment == Alignment::SameLength && clean.len() != corrupt.len() {
                let tokens = |tokens: &crate::text::Tokens| tokens.row(0).strings.join("|");
                let (clean, corrupt) = (tokens(&clean), tokens(&corrupt));
                return Err(PatchError::PairLengths { clean, corrupt }.into());
            }
            all.answers.push(model.answer_id(&pair.answer.as_str().into(), Some(&pair.clean))?);
            all.wrong.push(model.answer_id(&pair.wrong.as_str().into(), Some(&pair.clean))?);
            all.pairs.push(pair);
        }
        match all.pairs.is_empty() {
            true => Err(PatchError::NoPairs.into()),
            false => Ok(all),
        }
    }

    /// Makes pairs from one template, whose `[X]` is filled with the words of each item. The corrupt prompt of an item
    /// is that of the next item with the same number of tokens and another answer.
    ///
    /// # Errors
    /// As [`PromptPairs::new`], and when the template has no `[X]`, or an item has no partner.
    ///
    /// # Examples
    /// ```no_run
    /// use glassbox::{patching::PromptPairs, prelude::*};
    /// let model = Model::open("HuggingFaceTB/SmolLM2-135M-Instruct")?;
    /// let capitals = [("France", "Paris"), ("Italy", "Rome"), ("Japan", "Tokyo")];
    /// let prompts = PromptPairs::from_template(&model, "The capital of [X] is", &capitals)?;
    /// assert_eq!(prompts.pairs()[0].corrupt, "The capital of Italy is");
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn from_template(model: &Model, template: &str, items: &[(&str, &str)]) -> Result<Self> {
        Self::from_template_aligned(model, template, items, Alignment::SameLength)
    }

    /// As [`PromptPairs::from_template`], with words of any number of tokens. The corrupt prompt of an item is that of
    /// the next item with another answer, and the alignment relates their positions.
    ///
    /// # Errors
    /// As [`PromptPairs::from_template`], except for the length.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{patching::{Alignment, PromptPairs}, prelude::*};
    /// let model = Model::open("induction-2l")?;
    /// let items = [("fox blue", "owl"), ("fox", "tree")];
    /// let pairs = PromptPairs::from_template_aligned(&model, "red [X] sun red", &items, Alignment::FromEnd)?;
    /// assert_eq!(pairs.pairs()[0].corrupt, "red fox sun red");
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn from_template_aligned(
        model: &Model,
        template: &str,
        items: &[(&str, &str)],
        alignment: Alignment,
    ) -> Result<Self> {
        if !template.contains(SLOT) {
            return Err(PatchError::NoSlot { template: template.into() }.into());
        }
        let fill = |words: &str| template.replace(SLOT, words);
        let lengths =
            items.iter().map(|(words, _)| Ok(model.tokens(fill(words))?.len())).collect::<Result<Vec<_>>>()?;
        let pair = |nth: usize| {
            let (words, answer) = items[nth];
            let others = (1..items.len()).map(|after| (nth + after) % items.len());
            let fits = |other: usize| alignment != Alignment::SameLength || lengths[other] == lengths[nth];
            let mut partners = others.filter(|&other| fits(other) && items[other].1 != answer);
            let partner = partners.next().ok_or_else(|| PatchError::NoPartner {
                words: words.into(),
                tokens: lengths[nth],
                others: lengths.clone(),
            })?;
            Ok(PromptPair::from((fill(words), fill(items[partner].0), answer.to_owned(), items[partner].1.to_owned())))
        };
        let pairs = (0..items.len()).map(pair).collect::<Result<Vec<_>>>()?;
        Self::aligned(model, pairs, alignment)
    }

    /// How the positions of clean and corrupt prompts correspond.
    pub fn alignment(&self) -> Alignment {
        self.alignment.clone()
    }

    /// The pairs.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let pairs = [("red fox blue owl tree red fox", "red owl blue fox tree red fox", "blue", "tree")];
    /// assert_eq!(PromptPairs::new(&model, pairs)?.pairs()[0].answer, "blue");
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn pairs(&self) -> Vec<PromptPair> {
        self.pairs.clone()
    }

    /// The clean prompts.
    pub fn clean(&self) -> Vec<String> {
        self.pairs.iter().map(|pair| pair.clean.clone()).collect()
    }

    /// The corrupt prompts.
    pub fn corrupt(&self) -> Vec<String> {
        self.pairs.iter().map(|pair| pair.corrupt.clone()).collect()
    }

    /// The token of each answer, as it follows the prompt.
    pub fn answers(&self) -> Vec<u32> {
        self.answers.clone()
    }

    /// The token of each wrong answer, as it follows the prompt.
    pub fn wrong(&self) -> Vec<u32> {
        self.wrong.clone()
    }

    /// The logit of each answer minus that of the wrong answer.
    ///
    /// # Errors
    /// When the model has another vocabulary than the one that the pairs were made for.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let pairs = [("red fox blue owl tree red fox", "red owl blue fox tree red fox", "blue", "tree")];
    /// let pairs = PromptPairs::new(&model, pairs)?;
    /// assert!(pairs.metric(&model)?.of(model.run(pairs.clean())?)?[0] > 5.0);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn metric(&self, model: &Model) -> Result<Metric> {
        Metric::logit_diff(model, &self.answers, &self.wrong, self.pairs.len())
    }

    /// Patches from the clean prompts into the corrupt ones. The metric is the logit difference of the two answers.
    ///
    /// # Errors
    /// As [`Patching::new`].
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let pairs = [("red fox blue owl tree red fox", "red owl blue fox tree red fox", "blue", "tree")];
    /// let patching = PromptPairs::new(&model, pairs)?.patching(&model)?;
    /// assert!(patching.heads(HeadPart::Out)?.mean()[[1, 0]] > 0.8);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn patching(&self, model: &Model) -> Result<Patching> {
        let (clean, corrupt) = (self.clean(), self.corrupt());
        Patching::aligned(model, clean, corrupt, self.alignment.clone(), self.metric(model)?)
    }

    /// The share of all clean and corrupt prompts whose own answer has the higher logit of the two, 0 to 1; NaN if a
    /// logit is. [`PromptPairs::right_answers`] also returns the number of prompts and the wrong answers.
    ///
    /// # Errors
    /// As [`PromptPairs::metric`].
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let pairs = [("red fox blue owl tree red fox", "red owl blue fox tree red fox", "blue", "tree")];
    /// assert_eq!(PromptPairs::new(&model, pairs)?.accuracy(&model)?, 1.0);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn accuracy(&self, model: &Model) -> Result<f64> {
        Ok(self.right_answers(model)?.share())
    }
}

/// The blank of a template.
const SLOT: &str = "[X]";
