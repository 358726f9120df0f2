//! What prompts and experiments show in a notebook.

use super::{IoiPrompts, Patching, PromptPairs};
use crate::{input::Input, notebook::Card, printable::number, text::Tokens};

impl Patching {
    /// Every pair of prompts, and the metric of both.
    fn card(&self) -> Card {
        let whole = |tokens: &Tokens, nth: usize| tokens.text(nth).unwrap_or_else(|| tokens.row(nth).strings.concat());
        let text = |input: &Input, nth: usize| {
            let source = input.source().map_or(String::new(), |source| format!("{} → ", whole(&source, nth)));
            format!("{source}{} …", whole(&input.tokens(), nth))
        };
        let row = |nth: usize| {
            let metrics = [self.clean_metric(), self.corrupt_metric()]
                .map(|values| values.get(nth).map_or("".into(), |&value| number(value)));
            let [clean, corrupt] = metrics;
            [text(&self.clean_input(), nth), clean, text(&self.corrupt_input(), nth), corrupt]
        };
        let metric = &self.baseline.first.0.name();
        Card::new(&format!("{}: {metric}", self.experiment.deed))
            .table(&["clean", metric, "corrupt", metric], (0..self.corrupt().batch()).map(row))
    }
}

shown! {
    /// Shows the prompts and their metrics in a notebook.
    Patching: card
}

impl PromptPairs {
    fn card(&self) -> Card {
        let rows = self.pairs.iter().map(|pair| {
            let [clean, corrupt] = [&pair.clean, &pair.corrupt].map(|text| format!("{text} …"));
            [clean, pair.answer.clone(), corrupt, pair.wrong.clone()]
        });
        Card::new("Pairs of prompts").table(&["clean", "answer", "corrupt", "answer"], rows)
    }
}

shown! {
    /// Shows the prompts in a notebook.
    PromptPairs: card
}

impl IoiPrompts {
    fn pairs(&self) -> &PromptPairs {
        self
    }
}

shown! {
    /// Shows the prompts in a notebook.
    IoiPrompts: pairs
}

impl From<IoiPrompts> for PromptPairs {
    fn from(prompts: IoiPrompts) -> Self {
        (*prompts).clone()
    }
}
