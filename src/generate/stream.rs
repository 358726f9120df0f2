//! [`NewToken`]: what the closure of [`Generation::stream`](super::Generation::stream) receives for each token.

use crate::{kernel_check::in_a_kernel, model::Prediction};
use std::{
    fmt,
    io::{self, Write},
    ops::ControlFlow,
};

/// Ends the line that a closure printed. The Rust kernel reads whole lines, so an unfinished line would appear in a
/// later cell.
pub(super) fn end_line() {
    if in_a_kernel() {
        // If standard output is closed, there is nothing to end.
        let _ = io::stdout().write_all(b"\n");
    }
}

/// One new token of one text, as [`Generation::stream`](super::Generation::stream) passes it to its closure.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let generation = Model::open("induction-2l")?.generate("red fox blue owl red")?.max_new_tokens(2);
/// generation.stream(|new| println!("{}: {:.2}", new.text, new.token.probability))?; // at once, token by token
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct NewToken {
    /// The text that can be printed now. A token that ends inside a character has an empty text, and the next token
    /// completes the character. Text that may begin a stop string is held back too. Together these pieces are the new
    /// text.
    pub text: String,
    /// The index of its text in the batch.
    pub row: usize,
    /// The step that chose it. Step 0 reads the prompt.
    pub step: usize,
    /// The token, and the logit and probability that the model gave it, before any penalty or temperature.
    pub token: Prediction,
}

/// Prints its text.
impl fmt::Display for NewToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

/// What the closure of [`Generation::stream`](super::Generation::stream) returns: nothing, or whether to go on.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// use std::ops::ControlFlow;
/// let generation = Model::open("induction-2l")?.generate("red fox blue owl red")?;
/// let text = generation.stream(|new| match new.text.contains("blue") {
///     true => ControlFlow::Break(()),
///     false => ControlFlow::Continue(()),
/// })?;
/// assert_eq!(text.continuation(), " fox blue");
/// # Ok::<(), glassbox::Error>(())
/// ```
pub trait StreamControl {
    /// Returns whether to go on. `Break` ends the generation.
    fn flow(self) -> ControlFlow<()>;
}

impl StreamControl for () {
    fn flow(self) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

impl StreamControl for ControlFlow<()> {
    fn flow(self) -> ControlFlow<()> {
        self
    }
}
