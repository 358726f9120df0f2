//! JSON with every number to its last digit, and with the `NaN` and `Infinity` that Python writes.

use super::entries::shown;
use crate::error::TiersError;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        let Self::Object(entries) = self else { return None };
        entries.iter().find(|(name, value)| name == key && *value != Self::Null).map(|(_, value)| value)
    }

    /// What it is, for a sentence.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Null => "null".into(),
            Self::Bool(value) => value.to_string(),
            Self::Number(value) => format!("the number `{value}`"),
            Self::Text(text) => format!("the text {}", shown(text)),
            Self::List(_) => "a list".into(),
            Self::Object(_) => "an object".into(),
        }
    }
}

/// # Errors
/// When it is no JSON, or goes too deep.
pub(super) fn parse(text: &str) -> Result<Json, TiersError> {
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(0)?;
    reader.space();
    if reader.at < text.len() { Err(reader.wrong("the end of the file")) } else { Ok(value) }
}

/// No file of words goes this deep.
const DEEPEST: usize = 64;

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    fn wrong(&self, needed: &str) -> TiersError {
        let line = self.text[..self.at].matches('\n').count() + 1;
        let found: String = self.rest().chars().take_while(|c| *c != '\n').take(20).collect();
        match self.rest().is_empty() {
            true => TiersError::CutShort { line, needed: needed.into() },
            false => TiersError::Line { line, found: shown(&found), needed: needed.into() },
        }
    }

    /// Whether this comes next, after space; then it is passed.
    fn eat(&mut self, word: &str) -> bool {
        self.space();
        let there = self.rest().starts_with(word);
        self.at += if there { word.len() } else { 0 };
        there
    }

    fn value(&mut self, depth: usize) -> Result<Json, TiersError> {
        if depth > DEEPEST {
            return Err(self.wrong("a value that is not as deep inside others"));
        }
        self.space();
        match self.rest().as_bytes().first() {
            Some(b'{') => {
                let entries = self.list(('{', "}"), |reader| {
                    reader.space();
                    let name = reader.string()?;
                    if !reader.eat(":") {
                        return Err(reader.wrong("`:` after a name"));
                    }
                    Ok((name, reader.value(depth + 1)?))
                })?;
                Ok(Json::Object(entries))
            }
            Some(b'[') => Ok(Json::List(self.list(('[', "]"), |reader| reader.value(depth + 1))?)),
            Some(b'"') => self.string().map(Json::Text),
            _ => self.word(),
        }
    }

    fn list<T>(
        &mut self,
        (open, close): (char, &str),
        mut one: impl FnMut(&mut Self) -> Result<T, TiersError>,
    ) -> Result<Vec<T>, TiersError> {
        self.at += open.len_utf8();
        let mut all = Vec::new();
        if self.eat(close) {
            return Ok(all);
        }
        loop {
            all.push(one(self)?);
            if self.eat(close) {
                return Ok(all);
            }
            if !self.eat(",") {
                return Err(self.wrong(&format!("`,` or `{close}`")));
            }
        }
    }

    fn word(&mut self) -> Result<Json, TiersError> {
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')));
        let word = &rest[..end.unwrap_or(rest.len())];
        let value = match word {
            "null" => Json::Null,
            "true" => Json::Bool(true),
            "false" => Json::Bool(false),
            "NaN" => Json::Number(f64::NAN),
            "Infinity" => Json::Number(f64::INFINITY),
            "-Infinity" => Json::Number(f64::NEG_INFINITY),
            _ => {
                let digits = word.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit());
                let value = word.parse::<f64>().ok().filter(|_| digits);
                Json::Number(value.ok_or_else(|| self.wrong("a value"))?)
            }
        };
        self.at += word.len();
        Ok(value)
    }

    fn string(&mut self) -> Result<String, TiersError> {
        if !self.rest().starts_with('"') {
            return Err(self.wrong("a name in `\"`"));
        }
        self.at += 1;
        let mut text = String::new();
        loop {
            let rest = self.rest();
            let Some(plain) = rest.find(['"', '\\']) else {
                self.at = self.text.len();
                return Err(self.wrong("the `\"` that ends a text"));
            };
            text.push_str(&rest[..plain]);
            self.at += plain + 1;
            if rest[plain..].starts_with('"') {
                return Ok(text);
            }
            let escape = self.rest().chars().next();
            self.at += escape.map_or(0, char::len_utf8);
            text.push(match escape {
                Some(c @ ('"' | '\\' | '/')) => c,
                Some('b') => '\u{8}',
                Some('f') => '\u{c}',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some('u') => self.unicode()?,
                _ => return Err(self.wrong("one of `\"\\/bfnrtu` after a `\\`")),
            });
        }
    }

    /// The letter of `\u` and four digits, or of two such that belong together.
    fn unicode(&mut self) -> Result<char, TiersError> {
        let first = self.unit()?;
        let mut units = vec![first];
        if (0xd800..0xdc00).contains(&first) && self.rest().starts_with("\\u") {
            self.at += 2;
            units.push(self.unit()?);
        }
        let mut letters = char::decode_utf16(units);
        match (letters.next(), letters.next()) {
            (Some(Ok(letter)), None) => Ok(letter),
            _ => Err(self.wrong("both halves of a letter in `\\u`")),
        }
    }

    fn unit(&mut self) -> Result<u16, TiersError> {
        let digits = self.rest().get(..4).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let unit = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok());
        let unit = unit.ok_or_else(|| self.wrong("four digits after `\\u`"))?;
        self.at += 4;
        Ok(unit)
    }
}
