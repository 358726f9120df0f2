//! Listening while a text is written.

use crate::model::Prediction;
use std::{fmt, ops::ControlFlow};

/// One new token of one text, as [`Generation::stream`](super::Generation::stream) hands it out.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct NewToken {
    /// Which text of the batch it belongs to.
    pub of: usize,
    /// The step that chose it: 0 is the one that read the prompt.
    pub step: usize,
    /// The token, and the logit and probability that the model gave it, before any penalty or temperature.
    pub token: Prediction,
    /// What can be printed now. Whole characters: a token that ends within one has an empty text, and the next brings
    /// both. What may be the beginning of a stop string is held back too. All these together are the new text.
    pub text: String,
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
