//! Finds positions in [`Tokens`]: from words and characters to positions, and back.

use super::Tokens;
use crate::{
    Result,
    error::{TextError, nearest},
    index::{ToIndex, from_either_end},
};
use std::ops::Range;

/// Selects one of several occurrences; see [`Model::token_position`](crate::Model::token_position).
///
/// # Examples
/// ```
/// use glassbox::{Model, text::Occurrence};
/// let model = Model::open("induction-2l")?;
/// let text = "red fox blue owl red fox"; // <bos> is at 0
/// assert_eq!(model.token_position("fox", text, Occurrence::First)?, 2);
/// assert_eq!(model.token_position("fox", text, Occurrence::Last)?, 6);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Occurrence {
    /// The first occurrence.
    First,
    /// The last occurrence.
    Last,
}

/// Errors list all tokens of a text up to this length, and only the nearest tokens of a longer one.
const LISTED: usize = 24;

impl Tokens {
    /// Returns the first position of the first text whose token prints as `string`, ignoring surrounding spaces.
    ///
    /// # Errors
    /// When no token prints as `string`; the error lists the tokens.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let tokens = Model::open("induction-2l")?.tokens("red fox blue")?;
    /// assert_eq!(tokens.position("fox")?, 2); // <bos> is at 0
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn position(&self, string: &str) -> Result<usize> {
        self.occurrence(string, Occurrence::First)
    }

    /// Like [`position`](Self::position), for the first or the last occurrence.
    pub(crate) fn occurrence(&self, string: &str, which: Occurrence) -> Result<usize> {
        let positions = self.positions_of(0, string);
        let position = match which {
            Occurrence::First => positions.first(),
            Occurrence::Last => positions.last(),
        };
        position.copied().ok_or_else(|| self.no_such_token(string))
    }

    /// Returns all positions of one text whose token prints as `string`. If there are none, surrounding spaces are
    /// ignored. Padding is skipped.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let tokens = model.tokens("red fox blue owl red fox")?;
    /// assert_eq!(tokens.positions_of(0, "fox"), [2, 6]);
    /// assert!(tokens.positions_of(0, "emu").is_empty());
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn positions_of(&self, text: impl ToIndex, string: &str) -> Vec<usize> {
        let text = text.to_index();
        let positions = |same: &dyn Fn(&str) -> bool| -> Vec<usize> {
            let Ok(text) = self.text_at(text) else { return Vec::new() };
            self.real(text).filter(|&position| same(&self.row(text).strings[position])).collect()
        };
        let exact = positions(&|token| token == string);
        if exact.is_empty() { positions(&|token| token.trim() == string.trim()) } else { exact }
    }

    fn no_such_token(&self, string: &str) -> crate::Error {
        let all = &self.row(0).strings[self.real(0)];
        let tokens = match all.len() {
            ..=LISTED => format!("the tokens are {all:?}"),
            count => {
                format!("the nearest of the text's {count} tokens are {:?}", nearest(string, all.iter().cloned(), 5))
            }
        };
        TextError::NoSuchToken { token: string.into(), tokens }.into()
    }

