//! [`HeadScores`]: previous-token, duplicate-token and induction scores of every head.

use super::{Detector, HeadType, map_heads};
use crate::{
    Result,
    model::Run,
    order::falling,
    plot::{Figure, Top},
};
use ndarray::Array2;
use std::borrow::Borrow;

/// The scores of every head for three types of heads, 0 to 1, on the texts of one run.
///
/// A score is the share of a head's attention that goes to the keys of the type, averaged over the queries that have
/// such keys ([Elhage et al. 2021](https://transformer-circuits.pub/2021/framework/index.html), [Olsson et al.
/// 2022](https://arxiv.org/abs/2209.11895)).
///
/// # Examples
/// ```
/// use glassbox::{circuits::head_scores, prelude::*};
/// let run = Model::open("induction-2l")?.run("red fox blue owl tree red fox blue owl tree")?;
/// let scores = head_scores(&run)?;
/// let (layer, _, score) = scores.strongest_induction();
/// assert_eq!(layer, 1);
/// assert!(score > 0.8);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct HeadScores {
    /// Attention to the previous token.
    ///
    /// # Shapes
    /// `[layer, head]`
    pub previous_token: Array2<f32>,
    /// Attention to earlier copies of the same token.
    ///
    /// # Shapes
    /// `[layer, head]`
    pub duplicate_token: Array2<f32>,
    /// Attention to the token after an earlier copy of the same token.
    ///
    /// # Shapes
    /// `[layer, head]`
    pub induction: Array2<f32>,
}

/// Scores every head on the texts of a run: a [`Detector`] for each [`HeadType`].
///
/// Duplicate and induction scores are 0 if no token of a text is repeated.
///
/// # Errors
/// Fails when the run did not record the attention patterns.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
/// let scores = head_scores(&run)?; // three maps, in a notebook
/// assert_eq!(scores.induction.dim(), (2, 4)); // [layer, head]
/// assert!(scores.previous_token[[0, 0]] > 0.8);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[doc(alias("detect_head", "head_detector", "induction_score", "prev_attn_scores"))]
pub fn head_scores(run: impl Borrow<Run>) -> Result<HeadScores> {
    let run = run.borrow();
    let scores = |habit| Detector::head_type(habit).scores(run);
    Ok(HeadScores {
        previous_token: scores(HeadType::PreviousToken)?,
        duplicate_token: scores(HeadType::DuplicateToken)?,
        induction: scores(HeadType::Induction)?,
    })
}

/// The largest entry: layer, head, value. If a value is NaN, the first such entry.
fn strongest(scores: &Array2<f32>) -> (usize, usize, f32) {
    let best = scores.indexed_iter().min_by(|a, b| falling(*a.1, *b.1));
    best.map_or((0, 0, f32::NAN), |((layer, head), &score)| (layer, head, score))
}

impl HeadScores {
    /// The mean of several texts' scores, which must belong to one model. Without texts, there are no heads.
    pub(crate) fn mean(scores: &[Self]) -> Self {
        let mean = |which: fn(&Self) -> &Array2<f32>| {
            let sum = scores.iter().map(which).cloned().reduce(|a, b| a + b);
            sum.map_or_else(|| Array2::zeros((0, 0)), |sum| sum / scores.len() as f32)
        };
        Self {
            previous_token: mean(|scores| &scores.previous_token),
            duplicate_token: mean(|scores| &scores.duplicate_token),
            induction: mean(|scores| &scores.induction),
        }
    }

    /// The scores for one type of head.
    ///
    /// # Shapes
    /// `[layer, head]`
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let scores = head_scores(&Model::open("induction-2l")?.run("red fox blue owl red fox blue")?)?;
    /// assert_eq!(scores.of(HeadType::Induction), scores.induction);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn of(&self, habit: HeadType) -> Array2<f32> {
        match habit {
            HeadType::PreviousToken => self.previous_token.clone(),
            HeadType::DuplicateToken => self.duplicate_token.clone(),
            HeadType::Induction => self.induction.clone(),
        }
    }

    /// Layer, head and score of the strongest previous-token head.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let scores = head_scores(&Model::open("induction-2l")?.run("red fox blue owl red fox blue")?)?;
    /// let (layer, head, score) = scores.strongest_previous_token();
    /// assert!((layer, head) == (0, 0) && score > 0.8);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn strongest_previous_token(&self) -> (usize, usize, f32) {
        strongest(&self.previous_token)
    }

    /// Layer, head and score of the strongest duplicate-token head.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{circuits::head_scores, prelude::*};
    /// let run = Model::open("induction-2l")?.run("red fox blue owl tree red fox blue owl tree")?;
    /// let scores = head_scores(&run)?;
    /// let (layer, head, score) = scores.strongest_duplicate_token();
    /// assert_eq!(score, scores.duplicate_token[[layer, head]]);
    /// assert!(scores.duplicate_token.iter().all(|other| *other <= score));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn strongest_duplicate_token(&self) -> (usize, usize, f32) {
        strongest(&self.duplicate_token)
    }

    /// Layer, head and score of the strongest induction head.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let scores = head_scores(&Model::open("induction-2l")?.run("red fox blue owl red fox blue")?)?;
    /// let (layer, head, score) = scores.strongest_induction();
    /// assert!((layer, head) == (1, 0) && score > 0.8);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn strongest_induction(&self) -> (usize, usize, f32) {
        strongest(&self.induction)
    }

    /// The `k` highest scores over all heads and types as a table: type, layer, head, score.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{circuits::{HeadType, head_scores}, prelude::*};
    /// let run = Model::open("induction-2l")?.run("red fox blue owl tree red fox blue owl tree")?;
    /// let scores = head_scores(&run)?;
    /// let top = scores.top(4);
    /// assert!(top.iter().any(|&(habit, layer, _, _)| habit == HeadType::Induction && layer == 1));
    /// assert!(top.to_string().contains("L1H0, induction"), "{top}");
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn top(&self, k: usize) -> Top<(HeadType, usize, usize, f32)> {
        let habits = [
            (HeadType::PreviousToken, "previous token", &self.previous_token),
            (HeadType::DuplicateToken, "same token", &self.duplicate_token),
            (HeadType::Induction, "induction", &self.induction),
        ];
        let all = habits.into_iter().flat_map(|(habit, name, scores)| {
            let row = move |((layer, head), &score): ((usize, usize), &f32)| {
                (format!("L{layer}H{head}, {name}"), score, (habit, layer, head, score))
            };
            scores.indexed_iter().map(row)
        });
        Top::of(k, "What each head attends to", "attention", all)
    }

    /// Draws three maps of layers by heads, on one scale.
    ///
    /// # Errors
    /// Fails when the model has no heads.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let scores = head_scores(&Model::open("induction-2l")?.run("red fox blue owl red fox blue")?)?;
    /// assert!(scores.figure()?.to_svg().contains("induction"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn figure(&self) -> Result<Figure> {
        map_heads([
            ("previous token", &self.previous_token),
            ("same token", &self.duplicate_token),
            ("induction", &self.induction),
        ])?
        .title("What each head attends to")
        .value("attention")
        .range(0.0, 1.0)
        .draw()
    }
}

shown! {
    /// Shows the maps in a notebook.
    HeadScores: figure
}
