//! How a tested prompt is shown.

use super::{AnswerStep, PromptTest, TestedAnswer};
use crate::{
    Result,
    model::Prediction,
    notebook::Card,
    order::larger,
    plot::{Candidate, Candidates, Figure, column, row},
    printable::{columns, number, printable, visible},
};

/// How many columns of the text before it the heading of a panel has.
const TAIL: usize = 34;

impl PromptTest {
    /// Draws a panel for every point at which an answer has a token, with the most likely tokens there and the answers'
    /// own.
    ///
    /// # Errors
    /// When it cannot be drawn.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let test = Model::open("induction-2l")?.test_prompt("red fox blue owl red fox blue", "owl")?;
    /// assert!(test.draw()?.to_svg().contains("owl"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn draw(&self) -> Result<Figure> {
        let mut panels = self.panels()?;
        let probabilities = panels.iter().flat_map(|panel| &panel.list).map(|candidate| candidate.probability);
        let longest = probabilities.fold(0.0, larger);
        panels.iter_mut().for_each(|panel| panel.longest = longest);
        let figures = panels.iter().map(Candidates::draw).collect::<Result<Vec<_>>>()?;
        Ok(match &figures[..] {
            [one] => one.clone(),
            _ => column(figures.chunks(2).map(row)),
        })
    }

    /// Answers that begin alike share their panels.
    fn panels(&self) -> Result<Vec<Candidates>> {
        let mut panels: Vec<(Vec<u32>, Candidates)> = Vec::new();
        for answer in &self.answers {
            let mut before = Vec::new();
            for step in &answer.steps {
                match panels.iter_mut().find(|(context, _)| *context == before) {
                    Some((_, panel)) => ask(panel, step),
                    None => panels.push((before.clone(), self.panel(&before, step)?)),
                }
                before.push(step.answer.id);
            }
        }
        Ok(panels.into_iter().map(|(_, panel)| panel).collect())
    }

    fn panel(&self, before: &[u32], step: &AnswerStep) -> Result<Candidates> {
        let prompt = &self.prompt.ids(0)[usize::from(self.prompt.bos_prepended())..];
        let whole = self.model.to_string([prompt, before].concat())?;
        let list = step.top.iter().enumerate().map(|(before, token)| candidate(token, before + 1, false)).collect();
        let mut panel = Candidates { heading: format!("After “{}”", tail(&whole)), list, longest: 1.0 };
        ask(&mut panel, step);
        Ok(panel)
    }

    fn card(&self) -> Card {
        let mut card = Card::new(&format!("How {} goes on", self.model.name())).shown(&self.prompt);
        let header = ["answer", "rank", "logit", "probability", "mean log P"];
        card = card.table(&header, self.answers.iter().map(TestedAnswer::line));
        match self.draw() {
            Ok(figure) => card = card.shown(&figure),
            Err(error) => card = card.note(&error.to_string()),
        }
        let spaced: Vec<_> =
            self.answers.iter().filter(|answer| answer.spaced).map(|answer| answer.text.trim()).collect();
        if !spaced.is_empty() {
            card = card.note(&format!("A space was put before {}.", spaced.join(", ")));
        }
        let likelier = self.answers.iter().filter_map(|answer| answer.likelier_reading(&self.model));
        likelier.fold(card, |card, reading| card.note(&format!("{reading}.")))
    }
}

impl TestedAnswer {
    /// Tokens, ranks and logits side by side; the probability of them all.
    fn line(&self) -> [String; 5] {
        let each = |text: &dyn Fn(&AnswerStep) -> String, between: &str| {
            self.steps.iter().map(text).collect::<Vec<_>>().join(between)
        };
        [
            each(&|step| visible(&step.answer.text), "|"),
            each(&|step| step.rank.to_string(), ", "),
            each(&|step| number(step.answer.logit), ", "),
            number(self.probability() as f32),
            number(self.mean_log_probability() as f32),
        ]
    }
}

/// Adds a token of an answer to a panel, or marks it where it is among the likeliest.
fn ask(panel: &mut Candidates, step: &AnswerStep) {
    match panel.list.iter_mut().find(|candidate| candidate.rank == step.rank) {
        Some(candidate) => candidate.asked = true,
        None => panel.list.push(candidate(&step.answer, step.rank, true)),
    }
    panel.list.sort_by_key(|candidate| candidate.rank);
}

fn candidate(token: &Prediction, rank: usize, asked: bool) -> Candidate {
    let Prediction { text, logit, probability, .. } = token;
    Candidate { token: text.clone(), rank, probability: *probability, logit: *logit, asked }
}

/// The last words of a text, as many as there is room for.
fn tail(text: &str) -> String {
    let text = printable(text);
    if columns(&text) <= TAIL {
        return text;
    }
    let starts = text.char_indices().rev().map(|(start, _)| &text[start..]);
    let rest = starts.take_while(|rest| columns(rest) <= TAIL).last().unwrap_or_default();
    format!("…{}", rest.split_once(' ').map_or(rest, |(_, words)| words))
}

shown! {
    /// Shows the prompt, a line for each answer, and the picture.
    PromptTest: card
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Model, notebook::Show};

    const PROMPT: &str = "red fox blue owl red fox blue";

    fn test() -> PromptTest {
        Model::open("induction-2l").unwrap().test_prompt(PROMPT, ["owl", "fox", "owl red", "ant fox"]).unwrap().top(3)
    }

    #[test]
    fn answers_that_begin_alike_share_a_panel() {
        let panels = test().panels().unwrap();
        let headings: Vec<_> = panels.iter().map(|panel| panel.heading.as_str()).collect();
        assert_eq!(
            headings,
            [
                "After “red fox blue owl red fox blue”",
                "After “red fox blue owl red fox blue owl”",
                "After “red fox blue owl red fox blue ant”"
            ]
        );
        let asked = |panel: &Candidates| panel.list.iter().filter(|candidate| candidate.asked).count();
        assert_eq!(panels.iter().map(asked).collect::<Vec<_>>(), [3, 1, 1]);
        assert_eq!(panels[0].list.len(), 5, "owl is among the three likeliest, fox and ant are not");
        assert!(panels.iter().all(|panel| panel.list.is_sorted_by_key(|candidate| candidate.rank)));
    }

    #[test]
    fn both_forms_name_every_answer() {
        let test = test();
        for form in [test.html(), test.plain()] {
            assert!(["owl|red", "ant|fox", "8 tokens"].iter().all(|words| form.contains(words)), "{form}");
        }
    }

    #[test]
    fn a_long_text_is_cut_between_words() {
        assert_eq!(tail("one two"), "one two");
        let tail = tail(&"word ".repeat(40));
        assert!(tail.starts_with("…word ") && columns(&tail) <= TAIL + 1, "{tail}");
        assert_eq!(columns(&super::tail(&"東".repeat(40))), TAIL + 1);
    }
}
