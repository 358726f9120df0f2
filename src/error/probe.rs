/// What can be wrong with a probe's data.
#[derive(thiserror::Error, Debug)]
pub(crate) enum ProbeError {}
