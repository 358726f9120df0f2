//! [`Training`]: gradient descent, step by step.

use super::{
    History, Parameters, Recipe,
    adamw::{AdamW, clip},
};
use crate::{
    Model, Result,
    error::{RunError, TrainError},
    files,
    ops::in_pool,
    weights::{LOSSES, refuse_a_mix, refuse_another},
};
use candle_core::{DType, Tensor, Var};
use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

/// A training: a recipe and its state.
///
/// # Examples
/// Train for twenty steps and use the model:
/// ```
/// use glassbox::train::{self, Training};
/// let mut recipe = train::recipe("induction")?;
/// recipe.schedule_mut().steps = 20;
/// let mut training = Training::start(recipe)?;
/// training.run(|training| {
///     let progress = training.progress();
///     Ok(assert!(progress.step <= 20 && progress.loss.is_finite()))
/// })?;
/// assert_eq!(training.history().train.points().len(), 20);
/// assert_eq!(training.model()?.config().n_layers, 2);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Debug)]
pub struct Training {
    pub(super) recipe: Arc<dyn Recipe>,
    pub(super) parameters: Parameters,
    pub(super) optimiser: AdamW,
    pub(super) history: History,
    /// The number of completed steps.
    pub(super) step: usize,
    clock: Clock,
}

/// The progress since [`Training::run`] was called.
#[derive(Clone, Copy, Debug)]
struct Clock {
    start: Instant,
    steps: usize,
    tokens: usize,
}

impl Clock {
    fn start() -> Self {
        Self { start: Instant::now(), steps: 0, tokens: 0 }
    }
}

/// The progress of a training.
///
/// # Examples
/// ```
/// use glassbox::train::{self, Training};
/// let mut recipe = train::recipe("induction")?;
/// recipe.schedule_mut().steps = 2;
/// let mut training = Training::start(recipe)?;
/// training.run(|training| Ok(println!("{}", training.progress())))?; // step, loss, time
/// assert_eq!(training.progress().step, 2);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Progress {
    /// The number of completed steps.
    pub step: usize,
    /// The total number of steps.
    pub steps: usize,
    /// The loss of the last step, in nats.
    pub loss: f32,
    /// The last loss on held-out texts, in nats, if it was measured.
    pub held_out: Option<f32>,
    /// The number of tokens read per second.
    pub tokens_per_second: f64,
    /// The time since the training started or was resumed.
    pub elapsed: Duration,
    /// The estimated time for the remaining steps.
    pub left: Duration,
}

impl std::fmt::Display for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { step, steps, tokens_per_second, .. } = self;
        // The loss of memorized texts is too small for four decimals.
        let number = |loss: f32| if loss < 0.01 { format!("{loss:.1e}") } else { format!("{loss:.4}") };
        write!(f, "step {step:>5} of {steps}   loss {}", number(self.loss))?;
        if let Some(held_out) = self.held_out {
            write!(f, "   held out {}", number(held_out))?;
        }
        let (elapsed, left) = (self.elapsed.as_secs(), self.left.as_secs());
        write!(f, "   {tokens_per_second:.0} tokens/s   {elapsed} s elapsed, {left} s left")
    }
}

impl Training {
    /// Prepares a training before its first step.
    ///
    /// # Errors
    /// Fails when a setting of the recipe is out of range.
    pub fn start(recipe: Box<dyn Recipe>) -> Result<Self> {
        recipe.check()?;
        let parameters = recipe.parameters()?;
        let optimiser = AdamW::new(parameters.vars.values());
        Ok(Self {
            recipe: recipe.into(),
            parameters,
            optimiser,
            history: History::default(),
            step: 0,
            clock: Clock::start(),
        })
    }

    /// Runs the remaining steps and calls `after` following each.
    ///
    /// An error from `after` ends the run; call it again to continue.
    ///
    /// # Errors
    /// Fails when the loss becomes NaN or infinite, or `after` fails.
    pub fn run(&mut self, mut after: impl FnMut(&Self) -> Result<()>) -> Result<()> {
        let mut batches = self.recipe.batches(self.step);
        let held_out = self.recipe.held_out()?;
        let (steps, every) = (self.recipe.schedule().steps, self.recipe.schedule().evaluate_every.max(1));
        self.clock = Clock::start();
        while self.step < steps {
            let batch = batches.next().ok_or(TrainError::NoTexts { step: self.step })??;
            let loss = in_pool(|| self.descend(&self.recipe.loss(&self.parameters, &batch)?))?;
            self.step += 1;
            self.clock.steps += 1;
            self.clock.tokens += batch.token_count();
            self.history.train.push(self.step, loss);
            if self.step.is_multiple_of(every) || self.step == steps {
                self.history.held_out.push(self.step, self.parameters.loss(&held_out)?.to_scalar()?);
            }
            after(self)?;
        }
        Ok(())
    }

