//! Words to the terminal, where a full or closed output is an error and no panic.

use crate::Outcome;
use std::{
    fmt::Display,
    io::{self, ErrorKind, Write},
    process::ExitCode,
};

/// What a shell reports of a program that writes to a pipe nobody reads any more.
const NOBODY_READS: u8 = 141;

/// Prints a line on standard output.
pub fn say(words: impl Display) -> Outcome<()> {
    let mut output = io::stdout().lock();
    Ok(writeln!(output, "{words}").and_then(|()| output.flush()).map_err(Unsaid)?)
}

/// Prints a line on standard error. Where that fails there is nobody to tell.
pub fn warn(words: impl Display) {
    let _ = writeln!(io::stderr(), "{words}");
}

/// How the program ends: with a sentence where something failed, and quietly where it is only that nobody reads on.
pub fn end(outcome: Outcome<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.downcast_ref().is_some_and(Unsaid::unread) => NOBODY_READS.into(),
        Err(error) => {
            warn(format_args!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Why standard output took nothing.
#[derive(thiserror::Error, Debug)]
#[error("standard output cannot be written: {0}")]
pub struct Unsaid(io::Error);

impl Unsaid {
    /// Whether the reader of a pipe has gone.
    pub fn unread(&self) -> bool {
        self.0.kind() == ErrorKind::BrokenPipe
    }
}
