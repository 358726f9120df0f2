/// What can go wrong in training.
#[derive(thiserror::Error, Debug)]
pub(crate) enum TrainError {
    #[error("the loss is no longer a number at step {step} (learning rate {rate:.2e}); use a lower rate")]
    Diverged { step: usize, rate: f64 },
}