    /// Does one step of gradient descent and returns the loss.
    fn descend(&mut self, loss: &Tensor) -> Result<f32> {
        let schedule = self.recipe.schedule();
        if loss.rank() != 0 {
            return Err(RunError::NotScalar { shape: loss.dims().to_vec() }.into());
        }
        let value: f32 = loss.to_dtype(DType::F32)?.to_scalar()?;
        if !value.is_finite() {
            return Err(TrainError::Diverged { step: self.step, rate: schedule.rate(self.step) }.into());
        }
        let mut gradients = loss.backward()?;
        let vars: Vec<_> = self.parameters.vars.values().collect();
        clip(&vars, &mut gradients, schedule.clip)?;
        self.optimiser.step(vars.into_iter(), &gradients, &schedule, self.step)?;
        Ok(value)
    }

    /// The recipe.
    pub fn recipe(&self) -> Arc<dyn Recipe> {
        self.recipe.clone()
    }

    /// The current weights, shared with the training.
    ///
    /// Later steps change them, and setting them here changes the training. [`Training::model`] returns a copy.
    pub fn parameters(&self) -> Parameters {
        self.parameters.clone()
    }

    /// The losses so far.
    pub fn history(&self) -> History {
        self.history.clone()
    }

    /// The progress so far.
    pub fn progress(&self) -> Progress {
        let (steps, Clock { start, steps: done, tokens }) = (self.recipe.schedule().steps, self.clock);
        let elapsed = start.elapsed();
        let left = steps.saturating_sub(self.step);
        Progress {
            step: self.step,
            steps,
            loss: self.history.train.last().unwrap_or(f32::NAN),
            held_out: self.history.held_out.last(),
            tokens_per_second: tokens as f64 / elapsed.as_secs_f64().max(1e-9),
            elapsed,
            left: elapsed.mul_f64(left as f64 / done.max(1) as f64),
        }
    }

    /// Returns the current model.
    ///
    /// Later steps do not change it.
    ///
    /// # Errors
    /// Fails when the tokenizer is malformed.
    pub fn model(&self) -> Result<Model> {
        let (config, tokenizer) = (self.parameters.config.clone(), self.recipe.tokenizer()?);
        let transformer = self.parameters.frozen()?;
        Ok(Model::from_parts(self.recipe.name().into(), "trained here".into(), config, transformer, Some(tokenizer)))
    }

    /// Saves the current weights in half precision to `checkpoints/STEP.safetensors` in a folder, if the recipe keeps
    /// this step.
    ///
    /// # Errors
    /// Fails when the file cannot be written.
    pub fn keep(&self, folder: impl AsRef<Path>) -> Result<()> {
        if !self.recipe.kept_steps().contains(&self.step) {
            return Ok(());
        }
        let folder = folder.as_ref().join("checkpoints");
        files::make_folder(&folder)?;
        let half = |(name, var): (&String, &Var)| Ok((name.clone(), var.to_dtype(DType::F16)?));
        let weights = self.parameters.vars.iter().map(half).collect::<Result<Vec<_>>>()?;
        files::write_tensors(folder.join(format!("{}.safetensors", self.step)), weights)
    }

    /// Checks in advance everything that [`write`](Self::write) would refuse: a folder without a name, one with a model
    /// that did not come from training, or one with files of another model, which would be read with what is written.
    ///
    /// # Errors
    /// Fails as [`write`](Self::write) does.
    pub fn check(&self, folder: impl AsRef<Path>) -> Result<()> {
        files::named(folder.as_ref())?;
        refuse_another(folder.as_ref())?;
        refuse_a_mix(&self.model()?, folder.as_ref())
    }

    /// Saves the model, `loss.csv` and `loss.svg` to a folder, [in one step](files).
    ///
    /// # Errors
    /// Fails when no step has been done, or a file cannot be written. The folder then stays as it was.
    pub fn write(&self, folder: impl AsRef<Path>) -> Result<()> {
        if self.step == 0 {
            return Err(TrainError::NoSteps.into());
        }
        let (model, chart) = (self.model()?, self.recipe.chart(&self.history).draw()?);
        refuse_another(folder.as_ref())?;
        refuse_a_mix(&model, folder.as_ref())?;
        files::write_folder(folder, |new| {
            self.recipe.save(&model, new)?;
            files::write(new.join(LOSSES), self.history.csv())?;
            chart.save(new.join("loss.svg"))
        })
    }
}
