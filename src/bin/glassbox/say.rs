//! Printing to the terminal, where a full or closed output is an error and not a panic.

use crate::Outcome;
use std::{
    fmt::Display,
    io::{self, ErrorKind, Write},
    process::ExitCode,
};

/// The exit code that shells report for a program whose output pipe was closed.
const NOBODY_READS: u8 = 141;

/// Prints a line to standard output.
pub fn say(words: impl Display) -> Outcome<()> {
    let mut output = io::stdout().lock();
    Ok(writeln!(output, "{words}").and_then(|()| output.flush()).map_err(Unsaid)?)
}

/// Prints a line to standard error.
///
/// If that fails, the line is lost.
pub fn warn(words: impl Display) {
    let _ = writeln!(io::stderr(), "{words}");
}

/// Returns the exit code.
///
/// An error is printed, unless it is only that the output pipe was closed.
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

/// Standard output could not be written to.
#[derive(thiserror::Error, Debug)]
#[error("standard output cannot be written: {0}")]
pub struct Unsaid(io::Error);

impl Unsaid {
    /// Whether the reader of the pipe is gone.
    pub fn unread(&self) -> bool {
        self.0.kind() == ErrorKind::BrokenPipe
    }
}
