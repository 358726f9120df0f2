//! [`AnswerWord`]: an answer of one token, and the rule of the space before it.

use super::answers::is_apart;
use crate::{
    Result,
    error::TextError,
    model::{Architecture, Model},
    text::Tokens,
};
use std::fmt;

/// A token that a text may go on with: a word, a word exactly as written, or an id.
///
/// # The space before a word
/// One rule holds wherever an answer is given as text ([`Run::probability`](crate::model::Run::probability),
/// [`Run::logit_diff`](crate::model::Run::logit_diff), [`Run::logit_lens_for`](crate::model::Run::logit_lens_for),
/// [`Model::test_prompt`], [`PromptPairs`](crate::patching::PromptPairs), [`Metric`](crate::patching::Metric),
/// [`ResidStack::logit_attrs`](crate::decompose::ResidStack::logit_attrs), ...). A word is read as the text would go on
/// with it:
///
/// - After a word, a sentence mark, `%`, a closing bracket or a closing quotation mark it has a space before it, where the tokenizer's words begin with one, as those of
///   GPT-2, Llama and T5 do: after `The capital of France is`, `"Paris"` is the token ` Paris`.
/// - Everywhere else it is taken as written: after a space, a line break, an opening bracket or nothing; when it begins
///   with a space itself, or with anything that is no letter and no digit; in scripts without spaces; and where words
///   begin without a space, as those of BERT, of whole-word vocabularies and of single characters do.
/// - [`exactly("Paris")`](exactly) is always taken as written. An id is an id.
/// - Where there is no text, as in circuits and weights, a word is read as within a sentence: with a space where that is
///   one token, else as written.
///
/// In an encoder, the text before a word is what stands before its position. When the other reading, with or without
/// the space, is at least ten times likelier and has at least 1 %, the answer says so: in its picture or table, or, where
/// it is a bare number, with a line beneath the cell.
///
/// [`Model::to_single_token`] does not read an answer; it looks into the vocabulary and takes its text as written.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
/// let owl = run.probability("owl", -1)?; // whole words: no space belongs to them
/// assert_eq!(owl, run.probability(glassbox::model::exactly("owl"), -1)?);
/// assert_eq!(owl, run.probability(run.model().to_single_token("owl")?, -1)?);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AnswerWord {
    /// A word, read as the text would go on with it.
    Word(String),
    /// Exactly this text.
    Exactly(String),
    /// The token of this id.
    Id(u32),
}

/// An answer exactly as written, with no space put before it: see [the rule](AnswerWord#the-space-before-a-word).
///
/// # Examples
/// ```
/// use glassbox::{model::exactly, prelude::*};
/// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
/// assert!(run.probability(exactly("owl"), -1)? > 0.9);
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn exactly(text: impl Into<String>) -> AnswerWord {
    AnswerWord::Exactly(text.into())
}

macro_rules! words {
    ($($from:ty),*) => {$(
        impl From<$from> for AnswerWord {
            fn from(text: $from) -> Self {
                Self::Word(text.to_string())
            }
        }
    )*};
}

words!(&str, &&str, String, &String);

impl From<u32> for AnswerWord {
    fn from(id: u32) -> Self {
        Self::Id(id)
    }
}

impl AnswerWord {
    /// Whether somebody may have meant the other reading.
    pub(crate) fn is_word(&self) -> bool {
        matches!(self, Self::Word(_))
    }
}

impl Model {
    /// The token of an answer, after a text where there is one.
    ///
    /// # Errors
    /// When it is not one token.
    pub(crate) fn answer_id(&self, answer: &AnswerWord, before: Option<&str>) -> Result<u32> {
        let word = match answer {
            AnswerWord::Id(id) => return self.ids().at(*id as usize).map(|_| *id),
            AnswerWord::Exactly(text) => return self.to_single_token(text),
            AnswerWord::Word(word) => word,
        };
        if word.is_empty() || self.tokenizer().is_none_or(|tokenizer| tokenizer.spells(word)) {
            return self.to_single_token(word);
        }
        let spaced = format!(" {word}");
        let Some(before) = before else {
            let within = is_apart("a", word) && self.begins_words_with_a_space();
            let found = self.tokenizer().and_then(|tokenizer| tokenizer.find_text(&spaced));
            return match found.filter(|_| within) {
                Some(id) => self.ids().at(id as usize).map(|_| id),
                None => self.to_single_token(word),
            };
        };
        let apart = self.puts_apart(before, word);
        let text = if apart { &spaced } else { word };
        let bare = || self.to_single_token(word).ok();
        match self.continuation(before, text)?[..] {
            // What the vocabulary does not know, in whole or in part, is refused.
            [id] => self.to_single_token(text).map(|_| id),
            // A piece that no text is cut into here, such as `##ing`.
            _ if !apart && bare().is_some() => self.to_single_token(word),
            ref ids => {
                let pieces = ids.iter().map(|&id| format!("`{}`", self.token_text(id))).collect::<Vec<_>>().join(", ");
                let (text, count) = (text.clone(), ids.len());
                Err(match apart && bare().is_some() {
                    true => TextError::NotSingleSpaced { text, count, pieces, word: word.clone() }.into(),
                    false => TextError::NotSingleToken { text, count, pieces }.into(),
                })
            }
        }
    }

    /// Whether a space belongs between a text and a word that follows it.
    pub(super) fn puts_apart(&self, before: &str, word: &str) -> bool {
        is_apart(before, word) && self.begins_words_with_a_space()
    }