    /// Returns a position, counted from the start (0 is the first) or the end (-1 is the last), as an index into every
    /// text.
    ///
    /// # Errors
    /// When it is out of range, or counts from the end of texts that end at different positions because of padding.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let tokens = Model::open("induction-2l")?.tokens("red fox blue")?;
    /// assert_eq!((tokens.index(-1)?, tokens.index(0)?), (3, 0));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn index(&self, position: impl ToIndex) -> Result<usize> {
        let (len, position) = (self.len(), position.to_index());
        if position < 0 && (0..self.batch()).any(|text| self.real(text).end < len) {
            return Err(TextError::EndsApart { position }.into());
        }
        from_either_end(position, len).ok_or_else(|| TextError::PositionOutOfRange { position, len }.into())
    }

    /// Returns a position of one text as an index. Positions count along the whole row, padding included (as in
    /// [`strings`](Self::strings) and in every tensor), or back from the text's own end (-1 is its last token).
    ///
    /// # Errors
    /// When it is out of range or in the padding.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let tokens = model.tokens(["red", "red fox blue"])?;
    /// assert_eq!((tokens.index_in(0, -1)?, tokens.index_in(1, -1)?), (1, 3));
    /// assert!(tokens.index_in(0, 3).unwrap_err().to_string().contains("padding"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn index_in(&self, text: impl ToIndex, position: impl ToIndex) -> Result<usize> {
        let (text, position) = (self.text_at(text)?, position.to_index());
        let real = self.real(text);
        let index = from_either_end(position, real.end).filter(|index| real.contains(index));
        index.ok_or_else(|| match real.len() == self.len() {
            true => TextError::PositionOutOfRange { position, len: self.len() }.into(),
            false => TextError::Padded { position, text, first: real.start, last: real.end.saturating_sub(1) }.into(),
        })
    }

    /// Returns the shortest range of tokens that covers these characters (not bytes) of one text. Tokens that cover
    /// only part of them are included. Characters without a token, such as dropped spaces, are ignored.
    ///
    /// # Errors
    /// When the characters are out of range, no token covers any of them, or the tokens were made from ids.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let tokens = model.tokens("red fox blue owl")?; // <bos> is at 0
    /// assert_eq!(tokens.covering(0, 6..10)?, 2..4); // the `x` of fox to the `l` of blue
    /// assert_eq!(tokens.characters(0, 2..4)?, 4..12); // fox blue
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn covering(&self, text: impl ToIndex, characters: Range<usize>) -> Result<Range<usize>> {
        let text = self.text_at(text)?;
        let len = self.need_text(text)?.chars().count();
        if characters.is_empty() || characters.end > len {
            return Err(TextError::CharactersOutOfRange { characters, len }.into());
        }
        let covers = |span: &Range<usize>| span.start < characters.end && characters.start < span.end;
        let spans = &self.row(text).spans;
        let ends = spans.iter().position(covers).zip(spans.iter().rposition(covers));
        ends.map(|(first, last)| first..last + 1).ok_or_else(|| TextError::NotCovered { characters }.into())
    }

    /// Returns the characters (not bytes) of one text from the first to the last that these tokens cover.
    ///
    /// # Errors
    /// When the tokens are out of range, cover no text (such as `<bos>`), or were made from ids.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let tokens = Model::open("induction-2l")?.tokens("red fox blue")?;
    /// assert_eq!(tokens.characters(0, 2..3)?, 4..7); // "fox"
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn characters(&self, text: impl ToIndex, tokens: Range<usize>) -> Result<Range<usize>> {
        let text = self.text_at(text)?;
        self.need_text(text)?;
        let (spans, len) = (&self.row(text).spans, self.len());
        let out_of_range = || TextError::TokensOutOfRange { tokens: tokens.clone(), len };
        let spans = spans.get(tokens.clone()).filter(|spans| !spans.is_empty()).ok_or_else(out_of_range)?;
        let written = || spans.iter().filter(|span| !span.is_empty());
        let ends = written().map(|span| span.start).min().zip(written().map(|span| span.end).max());
        ends.map(|(start, end)| start..end).ok_or_else(|| TextError::NoCharacters { tokens }.into())
    }

    /// Returns the tokens that cover the first occurrence of some words in one text, for example all pieces of a name.
    ///
    /// # Errors
    /// When the words are not in the text (the error lists the nearest), or the tokens were made from ids.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let tokens = model.tokens("red fox blue owl")?;
    /// assert_eq!(tokens.find(0, "fox blue")?, 2..4);
    /// assert!(tokens.find(0, "bleu").unwrap_err().to_string().contains("`blue`"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn find(&self, text: impl ToIndex, words: &str) -> Result<Range<usize>> {
        let text = self.text_at(text)?;
        let whole = self.need_text(text)?;
        let Some((before, _)) = whole.split_once(words).filter(|_| !words.is_empty()) else {
            let near = nearest(words, whole.split_whitespace().map(str::to_owned), 3);
            let nearest = near.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
            return Err(TextError::NotInText { words: words.into(), nearest }.into());
        };
        let start = before.chars().count();
        self.covering(text, start..start + words.chars().count())
    }

    /// Checks the index of a text; -1 is the last.
    pub(crate) fn text_at(&self, text: impl ToIndex) -> Result<usize> {
        let (text, texts) = (text.to_index(), self.batch());
        from_either_end(text, texts).ok_or_else(|| TextError::NoSuchText { text, texts }.into())
    }

    fn need_text(&self, text: usize) -> Result<&str> {
        self.text_at(text)?;
        self.row(text).text.as_deref().ok_or_else(|| TextError::MadeFromIds.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Model, text::Padding};

    fn tokens() -> Tokens {
        let texts = ["red fox blue owl red fox", "owl"];
        Model::open("induction-2l").unwrap().tokens(texts).unwrap().padded(Padding::Left)
    }

    fn says<T: std::fmt::Debug>(result: Result<T>, words: &[&str]) {
        let sentence = result.unwrap_err().to_string();
        assert!(words.iter().all(|word| sentence.contains(word)), "{sentence}");
    }

    #[test]
    fn padding_is_never_found() {
        let tokens = tokens();
        assert_eq!(tokens.positions_of(1, "<bos>"), [5]);
        assert_eq!(tokens.find(1, "owl").unwrap(), 6..7);
        assert_eq!(tokens.characters(1, 0..7).unwrap(), 0..3);
        assert!(tokens.positions_of(9, "owl").is_empty());
    }

    #[test]
    fn the_tokens_that_cover_a_tokens_characters_are_that_token() {
        let tokens = tokens();
        for position in 1..7 {
            let characters = tokens.characters(0, position..position + 1).unwrap();
            assert_eq!(tokens.covering(0, characters).unwrap(), position..position + 1);
        }
    }

    #[test]
    fn positions_count_back_from_each_texts_own_end() {
        let left = tokens();
        let right = left.padded(Padding::Right);
        assert_eq!((left.index(-1).unwrap(), left.index_in(1, -1).unwrap(), right.index_in(1, -1).unwrap()), (6, 6, 1));
        says(right.index(-1), &["end at different positions", "Padding::Left"]);
        says(left.index_in(1, 2), &["position 2", "padding", "5 to 6"]);
        says(left.index_in(1, -3), &["position -3", "padding"]);
        says(left.index_in(0, 7), &["position 7", "7 tokens"]);
        says(left.index_in(2, 0), &["no text 2", "2 texts"]);
    }

    #[test]
    fn what_is_not_there_is_refused_with_what_is() {
        let tokens = tokens();
        says(tokens.position("emu"), &["`emu`", "fox", "owl"]);
        says(tokens.find(0, "fixes"), &["`fixes`", "`fox`"]);
        says(tokens.find(0, ""), &["is not in the text"]);
        says(tokens.covering(0, 3..4), &["3 to 4", "no token"]);
        says(tokens.covering(0, 20..40), &["20 to 40", "24 characters"]);
        says(tokens.covering(0, 5..5), &["5 to 5"]);
        says(tokens.characters(0, 0..1), &["no characters"]);
        says(tokens.characters(0, 5..9), &["5 to 9", "7 tokens"]);
        let ids = Model::open("induction-2l").unwrap().tokens([7, 8]).unwrap();
        says(ids.find(0, "fox"), &["made from ids"]);
    }

    #[test]
    fn a_long_text_is_not_listed_whole_when_a_token_is_missing() {
        let model = Model::open("induction-2l").unwrap();
        let sentence = model.tokens("red fox blue owl ".repeat(10).as_str()).unwrap().position("foxes").unwrap_err();
        assert!(sentence.to_string().contains("nearest of the text's 41 tokens are [\"fox\""), "{sentence}");
    }
}
