//! [`HeadLabels`]: what every head of a model does.

use super::{Habit, HeadScores, head_names, head_scores, qk_ov::head_among, repeated_random_tokens};
use crate::{
    Model, Result,
    error::CircuitsError,
    hook::Site,
    index::ToIndex,
    model::Architecture,
    order::falling,
    plot::{Figure, WordTable, text::number},
};
use ndarray::Array2;

/// The habit of each head, found on repeated random tokens.
///
/// # Examples
/// ```
/// use glassbox::{circuits::Habit, prelude::*};
/// let labels = label_heads(&Model::open("induction-2l")?, 0)?; // a map with names, in a notebook
/// assert_eq!(labels.habit(0, 0), Some(Habit::PreviousToken));
/// assert_eq!(labels.habit(1, 0), Some(Habit::Induction));
/// let (layer, _, score) = labels.heads(Habit::Induction)[0];
/// assert!(layer == 1 && score > 0.9);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct HeadLabels {
    /// How much of each habit each head has. `induction` is what Olsson et al. 2022 call the prefix-matching score.
    pub scores: HeadScores,
    /// A head whose best score is below has no label.
    pub threshold: f32,
}

/// Random tokens in a period, how often they are said, and texts.
const PERIOD: usize = 50;
const REPEATS: usize = 2;
const TEXTS: usize = 4;

/// Runs a model on repeated random tokens, [made](repeated_random_tokens) from a seed, and scores the habits of all its
/// heads; those above 0.4 give a head its name.
///
/// # Errors
/// When the model cannot read repeated tokens or has two stacks, or its attention holds NaN.
pub fn label_heads(model: &Model, seed: u64) -> Result<HeadLabels> {
    let config = model.config();
    if config.architecture == Architecture::EncoderDecoder {
        return Err(CircuitsError::WhoseHeads { family: config.family.clone() }.into());
    }
    let tokens = repeated_random_tokens(model, TEXTS, PERIOD, REPEATS, seed)?;
    let patterns: Vec<Site> = (0..model.config().n_layers).map(Site::pattern).collect();
    let run = model.pass(tokens)?.record(patterns).without_logits().run()?;
    let scores = head_scores(&run)?;
    for habit in Habit::ALL {
        let all: Vec<f32> = scores.of(habit).iter().copied().collect();
        run.cache().check_numbers(|| format!("the scores of {habit} attention"), &all)?;
    }
    Ok(HeadLabels { scores, threshold: 0.4 })
}

impl HeadLabels {
    /// The same scores with another threshold.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{circuits::Habit, prelude::*};
    /// let labels = label_heads(&Model::open("induction-2l")?, 0)?;
    /// let Some((best, score)) = labels.best(1, 0) else { panic!("there is a head L1H0") };
    /// assert_eq!((best, labels.threshold), (Habit::Induction, 0.4));
    /// assert_eq!(labels.clone().at_least(score).habit(1, 0), Some(Habit::Induction));
    /// assert_eq!(labels.at_least(score + 1e-3).habit(1, 0), None);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn at_least(mut self, threshold: f32) -> Self {
        self.threshold = threshold;
        self
    }

    /// The habit that a head has most of, and its score; `None` when there is no such head.
    pub fn best(&self, layer: impl ToIndex, head: impl ToIndex) -> Option<(Habit, f32)> {
        let (layer, head) = head_among((layer, head), self.dim()).ok()?;
        let score = |habit| Some((habit, *self.scores.of(habit).get([layer, head])?));
        Habit::ALL.into_iter().filter_map(score).min_by(|a, b| falling(a.1, b.1))
    }

    /// The habit of a head; `None` when it has none that reaches the threshold, or there is no such head.
    pub fn habit(&self, layer: impl ToIndex, head: impl ToIndex) -> Option<Habit> {
        self.best(layer, head).filter(|best| best.1 >= self.threshold).map(|best| best.0)
    }

    /// The heads with a habit, strongest first: layer, head, score.
    pub fn heads(&self, habit: Habit) -> Vec<(usize, usize, f32)> {
        let (layers, heads) = self.dim();
        let all = (0..layers).flat_map(|layer| (0..heads).map(move |head| (layer, head)));
        let mut named: Vec<_> = all
            .filter(|&(layer, head)| self.habit(layer, head) == Some(habit))
            .map(|(layer, head)| (layer, head, self.scores.of(habit)[[layer, head]]))
            .collect();
        named.sort_by(|a, b| falling(a.2, b.2));
        named
    }

    fn dim(&self) -> (usize, usize) {
        self.scores.induction.dim()
    }

    /// Layers by heads: each head's best score, and the name of those that reach the threshold.
    ///
    /// # Errors
    /// When the model has no heads.
    pub fn figure(&self) -> Result<Figure> {
        let (layers, heads) = self.dim();
        let names = head_names(0..layers, heads);
        let cell = |(layer, head)| {
            let name = self.habit(layer, head).map_or("", Habit::short);
            (name.to_string(), self.best(layer, head).map_or(0.0, |best| best.1))
        };
        let details = Array2::from_shape_fn((layers, heads), |(layer, head)| {
            let scores = Habit::ALL.map(|habit| format!("{habit} {}", number(self.scores.of(habit)[[layer, head]])));
            format!("{}\n{}", names[layer * heads + head], scores.join("\n"))
        });
        let least = number(self.threshold);
        WordTable::new(Array2::from_shape_fn((layers, heads), cell))
            .title("What each head looks at in repeated random tokens")
            .value("best score")
            .numbered("layer", "head")
            .details(details)
            .range(0.0, 1.0)
            .upward()
            .note(format!(
                "prev: the token before. dup: earlier copies of the token. ind: what came after those. No name below {least}."
            ))
            .draw()
    }
}

shown! {
    /// Shows the map in a notebook.
    HeadLabels: figure
}
