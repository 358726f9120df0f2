//! [`HeadLabels`]: the type of every head of a model, measured on repeated random tokens.

use super::{HeadScores, HeadType, head_names, head_scores, qk_ov::head_among, random_tokens::random_tokens};
use crate::{
    Model, Result,
    error::CircuitsError,
    hook::Site,
    index::ToIndex,
    model::Architecture,
    order::falling,
    plot::{Figure, WordTable},
    printable::number,
};
use ndarray::Array2;

/// The type of each head, measured on repeated random tokens.
///
/// # Examples
/// ```
/// use glassbox::{circuits::HeadType, prelude::*};
/// let labels = label_heads(&Model::open("induction-2l")?, 0)?; // a map with names, in a notebook
/// assert_eq!(labels.head_type(0, 0), Some(HeadType::PreviousToken));
/// assert_eq!(labels.head_type(1, 0), Some(HeadType::Induction));
/// let (layer, _, score) = labels.heads(HeadType::Induction)[0];
/// assert!(layer == 1 && score > 0.9);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct HeadLabels {
    /// The scores of each head for each type. Olsson et al. 2022 call the `induction` score prefix matching.
    pub scores: HeadScores,
    /// A head whose best score is below the threshold has no type.
    pub threshold: f32,
}

/// The number of random tokens in a period, of repeats, and of texts.
const PERIOD: usize = 50;
const REPEATS: usize = 2;
const TEXTS: usize = 4;

/// Runs a model on repeated random tokens, [made](super::repeated_random_tokens) from a seed, and scores every head for
/// each type.
///
/// A head's best score of at least 0.4 decides its type.
///
/// # Errors
/// Fails when the model cannot read repeated tokens or has two stacks, or its attention contains NaN.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let labels = label_heads(&Model::open("induction-2l")?, 0)?;
/// assert_eq!(labels.head_type(0, 0), Some(HeadType::PreviousToken));
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn label_heads(model: &Model, seed: u64) -> Result<HeadLabels> {
    let config = model.config();
    if config.architecture == Architecture::EncoderDecoder {
        return Err(CircuitsError::WhoseHeads { family: config.family.clone() }.into());
    }
    let tokens = random_tokens(model, TEXTS, PERIOD, REPEATS, seed, true)?;
    let patterns: Vec<Site> = (0..model.config().n_layers).map(Site::pattern).collect();
    let run = model.pass(tokens)?.record(patterns).without_logits().run()?;
    let scores = head_scores(&run)?;
    for habit in HeadType::ALL {
        let all: Vec<f32> = scores.of(habit).iter().copied().collect();
        run.cache().check_numbers(|| format!("the scores of {habit} attention"), &all)?;
    }
    Ok(HeadLabels { scores, threshold: 0.4 })
}

impl HeadLabels {
    /// Returns the same scores with another threshold.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{circuits::HeadType, prelude::*};
    /// let labels = label_heads(&Model::open("induction-2l")?, 0)?;
    /// let Some((best, score)) = labels.best(1, 0) else { panic!("there is a head L1H0") };
    /// assert_eq!((best, labels.threshold), (HeadType::Induction, 0.4));
    /// assert_eq!(labels.clone().at_least(score).head_type(1, 0), Some(HeadType::Induction));
    /// assert_eq!(labels.at_least(score + 1e-3).head_type(1, 0), None);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn at_least(mut self, threshold: f32) -> Self {
        self.threshold = threshold;
        self
    }

    /// The type with a head's best score, and that score; `None` if there is no such head.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let labels = label_heads(&Model::open("induction-2l")?, 0)?;
    /// let (_, score) = labels.best(1, 0).unwrap();
    /// assert_eq!(score, labels.scores.induction[[1, 0]]);
    /// assert!(labels.best(7, 0).is_none()); // no such layer
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn best(&self, layer: impl ToIndex, head: impl ToIndex) -> Option<(HeadType, f32)> {
        let (layer, head) = head_among((layer, head), self.dim()).ok()?;
        let score = |habit| Some((habit, *self.scores.of(habit).get([layer, head])?));
        HeadType::ALL.into_iter().filter_map(score).min_by(|a, b| falling(a.1, b.1))
    }

    /// The type of a head; `None` if its best score is below the threshold, or there is no such head.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let labels = label_heads(&Model::open("induction-2l")?, 0)?;
    /// assert_eq!(labels.head_type(-1, 0), Some(HeadType::Induction));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn head_type(&self, layer: impl ToIndex, head: impl ToIndex) -> Option<HeadType> {
        self.best(layer, head).filter(|best| best.1 >= self.threshold).map(|best| best.0)
    }

    /// The heads of a type, strongest first: layer, head, score.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let labels = label_heads(&Model::open("induction-2l")?, 0)?;
    /// let (layer, head, score) = labels.heads(HeadType::PreviousToken)[0];
    /// assert!((layer, head) == (0, 0) && score > 0.9);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn heads(&self, habit: HeadType) -> Vec<(usize, usize, f32)> {
        let (layers, heads) = self.dim();
        let all = (0..layers).flat_map(|layer| (0..heads).map(move |head| (layer, head)));
        let mut named: Vec<_> = all
            .filter(|&(layer, head)| self.head_type(layer, head) == Some(habit))
            .map(|(layer, head)| (layer, head, self.scores.of(habit)[[layer, head]]))
            .collect();
        named.sort_by(|a, b| falling(a.2, b.2));
        named
    }

    fn dim(&self) -> (usize, usize) {
        self.scores.induction.dim()
    }

    /// Draws a map of layers by heads: each head's best score, and its type if it reaches the threshold.
    ///
    /// # Errors
    /// Fails when the model has no heads.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let labels = label_heads(&Model::open("induction-2l")?, 0)?;
    /// assert!(labels.figure()?.to_svg().contains("ind"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn figure(&self) -> Result<Figure> {
        let (layers, heads) = self.dim();
        let names = head_names(0..layers, heads);
        let cell = |(layer, head)| {
            let name = self.head_type(layer, head).map_or("", HeadType::short);
            (name.to_string(), self.best(layer, head).map_or(0.0, |best| best.1))
        };
        let details = Array2::from_shape_fn((layers, heads), |(layer, head)| {
            let scores = HeadType::ALL.map(|habit| format!("{habit} {}", number(self.scores.of(habit)[[layer, head]])));
            format!("{}\n{}", names[layer * heads + head], scores.join("\n"))
        });
        let least = number(self.threshold);
        WordTable::new(Array2::from_shape_fn((layers, heads), cell))
            .title("What each head attends to in repeated random tokens")
            .value("best score")
            .numbered("layer", "head")
            .details(details)
            .range(0.0, 1.0)
            .upward()
            .note(format!(
                "prev: previous token. dup: earlier copies of the token. ind: tokens after copies. No type below {least}."
            ))
            .draw()
    }
}

shown! {
    /// Shows the map in a notebook.
    HeadLabels: figure
}
