/// What can be wrong with a picture's data.
#[derive(thiserror::Error, Debug)]
pub(crate) enum PlotError {}
