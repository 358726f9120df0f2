//! [`Recipe`]: what is trained on what.

use super::{Batch, History, Parameters, Schedule};
use crate::{Model, Result, plot::LineChart, text::Tokenizer};
use candle_core::Tensor;
use std::{
    fmt::{Debug, Display},
    path::Path,
};

/// Everything that determines the weights of a model: architecture, initial weights, texts, learning rate and loss.
///
/// The `Debug` form identifies a recipe when a training is resumed, so it must show every setting.
///
/// # Examples
/// ```
/// use glassbox::train;
/// let recipe = train::recipe("grammar")?;
/// assert_eq!(recipe.name(), "grammar-4l");
/// assert!(recipe.batches(0).next().unwrap()?.token_count() > 0); // the texts of the first step
/// # Ok::<(), glassbox::Error>(())
/// ```
pub trait Recipe: Debug + Send + Sync {
    /// The name of the model.
    fn name(&self) -> &'static str;

    /// The seed, length and learning rate.
    fn schedule(&self) -> Schedule;

    /// The schedule, to be changed.
    fn schedule_mut(&mut self) -> &mut Schedule;

    /// Checks every setting before anything is made.
    ///
    /// # Errors
    /// Fails when a setting is out of range. The error names the setting and its range.
    fn check(&self) -> Result<()> {
        self.schedule().check()
    }

    /// Returns the weights before the first step.
    ///
    /// # Errors
    /// Fails when memory runs out.
    fn parameters(&self) -> Result<Parameters>;

    /// Returns the tokenizer.
    ///
    /// # Errors
    /// Fails when the vocabulary is malformed.
    fn tokenizer(&self) -> Result<Tokenizer>;

    /// Returns the batches of step `from` and all later steps, without end. A batch depends only on the recipe and the
    /// step number.
    fn batches(&self, from: usize) -> Box<dyn Iterator<Item = Result<Batch>>>;

    /// Returns texts that are not trained on.
    ///
    /// # Errors
    /// Fails when they cannot be made.
    fn held_out(&self) -> Result<Batch>;

    /// Returns the loss to minimize: the mean loss of the batch, unless the recipe adds something.
    ///
    /// # Errors
    /// Fails when the batch does not fit the model.
    fn loss(&self, parameters: &Parameters, batch: &Batch) -> Result<Tensor> {
        parameters.loss(batch)
    }

    /// Describes what the trained model can do, as sentences.
    ///
    /// # Errors
    /// Fails when the model does not have the recipe's vocabulary.
    fn evaluate(&self, model: &Model) -> Result<Box<dyn Display>>;

    /// The steps after which the weights are kept as checkpoints.
    fn kept_steps(&self) -> Vec<usize> {
        Vec::new()
    }

    /// Saves model and tokenizer to a folder that [`Model::open`] can read.
    ///
    /// # Errors
    /// Fails when a file cannot be written.
    fn save(&self, model: &Model, folder: &Path) -> Result<()>;

    /// Returns the losses as a chart.
    fn chart(&self, history: &History) -> LineChart {
        history.chart(&format!("Training of {}", self.name()))
    }
}
