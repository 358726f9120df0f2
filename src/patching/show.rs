//! What prompts and experiments show in a notebook.

use super::{IoiPrompts, PatchSweep, Patching, PromptPairs, picture::together};
use crate::{
    notebook::{Card, Show},
    plot::text::number,
    text::Tokens,
};

impl Patching {
    /// Every pair of prompts, and the metric of both.
    fn card(&self) -> Card {
        let text = |tokens: &Tokens, nth: usize| {
            let whole = tokens.text(nth).map_or_else(|| tokens.strings(nth).concat(), str::to_owned);
            format!("{whole} …")
        };
        let row = |nth: usize| {
            let metrics = [self.clean_metric(), self.corrupt_metric()]
                .map(|values| values.get(nth).map_or("".into(), |&value| number(value)));
            let [clean, corrupt] = metrics;
            [text(self.clean(), nth), clean, text(self.corrupt(), nth), corrupt]
        };
        let metric = self.metric.name();
        Card::new(&format!("{}: {metric}", self.deed))
            .table(&["clean", metric, "corrupt", metric], (0..self.corrupt().batch()).map(row))
    }

    /// Shows the prompts and their metrics in a notebook.
    pub fn evcxr_display(&self) {
        Show::evcxr_display(self);
    }
}

impl Show for Patching {
    fn html(&self) -> String {
        self.card().html()
    }

    fn plain(&self) -> String {
        self.card().plain()
    }
}

impl PromptPairs {
    fn card(&self) -> Card {
        let rows = self.pairs().iter().map(|pair| {
            let [clean, corrupt] = [&pair.clean, &pair.corrupt].map(|text| format!("{text} …"));
            [clean, pair.answer.clone(), corrupt, pair.wrong.clone()]
        });
        Card::new("Pairs of prompts").table(&["clean", "answer", "corrupt", "answer"], rows)
    }

    /// Shows the prompts in a notebook.
    pub fn evcxr_display(&self) {
        Show::evcxr_display(self);
    }
}

impl Show for PromptPairs {
    fn html(&self) -> String {
        self.card().html()
    }

    fn plain(&self) -> String {
        self.card().plain()
    }
}

impl Show for IoiPrompts {
    fn html(&self) -> String {
        PromptPairs::html(self)
    }

    fn plain(&self) -> String {
        PromptPairs::plain(self)
    }
}

impl From<IoiPrompts> for PromptPairs {
    fn from(prompts: IoiPrompts) -> Self {
        (*prompts).clone()
    }
}

/// Several maps of one experiment, side by side where they have the same axes.
impl Show for Vec<PatchSweep> {
    fn html(&self) -> String {
        together(self).html()
    }

    fn plain(&self) -> String {
        together(self).plain()
    }
}
