//! How the predictions of encoders are shown.

use super::{FilledMasks, NextSentence, SentenceEmbeddings};
use crate::{
    Result,
    index::Counted,
    notebook::Card,
    plot::{Bars, Figure, Heatmap, column},
};

impl FilledMasks {
    /// The candidates of each blank as bars, one blank under the other.
    ///
    /// # Errors
    /// When no candidates were asked for, or a blank was moved out of the text.
    pub fn figure(&self) -> Result<Figure> {
        let bars = |blank: &super::Blank| {
            let candidates = blank.candidates.iter().map(|candidate| (candidate.text.as_str(), candidate.probability));
            let position = Counted::new("position", "the text has positions", self.tokens.len()).at(blank.position)?;
            let mask = &self.tokens.strings(0)[position];
            let title = format!("{mask} at position {}", blank.position);
            Bars::tokens(candidates).title(title).value("probability").range(0.0, 1.0).draw()
        };
        let figures = self.blanks.iter().map(bars).collect::<Result<Vec<_>>>()?;
        Ok(column(&figures))
    }
}

impl SentenceEmbeddings {
    /// How alike each two sentences are, as a heatmap.
    ///
    /// # Errors
    /// When there are no sentences.
    pub fn figure(&self) -> Result<Figure> {
        let sentences = || self.sentences.iter().map(String::as_str);
        Heatmap::new(self.similarity())
            .title("How alike are the sentences?")
            .value("cosine similarity")
            .x_names(sentences())
            .y_names(sentences())
            .range(-1.0, 1.0)
            .print_values(true)
            .draw()
    }
}

impl NextSentence {
    fn card(&self) -> Card {
        let says = if self.probability > 0.5 { "goes on from" } else { "does not go on from" };
        let facts = vec![("first", self.first.clone()), ("second", self.second.clone())];
        Card::new(&format!("The second sentence {says} the first: {:.4}", self.probability)).facts(facts)
    }
}

shown! {
    /// Shows the answer in a notebook.
    NextSentence: card
}

shown! {
    /// Shows the candidates in a notebook.
    FilledMasks: figure
}

shown! {
    /// Shows how alike the sentences are in a notebook.
    SentenceEmbeddings: figure
}
