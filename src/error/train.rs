use std::path::PathBuf;

/// What can go wrong in training.
#[derive(thiserror::Error, Debug)]
pub(crate) enum TrainError {
    #[error("the loss is no longer a number at step {step} (learning rate {rate:.2e}); use a lower rate")]
    Diverged { step: usize, rate: f64 },
    #[error("there is no recipe `{name}`; the nearest is {nearest}, and the recipes are {known}")]
    Unknown { name: String, nearest: String, known: String },
    #[error(
        "a batch needs texts of one length and something to predict in them; its {texts} texts have {short} to {long} \
         tokens and predict {predicted}"
    )]
    Batch { texts: usize, short: usize, long: usize, predicted: usize },
    #[error("texts of {len} tokens do not fit a model with a context of {n_ctx}; make them shorter")]
    Length { len: usize, n_ctx: usize },
    #[error("the recipe's `{name}` is {value} where {needed} is needed")]
    Setting { name: &'static str, value: String, needed: String },
    #[error("the recipe has no texts for step {step}; its batches must go on without end")]
    NoTexts { step: usize },
    #[error(
        "the training in {} was begun with other settings, so it cannot be taken up: it was\n  {then}\nand is now\n  {now}\n\
         give the same options, or leave out --resume to begin anew",
        path.display()
    )]
    OtherRecipe { path: PathBuf, then: String, now: String },
    #[error("there is no training to take up in {}; leave out --resume to begin one", path.display())]
    NothingToResume { path: PathBuf },
    #[error("{} is no training that was put aside: {why}", path.display())]
    Damaged { path: PathBuf, why: String },
}
