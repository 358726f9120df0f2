//! [`Answers`], and where a space belongs before them.

use super::AnswerWord;

/// The answers to test a prompt with: one text or several.
///
/// # Examples
/// ```
/// use glassbox::{model::{Answers, exactly}, prelude::*};
/// let model = Model::open("induction-2l")?;
/// let prompt = "red fox blue owl red fox blue";
/// model.test_prompt(prompt, "owl")?;
/// model.test_prompt(prompt, ["owl", "fox"])?;
/// model.test_prompt(prompt, exactly("owl"))?;
/// model.test_prompt(prompt, Answers::from(["owl", "fox"]).as_written())?;
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answers {
    pub(super) words: Vec<AnswerWord>,
}

impl Answers {
    /// Puts no space before an answer: what follows the prompt is what was written.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let test = model.test_prompt("red fox red", Answers::from("fox").as_written())?;
    /// assert!(!test.answers()[0].spaced);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn as_written(self) -> Self {
        let exactly = |word| match word {
            AnswerWord::Word(text) => AnswerWord::Exactly(text),
            word => word,
        };
        Self { words: self.words.into_iter().map(exactly).collect() }
    }
}

impl From<AnswerWord> for Answers {
    fn from(word: AnswerWord) -> Self {
        Self { words: vec![word] }
    }
}

impl From<&str> for Answers {
    fn from(text: &str) -> Self {
        AnswerWord::from(text).into()
    }
}

impl From<String> for Answers {
    fn from(text: String) -> Self {
        AnswerWord::from(text).into()
    }
}

impl From<&String> for Answers {
    fn from(text: &String) -> Self {
        AnswerWord::from(text).into()
    }
}

impl<T: Into<AnswerWord>, const N: usize> From<[T; N]> for Answers {
    fn from(texts: [T; N]) -> Self {
        Self { words: texts.into_iter().map(Into::into).collect() }
    }
}

impl<T: Into<AnswerWord>> From<Vec<T>> for Answers {
    fn from(texts: Vec<T>) -> Self {
        Self { words: texts.into_iter().map(Into::into).collect() }
    }
}

impl<T: Clone + Into<AnswerWord>> From<&[T]> for Answers {
    fn from(texts: &[T]) -> Self {
        texts.to_vec().into()
    }
}

/// Whether an answer would be part of the prompt's last word, or of the sentence mark after it.
pub(super) fn is_apart(prompt: &str, answer: &str) -> bool {
    let ends = |c: char| (c.is_alphanumeric() || ".,:;!?)]}%»”’".contains(c)) && !without_spaces(c);
    let begins = |c: char| c.is_alphanumeric() && !without_spaces(c);
    prompt.chars().last().is_some_and(ends) && answer.chars().next().is_some_and(begins)
}

/// Whether a letter is of a script that puts no spaces between words.
fn without_spaces(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{2e80}'..='\u{312f}'
        | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ff9f}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::is_apart;

    #[test]
    fn a_space_goes_between_two_words_and_nowhere_else() {
        let apart = ["gave it to|Mary", "Answer:|Mary", "in 1984|and", "“Yes,”|he", "Москва|город"];
        let together =
            ["gave it to |Mary", "A:\n|Mary", "to| Mary", "to|, and", "2+2=|4", "(|see", "|Mary", "首都是|北京"];
        let split = |text: &'static str| text.split_once('|').unwrap();
        assert!(apart.map(split).into_iter().all(|(prompt, answer)| is_apart(prompt, answer)));
        assert!(!together.map(split).into_iter().any(|(prompt, answer)| is_apart(prompt, answer)));
    }
}
