//! How generated text is shown in a notebook.

use super::{Generated, Prefix};
use crate::{
    Result,
    index::ToIndex,
    notebook::Card,
    plot::{Figure, TokenText},
};

/// `1 new token`, `2 new tokens`.
fn tokens(count: usize, kind: &str) -> String {
    format!("{count} {kind} token{}", if count == 1 { "" } else { "s" })
}

impl Generated {
    /// Draws one text with each new token coloured by the probability that the model gave it.
    ///
    /// The prompt is hatched.
    ///
    /// # Errors
    /// Fails when there is no such text.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let text = Model::open("induction-2l")?.generate("red fox blue owl red")?.max_new_tokens(2).run()?;
    /// assert!(text.probabilities(0)?.to_svg().contains("blue"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn probabilities(&self, text: impl ToIndex) -> Result<Figure> {
        let text = text.to_index();
        let reason = self.stop_reason(text)?;
        let new = self.chosen(text);
        let real = self.tokens().real(text);
        let prompt = real.len() - new.len();
        let values = std::iter::repeat_n(f32::NAN, prompt).chain(new.iter().map(|token| token.probability));
        TokenText::new(&self.tokens().strings(text)[real], values)
            .title(format!("{}, {}: {reason}", tokens(prompt, "prompt"), tokens(new.len(), "new")))
            .value("probability when chosen")
            .range(0.0, 1.0)
            .draw()
    }

    fn card(&self) -> Card {
        let count = self.texts().len();
        let texts = if count == 1 { String::new() } else { format!("{count} texts ") };
        let card = Card::new(&format!("{texts}continued by {}", self.model().name()));
        (0..count).fold(card, |card, text| card.shown(&self.probabilities(text)))
    }
}

shown! {
    /// Shows each text in a notebook. A tooltip on each new token has its probability.
    Generated: card, brief
}

shown! {
    /// Shows the tokens that were read in a notebook.
    Prefix: tokens, brief
}
