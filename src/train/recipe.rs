//! [`Recipe`]: what is trained on what.

use super::{Batch, History, Parameters, Schedule};
use crate::{Model, Result, plot::LineChart, text::Tokenizer};
use candle_core::Tensor;
use std::{
    fmt::{Debug, Display},
    path::Path,
};

/// Everything that decides the weights of a model: architecture and first weights, texts, speed, loss.
///
/// Its `Debug` form tells recipes apart when a training is taken up again, so it must show every setting.
pub trait Recipe: Debug + Send + Sync {
    /// The name of the model it makes.
    fn name(&self) -> &'static str;

    /// Seed, length and speed.
    fn schedule(&self) -> Schedule;

    /// The same, to change.
    fn schedule_mut(&mut self) -> &mut Schedule;

    /// Whether every setting is one that the recipe can have; asked before anything is made.
    ///
    /// # Errors
    /// When one is not; the error names it and its range.
    fn check(&self) -> Result<()> {
        self.schedule().check()
    }

    /// The weights before the first step.
    ///
    /// # Errors
    /// When the tensor library refuses.
    fn parameters(&self) -> Result<Parameters>;

    /// How the model reads text.
    ///
    /// # Errors
    /// When the vocabulary is malformed.
    fn tokenizer(&self) -> Result<Tokenizer>;

    /// The texts of step `from`, of the one after it, and so on, without end. What a step gets depends on the recipe and
    /// the number of the step alone.
    fn batches(&self, from: usize) -> Box<dyn Iterator<Item = Result<Batch>>>;

    /// Texts that are not trained on.
    ///
    /// # Errors
    /// When they cannot be made.
    fn held_out(&self) -> Result<Batch>;

    /// What is made small: the mean loss of what the batch asks for, unless the recipe adds something.
    ///
    /// # Errors
    /// When the batch does not fit the model.
    fn loss(&self, parameters: &Parameters, batch: &Batch) -> Result<Tensor> {
        parameters.loss(batch)
    }

    /// What the trained model can do, as sentences.
    ///
    /// # Errors
    /// When the model has another vocabulary than the recipe's.
    fn evaluate(&self, model: &Model) -> Result<Box<dyn Display>>;

    /// The steps after which the weights are kept beside the model's own.
    fn kept_steps(&self) -> Vec<usize> {
        Vec::new()
    }

    /// Writes model and tokenizer into a folder that [`Model::open`] reads.
    ///
    /// # Errors
    /// When a file cannot be written.
    fn save(&self, model: &Model, folder: &Path) -> Result<()>;

    /// The losses as a chart.
    fn chart(&self, history: &History) -> LineChart {
        history.chart(&format!("Training of {}", self.name()))
    }
}
