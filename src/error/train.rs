//! The errors of training ([`train`](crate::train)).
use std::path::PathBuf;

/// A problem in training.
#[derive(thiserror::Error, Debug)]
pub(crate) enum TrainError {
    #[error("the loss is no longer a number at step {step} (learning rate {rate:.2e}); use a lower rate")]
    Diverged { step: usize, rate: f64 },
    #[error("the value for `{name}` has shape {got:?} where {expected:?} is needed")]
    Shape { name: String, got: Vec<usize>, expected: Vec<usize> },
    #[error("the value for `{name}` holds {value}; a weight must be finite, or every output of the model is NaN")]
    NotFinite { name: String, value: f32 },
    #[error(
        "the weight `{name}` holds {value} after training, so it cannot become a model; take the weights of an \
         earlier step, or train with a lower rate"
    )]
    WeightDiverged { name: String, value: f32 },
    #[error("there is no recipe `{name}`; the nearest is {nearest}, and the recipes are {known}")]
    Unknown { name: String, nearest: String, known: String },
    #[error(
        "a batch needs texts of one length and something to predict in them; its {texts} texts have {short} to {long} \
         tokens and predict {predicted}"
    )]
    Batch { texts: usize, short: usize, long: usize, predicted: usize },
    #[error("{answers} answers were given for {prompts} prompts; give one for each")]
    Answers { prompts: usize, answers: usize },
    #[error("texts of {len} tokens do not fit a model with a context of {n_ctx}; make them shorter")]
    Length { len: usize, n_ctx: usize },
    #[error("the recipe's `{name}` is {value} where {needed} is needed")]
    Setting { name: &'static str, value: String, needed: String },
    #[error("the recipe has no texts for step {step}; its batches must never end")]
    NoTexts { step: usize },
    #[error(
        "the training in {} was started with other settings, so it cannot be resumed: it was {then} and is now {now}; \
         give the same options, or leave out --resume to start again",
        path.display()
    )]
    OtherRecipe { path: PathBuf, then: String, now: String },
    #[error("there is no training to resume in {}; leave out --resume to start one", path.display())]
    NothingToResume { path: PathBuf },
    #[error("an evaluation of 0 texts measures nothing; ask for at least 1")]
    NothingMeasured,
    #[error("the training has not done a single step, so there is no trained model to write; run it first")]
    NoSteps,
    #[error(
        "{} is not an interrupted training: {why}; delete it and start again, without --resume",
        path.display()
    )]
    Damaged { path: PathBuf, why: String },
}
