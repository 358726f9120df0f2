//! The command line.

use crate::case::Kind;
use std::path::PathBuf;

/// How many new cases a run without options tries.
const CASES: u64 = 2000;

pub enum Task {
    /// Try the kept cases and new ones.
    Search,
    /// Try one kept case.
    Replay(PathBuf),
    /// Be the process in which a case is tried.
    Answer { case: PathBuf, place: PathBuf },
    /// The test runner asks for other tests, or for a list.
    Nothing,
}

pub struct Options {
    pub task: Task,
    pub cases: u64,
    pub seed: u64,
    /// Only cases of this kind.
    pub kind: Option<Kind>,
    /// How long one case may take.
    pub seconds: u64,
}

impl Options {
    pub fn read(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self { task: Task::Search, cases: CASES, seed: 0, kind: None, seconds: 20 };
        let mut words = words.peekable();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value after it"));
            match word.as_str() {
                "--cases" => options.cases = number(&word, &value()?)?,
                "--seed" => options.seed = number(&word, &value()?)?,
                "--seconds" => options.seconds = number(&word, &value()?)?,
                "--kind" => options.kind = Some(Kind::parse(&value()?)?),
                "--replay" => options.task = Task::Replay(value()?.into()),
                "--answer" => options.task = Task::Answer { case: value()?.into(), place: value()?.into() },
                "--list" | "--ignored" => options.task = Task::Nothing,
                // What Rust's own runner understands and what makes no difference here.
                "--test-threads" | "--skip" | "--format" | "--color" => drop(value()?),
                flag if flag.starts_with('-') => (),
                filter if "hostile".contains(filter) => (),
                _ => options.task = Task::Nothing,
            }
        }
        Ok(options)
    }
}

fn number(name: &str, value: &str) -> Result<u64, String> {
    value.parse().map_err(|_| format!("{name} needs a whole number, not `{value}`"))
}
