//! The loss of each token, in one run and in several.

use super::{Architecture, Run};
use crate::{
    Result,
    error::{RunError, TextError},
    index::{Counted, ToIndex},
    notebook::Card,
    plot::{Figure, LineChart, Series},
    tensor::{array, from_values},
    text::Tokens,
};
use candle_core::{D, Tensor};
use candle_nn::ops::log_softmax;
use ndarray::Array2;
use std::borrow::Borrow;

impl Run {
    /// Returns -log P(token | tokens before it) for every token but the first, in nats: TransformerLens's
    /// `loss_per_token`. It is 0 where this token or the one before it is padding. [`compare_losses`] compares several
    /// runs.
    ///
    /// # Shapes
    /// `[batch, pos - 1]`
    ///
    /// # Errors
    /// When the text is a single token, some logits were not computed, or the model is an encoder.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// let losses = run.loss_per_token()?.to_vec2::<f32>()?;
    /// assert!(losses[0][5] < losses[0][1]); // the second "fox" is easy to predict, the first is not
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias("token_losses", "lm_cross_entropy_loss", "per_token"))]
    pub fn loss_per_token(&self) -> Result<Tensor> {
        let (batch, len) = (self.tokens().batch(), self.tokens().len());
        let config = self.model().config();
        if config.architecture == Architecture::Encoder {
            return Err(RunError::NotCausal { family: config.family.clone() }.into());
        }
        if len < 2 {
            return Err(TextError::OneToken.into());
        }
        let logits = self.logits()?;
        if let Some(at) = self.computed_at() {
            return Err(RunError::NotComputed { position: 0, computed: format!("{at:?}") }.into());
        }
        let next = self.tokens().to_tensor()?.narrow(1, 1, len - 1)?.contiguous()?.unsqueeze(2)?;
        let log_probabilities = log_softmax(&logits.narrow(1, 0, len - 1)?, D::Minus1)?;
        let losses = log_probabilities.gather(&next, 2)?.reshape((batch, len - 1))?.neg()?;
        match self.tokens().is_padded() {
            true => Ok((losses * self.predicted()?)?),
            false => Ok(losses),
        }
    }

    /// 1 where a token was predicted from a real token before it, 0 elsewhere.
    fn predicted(&self) -> Result<Tensor> {
        let tokens = self.tokens();
        let (batch, len) = (tokens.batch(), tokens.len());
        let is_predicted = |text: usize, at: usize| tokens.real(text).start < at && at < tokens.real(text).end;
        let values = (0..batch).flat_map(|text| (1..len).map(move |at| f32::from(is_predicted(text, at))));
        Ok(from_values(values.collect::<Vec<_>>(), (batch, len - 1))?)
    }

    /// The mean of [`Run::loss_per_token`] over the predicted tokens.
    ///
    /// # Errors
    /// As [`Run::loss_per_token`], and when every text is a single token.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// assert_eq!(model.run("red fox red fox")?.loss()?, model.loss("red fox red fox")?);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn loss(&self) -> Result<f64> {
        let losses = self.loss_per_token()?.sum_all()?.to_scalar::<f32>()?;
        let count = self.predicted()?.sum_all()?.to_scalar::<f32>()?;
        if count == 0.0 {
            return Err(TextError::OneToken.into());
        }
        Ok(f64::from(losses) / f64::from(count))
    }
}

/// Compares the losses of several runs of the same text or batch, such as before and after an ablation.
///
/// # Errors
/// When there is no run, the runs read different tokens, or one has no losses (see [`Run::loss_per_token`]).
///
/// # Examples
/// ```
/// use glassbox::{model::compare_losses, prelude::*};
/// let model = Model::open("induction-2l")?;
/// let text = "red fox blue owl red fox blue owl";
/// let (run, ablated) = (model.run(text)?, model.run_with(text, [zero(Site::z(1))])?);
/// let losses = compare_losses([("before", &run), ("after", &ablated)])?;
/// assert_eq!(losses.mean()[0], run.loss()?);
/// assert!(losses.differences(1)?[[0, 5]] > 1.0, "the repeated fox is hard to tell without layer 1");
/// # Ok::<(), glassbox::Error>(())
/// ```
pub fn compare_losses(runs: impl IntoIterator<Item = (impl Into<String>, impl Borrow<Run>)>) -> Result<LossComparison> {
    let mut compared: Option<LossComparison> = None;
    for (name, run) in runs {
        let (name, run) = (name.into(), run.borrow());
        let values = array(&run.loss_per_token()?)?;
        let (tokens, mean) = (run.tokens().clone(), run.loss()?);
        let all = compared.get_or_insert_with(|| LossComparison { tokens: tokens.clone(), runs: Vec::new() });
        let same = all.tokens.batch() == tokens.batch()
            && (0..tokens.batch())
                .all(|text| all.tokens.ids(text) == tokens.ids(text) && all.tokens.real(text) == tokens.real(text));
        if !same {
            let first = all.runs.first().map(|run| run.name.clone()).unwrap_or_default();
            return Err(RunError::OtherTokens { first, other: name }.into());
        }
        all.runs.push(Losses { name, values, mean });
    }
    compared.ok_or_else(|| RunError::NoRuns.into())
}

