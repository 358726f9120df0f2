//! What prompts and experiments show in a notebook.

use super::{IoiPrompts, PatchSweep, Patching};
use crate::{
    Result,
    notebook::{Card, Show},
    plot::{Figure, tabs, text::number},
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

impl IoiPrompts {
    fn card(&self) -> Card {
        let rows = self.pairs().iter().map(|pair| {
            let texts = [&pair.clean, &pair.corrupt].map(|text| format!("{text} …"));
            let [clean, corrupt] = texts;
            [clean, corrupt, pair.answer.clone(), pair.wrong.clone()]
        });
        Card::new("Who is the indirect object?").table(&["clean", "corrupt", "answer", "wrong"], rows)
    }

    /// Shows the prompts in a notebook.
    pub fn evcxr_display(&self) {
        Show::evcxr_display(self);
    }
}

impl Show for IoiPrompts {
    fn html(&self) -> String {
        self.card().html()
    }

    fn plain(&self) -> String {
        self.card().plain()
    }
}

/// Several maps, one at a time, chosen by what was patched.
fn chosen(sweeps: &[PatchSweep]) -> Result<Figure> {
    let maps = sweeps.iter().map(|sweep| Ok((sweep.name(), sweep.figure()?)));
    Ok(tabs(maps.collect::<Result<Vec<_>>>()?))
}

impl Show for Vec<PatchSweep> {
    fn html(&self) -> String {
        chosen(self).html()
    }

    fn plain(&self) -> String {
        chosen(self).plain()
    }
}
