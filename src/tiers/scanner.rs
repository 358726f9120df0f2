//! The three things that a text file of Praat holds: numbers, strings and flags. All else in it is comment.

use super::entries::shown;
use crate::error::TiersError;

#[derive(Debug, PartialEq)]
pub(super) enum Token {
    Number(f64),
    Text(String),
    Flag(String),
}

/// Goes through a text, and knows at which line it is.
pub(super) struct Scanner<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text, line: 1 }
    }

    /// The line that the last token ended in.
    pub(super) fn line(&self) -> usize {
        self.line
    }

    /// A number.
    pub(super) fn number(&mut self, needed: &str) -> Result<f64, TiersError> {
        match self.next(needed)? {
            Token::Number(value) => Ok(value),
            other => Err(self.wrong(&other, needed)),
        }
    }

    /// How many things follow. Nothing is made that many before they are there.
    pub(super) fn count(&mut self, needed: &str) -> Result<usize, TiersError> {
        let value = self.number(needed)?;
        match value >= 0.0 && value.fract() == 0.0 && value <= 1e12 {
            true => Ok(value as usize),
            false => Err(TiersError::Line { line: self.line, found: format!("`{value}`"), needed: needed.into() }),
        }
    }

    /// A string.
    pub(super) fn text(&mut self, needed: &str) -> Result<String, TiersError> {
        match self.next(needed)? {
            Token::Text(text) => Ok(text),
            other => Err(self.wrong(&other, needed)),
        }
    }

    /// The flag `<exists>` or `<absent>`.
    pub(super) fn there(&mut self, needed: &str) -> Result<bool, TiersError> {
        match self.next(needed)? {
            Token::Flag(flag) if flag == "exists" => Ok(true),
            Token::Flag(flag) if flag == "absent" => Ok(false),
            other => Err(self.wrong(&other, needed)),
        }
    }

    /// That nothing follows.
    pub(super) fn end(&mut self, after: &str) -> Result<(), TiersError> {
        match self.token()? {
            None => Ok(()),
            Some(other) => Err(self.wrong(&other, after)),
        }
    }

    fn next(&mut self, needed: &str) -> Result<Token, TiersError> {
        let line = self.line;
        self.token()?.ok_or_else(|| TiersError::CutShort { line, needed: needed.into() })
    }

    fn wrong(&self, found: &Token, needed: &str) -> TiersError {
        let found = match found {
            Token::Number(value) => format!("the number `{value}`"),
            Token::Text(text) => format!("the text {}", shown(text)),
            Token::Flag(flag) => format!("the flag `<{flag}>`"),
        };
        TiersError::Line { line: self.line, found, needed: needed.into() }
    }

    fn token(&mut self) -> Result<Option<Token>, TiersError> {
        loop {
            let word = self.rest.trim_start_matches(char::is_whitespace);
            self.pass(self.rest.len() - word.len());
            let Some(first) = word.chars().next() else { return Ok(None) };
            match first {
                '"' => return self.quoted().map(Some),
                '!' => self.pass(word.find(['\n', '\r']).unwrap_or(word.len())),
                '<' => {
                    let end = word.find(['>', '\n']).filter(|&end| word[end..].starts_with('>'));
                    let end = end.ok_or_else(|| TiersError::Line {
                        line: self.line,
                        found: "an open `<`".into(),
                        needed: "a flag such as `<exists>`".into(),
                    })?;
                    let flag = word[1..end].to_owned();
                    self.pass(end + 1);
                    return Ok(Some(Token::Flag(flag)));
                }
                _ => {
                    let word = &word[..word.find(char::is_whitespace).unwrap_or(word.len())];
                    self.pass(word.len());
                    if let Some(value) = self.numeric(word)? {
                        return Ok(Some(Token::Number(value)));
                    }
                }
            }
        }
    }

    /// A string after its first quotation mark; two within it are one.
    fn quoted(&mut self) -> Result<Token, TiersError> {
        let begun = self.line;
        let mut text = String::new();
        let mut at = 1;
        loop {
            let rest = &self.rest[at..];
            let Some(end) = rest.find('"') else {
                let needed = format!("the end of the text that begins at line {begun}");
                self.pass(self.rest.len());
                return Err(TiersError::CutShort { line: self.line, needed });
            };
            text.push_str(&rest[..end]);
            at += end + 1;
            if !self.rest[at..].starts_with('"') {
                break;
            }
            text.push('"');
            at += 1;
        }
        let next = self.rest[at..].chars().next();
        if let Some(next) = next.filter(|next| !next.is_whitespace()) {
            let found = format!("`{next}` right after the closing quotation mark of \"{text}\"");
            let needed = "a space, or a second quotation mark for one inside the text,".to_owned();
            return Err(TiersError::Line { line: self.line, found, needed });
        }
        self.pass(at);
        Ok(Token::Text(text))
    }

    /// What a word is as a number: `0.5`, `-0`, `+1e-05`, `50%`, `1/3`; none where it is a comment.
    fn numeric(&self, word: &str) -> Result<Option<f64>, TiersError> {
        let bare = word.trim_start_matches(['+', '-']);
        let no_time = ["nan", "inf", "infinity", "-undefined--", "undefined--"];
        let wanted = bare.starts_with(|c: char| c.is_ascii_digit() || c == '.') && bare.len() > 1
            || bare.starts_with(|c: char| c.is_ascii_digit());
        if !wanted && !(no_time.contains(&bare.to_ascii_lowercase().as_str())) {
            return Ok(None);
        }
        let value = match (word.strip_suffix('%'), word.split_once('/')) {
            (Some(percent), _) => percent.parse::<f64>().ok().map(|value| value / 100.0),
            (_, Some((over, under))) => over.parse::<f64>().ok().zip(under.parse::<f64>().ok()).map(|(a, b)| a / b),
            _ => word.parse().ok(),
        };
        match value.filter(|value| value.is_finite()) {
            Some(value) => Ok(Some(value + 0.0)),
            // Three dots and the like are comment, as all that is no number is.
            None if bare.starts_with('.') => Ok(None),
            None => Err(TiersError::Line { line: self.line, found: shown(word), needed: "a finite number".into() }),
        }
    }

    /// Goes on by so many bytes.
    fn pass(&mut self, bytes: usize) {
        let (passed, rest) = self.rest.split_at(bytes);
        // A file of an old Macintosh has no `\n`.
        self.line += passed.matches('\n').count() + passed.matches('\r').count() - passed.matches("\r\n").count();
        self.rest = rest;
    }
}