/// The losses of several runs of the same tokens.
///
/// Made by [`compare_losses`]. A notebook shows their means, and a line for each along the first text.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?;
/// let text = "red fox blue owl red fox blue owl";
/// let (before, after) = (model.run(text)?, model.run_with(text, zero(Site::z(1)))?);
/// let losses = compare_losses([("before", &before), ("after", &after)])?; // means and lines, in a notebook
/// assert!(losses.mean()[1] > losses.mean()[0]);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone)]
pub struct LossComparison {
    tokens: Tokens,
    runs: Vec<Losses>,
}

#[derive(Clone)]
struct Losses {
    name: String,
    /// `[batch, pos - 1]`
    values: Array2<f32>,
    mean: f64,
}

impl LossComparison {
    /// The names of the runs.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox red fox")?;
    /// assert_eq!(compare_losses([("before", &run), ("again", &run)])?.names(), ["before", "again"]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn names(&self) -> Vec<String> {
        self.runs.iter().map(|run| run.name.clone()).collect()
    }

    /// The mean loss of each run over the predicted tokens, in nats, without padding.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox red fox")?;
    /// assert_eq!(compare_losses([("before", &run)])?.mean(), [run.loss()?]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn mean(&self) -> Vec<f64> {
        self.runs.iter().map(|run| run.mean).collect()
    }

    /// The loss of each token but the first in one run, in nats; 0 for padding.
    ///
    /// # Shapes
    /// `[batch, pos - 1]`
    ///
    /// # Errors
    /// When there is no such run.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox red fox")?;
    /// assert_eq!(compare_losses([("before", &run)])?.losses(0)?.dim(), (1, 4));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn losses(&self, run: impl ToIndex) -> Result<Array2<f32>> {
        let run = Counted::new("run", "this comparison has runs", self.runs.len()).index(run)?;
        Ok(self.runs[run].values.clone())
    }

    /// The loss of each token but the first in one run, minus its loss in the first run.
    ///
    /// # Shapes
    /// `[batch, pos - 1]`
    ///
    /// # Errors
    /// When there is no such run.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let (before, after) = (model.run("red fox red fox")?, model.run_with("red fox red fox", zero(Site::z(1)))?);
    /// let losses = compare_losses([("before", &before), ("after", &after)])?;
    /// assert!(losses.differences(1)?[[0, 3]] > 0.0); // the second "fox" costs more without layer 1
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn differences(&self, run: impl ToIndex) -> Result<Array2<f32>> {
        Ok(self.losses(run)? - self.losses(0)?)
    }

    /// Draws a line for each run along the first text.
    ///
    /// # Errors
    /// When it cannot be drawn.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox red fox")?;
    /// assert!(compare_losses([("before", &run)])?.draw()?.to_svg().contains("before"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn draw(&self) -> Result<Figure> {
        let real = self.tokens.real(0);
        let predicted = real.start + 1..real.end;
        let at = |token: usize| format!("{}@{token}", self.tokens.strings(0)[token].trim());
        let chart = LineChart::new().title("Loss at each token").x("token").y("loss (nats)");
        let chart = chart.x_names(predicted.clone().map(at));
        let series = |run: &Losses| Series::new(run.name.clone(), predicted.clone().map(|at| run.values[[0, at - 1]]));
        self.runs.iter().map(series).fold(chart, LineChart::add).draw()
    }

    fn card(&self) -> Card {
        let (texts, first) = (self.tokens.batch(), self.runs.first().map_or(0.0, |run| run.mean));
        let over = if texts == 1 { String::new() } else { format!(" over {texts} texts; the lines are the first's") };
        let row = |run: &Losses| [run.name.clone(), format!("{:.4}", run.mean), format!("{:+.4}", run.mean - first)];
        let header = ["run", "mean loss (nats)", "difference from the first"];
        let card = Card::new(&format!("Losses compared{over}")).table(&header, self.runs.iter().map(row));
        match self.draw() {
            Ok(figure) => card.shown(&figure),
            Err(error) => card.note(&error.to_string()),
        }
    }
}

shown! {
    /// Shows the mean losses and a line for each run in a notebook.
    LossComparison: card
}
