//! Reading a command line of a command, plain words and `--name value` options.

use crate::Outcome;
use std::collections::VecDeque;

/// The words that nobody has taken yet.
pub struct Args(VecDeque<String>);

impl Args {
    pub fn new(words: impl IntoIterator<Item = String>) -> Self {
        // `--name=value` is the same as `--name value`.
        let split = |word: String| match word.split_once('=') {
            Some((name, value)) if name.starts_with("--") => vec![name.to_owned(), value.to_owned()],
            _ => vec![word],
        };
        Self(words.into_iter().flat_map(split).collect())
    }

    /// The first word.
    pub fn command(&mut self) -> Option<String> {
        self.0.pop_front()
    }

    /// Takes `--name value`, the first of them when there are several.
    pub fn option(&mut self, name: &str) -> Outcome<Option<String>> {
        let Some(at) = self.0.iter().position(|word| word == name) else { return Ok(None) };
        self.0.remove(at);
        self.0.remove(at).map(Some).ok_or_else(|| format!("{name} needs a value after it").into())
    }

    /// Takes every `--name value`.
    pub fn options(&mut self, name: &str) -> Outcome<Vec<String>> {
        let mut values = Vec::new();
        while let Some(value) = self.option(name)? {
            values.push(value);
        }
        Ok(values)
    }

    /// Takes `--name value` as a number.
    pub fn number<T: std::str::FromStr>(&mut self, name: &str) -> Outcome<Option<T>> {
        let Some(value) = self.option(name)? else { return Ok(None) };
        value.parse().map(Some).map_err(|_| format!("{name} needs a whole number, not `{value}`").into())
    }

    /// Takes the flag `--name`.
    pub fn flag(&mut self, name: &str) -> bool {
        let at = self.0.iter().position(|word| word == name);
        at.map(|at| self.0.remove(at)).is_some()
    }

    /// Takes the next plain word.
    pub fn word(&mut self, what: &str) -> Outcome<String> {
        let at = self.0.iter().position(|word| !word.starts_with("--"));
        at.and_then(|at| self.0.remove(at)).ok_or_else(|| format!("{what} is missing; see glassbox help").into())
    }

    /// Fails when something was not taken.
    pub fn done(self) -> Outcome<()> {
        match self.0.front() {
            Some(word) => Err(format!("`{word}` is not understood here; see glassbox help").into()),
            None => Ok(()),
        }
    }
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
        assert!(args("--steps many").number::<usize>("--steps").unwrap_err().to_string().contains("`many`"));
    }
}
