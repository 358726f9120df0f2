//! Parses the command line: a command, plain words, and `--name value` options.

use crate::Outcome;
use std::{collections::VecDeque, fmt::Display, ops::RangeInclusive, str::FromStr};

/// The words that have not been used yet, and the options that were asked for.
pub struct Args {
    words: VecDeque<String>,
    known: Vec<String>,
}

impl Args {
    pub fn new(words: impl IntoIterator<Item = String>) -> Self {
        Self { words: words.into_iter().collect(), known: Vec::new() }
    }

    /// Takes the first word.
    pub fn command(&mut self) -> Option<String> {
        self.words.pop_front()
    }

    /// Takes `--name value` or `--name=value`, which may occur once.
    pub fn option(&mut self, name: &str) -> Outcome<Option<String>> {
        let mut values = self.options(name)?;
        match values.len() {
            0 | 1 => Ok(values.pop()),
            count => Err(format!("{name} is given {count} times; give it once").into()),
        }
    }

    /// Takes every `--name value` and `--name=value`.
    pub fn options(&mut self, name: &str) -> Outcome<Vec<String>> {
        self.known.push(name.to_owned());
        let mut values = Vec::new();
        let written = format!("{name}=");
        while let Some(at) = self.words.iter().position(|word| word == name || word.starts_with(&written)) {
            let word = self.words.remove(at).unwrap_or_default();
            let value = match word.strip_prefix(&written) {
                Some(value) => Some(value.to_owned()),
                // A word that starts like an option is not taken as a value.
                None => self.words.get(at).filter(|word| !word.starts_with("--")).cloned(),
            };
            if word == name && value.is_some() {
                self.words.remove(at);
            }
            let missing =
                || format!("{name} needs a value after it; write a value that begins with -- as {name}=VALUE");
            values.push(value.ok_or_else(missing)?);
        }
        Ok(values)
    }

    /// Takes `--name value` as a number in this range.
    pub fn number<T: FromStr + PartialOrd + Display>(
        &mut self,
        name: &str,
        range: RangeInclusive<T>,
    ) -> Outcome<Option<T>> {
        let Some(value) = self.option(name)? else { return Ok(None) };
        let number = value.parse().ok().filter(|number| range.contains(number));
        let needed = || {
            let (first, last) = (range.start(), range.end());
            format!("{name} needs a whole number from {first} to {last}, not `{value}`").into()
        };
        number.map(Some).ok_or_else(needed)
    }

    /// Takes the flag `--name`.
    pub fn flag(&mut self, name: &str) -> bool {
        self.known.push(name.to_owned());
        let at = self.words.iter().position(|word| word == name);
        at.map(|at| self.words.remove(at)).is_some()
    }

    /// Takes the next plain word.
    pub fn word(&mut self, what: &str) -> Outcome<String> {
        let at = self.words.iter().position(|word| !word.starts_with("--"));
        at.and_then(|at| self.words.remove(at)).ok_or_else(|| format!("{what} is missing; see glassbox help").into())
    }

    /// Fails if a word has not been used.
    pub fn done(self) -> Outcome<()> {
        let Some(word) = self.words.front() else { return Ok(()) };
        let name = word.split('=').next().unwrap_or(word);
        if self.known.iter().any(|known| known == name) {
            return Err(format!("`{word}` is not understood here: use {name} once, without a value").into());
        }
        let nearest = self.known.iter().filter(|_| name.starts_with("--")).min_by_key(|known| changes(name, known));
        let hint = nearest.map(|nearest| format!(" the nearest option is {nearest};")).unwrap_or_default();
        Err(format!("`{word}` is not understood here;{hint} see glassbox help").into())
    }
}

/// Returns the number of letters that must be inserted, removed or replaced to turn one word into another.
fn changes(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in to.chars().enumerate() {
            let changed = corner + usize::from(a != b);
            corner = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(corner + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(line: &str) -> Args {
        Args::new(line.split(' ').map(str::to_owned))
    }

    #[test]
    fn options_are_taken_in_any_order_and_what_is_left_is_an_error() {
        let mut args = args("run --sites a --out=x model --sites b --quick");
        assert_eq!(args.command().unwrap(), "run");
        assert_eq!(args.options("--sites").unwrap(), ["a", "b"]);
        assert_eq!(args.option("--out").unwrap().unwrap(), "x");
        assert_eq!(args.word("a model").unwrap(), "model");
        assert!(args.word("a second").is_err());
        assert!(args.done().unwrap_err().to_string().contains("`--quick`"));
    }

    #[test]
    fn a_missing_or_malformed_value_is_an_error() {
        assert!(args("--out").option("--out").is_err());
        assert!(args("--out --quick").option("--out").is_err());
        assert_eq!(args("--out=--quick").option("--out").unwrap().unwrap(), "--quick");
        for given in ["many", "0", "-1", "11", "1.5", "", "99999999999999999999999"] {
            let error = args(&format!("--steps={given}")).number("--steps", 1..=10usize).unwrap_err().to_string();
            assert!(error.contains("from 1 to 10") && error.contains(&format!("`{given}`")), "{error}");
        }
    }

    #[test]
    fn an_option_given_twice_and_one_that_nobody_knows_are_errors() {
        assert!(args("--out a --out b").option("--out").unwrap_err().to_string().contains("2 times"));
        let mut args = args("--stesp 5");
        assert_eq!(args.number("--steps", 1..=10usize).unwrap(), None);
        assert!(!args.flag("--resume"));
        let error = args.done().unwrap_err().to_string();
        assert!(error.contains("`--stesp`") && error.contains("--steps"), "{error}");
    }
}
