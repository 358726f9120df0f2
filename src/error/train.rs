/// What can be wrong with a training recipe.
#[derive(thiserror::Error, Debug)]
pub(crate) enum TrainError {}
