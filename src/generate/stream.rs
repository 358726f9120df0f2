//! Listening while a text is written.

use crate::{kernel_check::in_a_kernel, model::Prediction};
use std::{
    fmt,
    io::{self, Write},
    ops::ControlFlow,
};

/// Ends the line of what a listener printed, in the Rust kernel, which reads whole lines: what is left of one would be
/// shown by a later cell.
pub(super) fn end_line() {
    if in_a_kernel() {
        // A closed standard output has nobody to tell.
        let _ = io::stdout().write_all(b"\n");
    }
}

/// One new token of one text, as [`Generation::stream`](super::Generation::stream) hands it out.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct NewToken {
    /// What can be printed now. Whole characters: a token that ends within one has an empty text, and the next brings
    /// both. What may be the beginning of a stop string is held back too. All of them together are the new text.
    pub text: String,
    /// Which text of the batch it belongs to.
    pub row: usize,
    /// The step that chose it: 0 is the one that read the prompt.
    pub step: usize,
    /// The token, and the logit and probability that the model gave it, before any penalty or temperature.
    pub token: Prediction,
}

/// Its text.
impl fmt::Display for NewToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

/// What a listener returns: nothing, or whether to go on.
pub trait Heard {
    /// `Break` ends the generation.
    fn flow(self) -> ControlFlow<()>;
}

impl Heard for () {
    fn flow(self) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

impl Heard for ControlFlow<()> {
    fn flow(self) -> ControlFlow<()> {
        self
    }
}