    fn begins_words_with_a_space(&self) -> bool {
        self.tokenizer().is_some_and(|tokenizer| tokenizer.begins_words_with_a_space())
    }

    /// The tokens that a text goes on with, at least one.
    ///
    /// # Errors
    /// When they are none, or not in the vocabulary.
    pub(super) fn continuation(&self, before: &str, answer: &str) -> Result<Vec<u32>> {
        if answer.trim().is_empty() {
            return self.to_single_token(answer).map(|id| vec![id]).map_err(|_| TextError::NoAnswer.into());
        }
        let start = if before.is_empty() { Ok(Vec::new()) } else { self.bare_ids(before) };
        let whole = self.bare_ids(&format!("{before}{answer}"));
        match (start, whole) {
            (Ok(start), Ok(whole)) if whole.len() > start.len() && whole.starts_with(&start) => {
                Ok(whole[start.len()..].to_vec())
            }
            // Its beginning would be one token with the text's end.
            _ => self.within_a_word(answer),
        }
    }

    /// The tokens of an answer where nothing is put before it: a tokenizer may put a space before a text of its own.
    fn within_a_word(&self, answer: &str) -> Result<Vec<u32>> {
        if let Some(id) = self.tokenizer().and_then(|tokenizer| tokenizer.find_text(answer)) {
            return self.ids().at(id as usize).map(|_| vec![id]);
        }
        let bracket = self.bare_ids("(").and_then(|start| Ok((start, self.bare_ids(&format!("({answer}"))?)));
        match bracket {
            Ok((start, whole)) if whole.len() > start.len() && whole.starts_with(&start) => {
                Ok(whole[start.len()..].to_vec())
            }
            _ => self.bare_ids(answer),
        }
    }

    /// The text that a token predicted at a position follows; without what models put before all text. In an encoder, the
    /// token stands at the position itself.
    pub(crate) fn text_before(&self, tokens: &Tokens, text: usize, position: usize) -> String {
        let end = position + usize::from(self.config().architecture != Architecture::Encoder);
        let ids = tokens.ids(text);
        let ids = ids.get(tokens.real(text).start..end).unwrap_or_default();
        let special = self.tokenizer().map(|tokenizer| tokenizer.special_ids().clone()).unwrap_or_default();
        let config = self.config();
        let puts_first = [special.bos, special.cls, special.pad, config.decoder_start.first().copied()];
        let skipped = ids.iter().take_while(|&&id| puts_first.contains(&Some(id))).count();
        self.to_string(&ids[skipped..]).unwrap_or_default()
    }

    /// What is to be said of an answer when its other reading, with or without a space, is much likelier.
    pub(crate) fn likelier_reading(&self, id: u32, logits: &[f32]) -> Option<LikelierReading> {
        let text = self.tokenizer()?.find_id_text(id)?;
        let other_text = text.strip_prefix(' ').map_or_else(|| format!(" {text}"), str::to_owned);
        let other = self.tokenizer()?.find_text(&other_text).filter(|_| !other_text.trim().is_empty())?;
        let (mine, theirs) = (*logits.get(id as usize)?, *logits.get(other as usize)?);
        if theirs - mine < 10f32.ln() {
            return None;
        }
        let total: f64 = logits.iter().map(|&logit| f64::from(logit - theirs).exp()).sum();
        let (probability, times) = (1.0 / total, f64::from(theirs - mine).exp());
        (probability >= 0.01).then_some(LikelierReading { text, other: other_text, times, probability })
    }
}

/// The other reading of an answer, with or without a space, that is much likelier.
#[derive(Clone, Debug)]
pub(crate) struct LikelierReading {
    text: String,
    other: String,
    times: f64,
    probability: f64,
}

impl LikelierReading {
    /// Says so beneath the cell: for answers that are bare numbers.
    pub(crate) fn say(&self) {
        use std::io::Write;
        // Where nobody can be told, nobody is.
        let _ = writeln!(std::io::stderr(), "glassbox: {self}");
    }
}

impl fmt::Display for LikelierReading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { text, other, times, probability } = self;
        let (how, ask) = match other.strip_prefix(' ') {
            Some(_) => ("with a space", format!("{other:?}")),
            None => ("without the space", format!("exactly({other:?})")),
        };
        let times = if *times < 1e6 { format!("{times:.0} times") } else { "over a million times".to_owned() };
        let percent = 100.0 * probability;
        write!(f, "{other:?}, {how}, is {times} likelier than {text:?} here ({percent:.1} %); {ask} asks for it")
    }
}

/// An answer and another word that it is compared with: a pair of anything that is an [`AnswerWord`], or a reference to
/// such a pair.
///
/// # Examples
/// ```
/// use glassbox::model::AnswerPair;
/// assert_eq!(("Mary", "John").answer_pair(), (&("Mary", "John")).answer_pair());
/// ```
pub trait AnswerPair {
    /// Returns the two.
    fn answer_pair(self) -> (AnswerWord, AnswerWord);
}

impl<A: Into<AnswerWord>, B: Into<AnswerWord>> AnswerPair for (A, B) {
    fn answer_pair(self) -> (AnswerWord, AnswerWord) {
        (self.0.into(), self.1.into())
    }
}

impl<A: Into<AnswerWord> + Clone, B: Into<AnswerWord> + Clone> AnswerPair for &(A, B) {
    fn answer_pair(self) -> (AnswerWord, AnswerWord) {
        self.clone().answer_pair()
    }
}
