//! The errors of reading, processing and saving weights ([`weights`](crate::weights)).
use super::site::list;
use std::path::PathBuf;

/// An invalid request about a model's weights.
#[derive(thiserror::Error, Debug)]
pub(crate) enum WeightsError {
    #[error("{step} was already applied to this model; start again from the model as it was opened")]
    Twice { step: &'static str },
    #[error(
        "{step} comes before {after}, which was already applied to this model; start again from the model as it was \
         opened and apply the steps in order"
    )]
    Order { step: &'static str, after: &'static str },
    #[error("{step} does not apply to this {family} model: {why}")]
    NotApplicable { step: &'static str, family: String, why: &'static str },
    #[error("this {family} model has no {weight}: {why}")]
    Absent { weight: String, family: String, why: &'static str },
    #[error(
        "this {family} model has an encoder and a decoder; choose one: weights().encoder()? or weights().decoder()?"
    )]
    WhichStack { family: String },
    #[error("this {family} model has no weight named `{name}`; the nearest names are {}", list(nearest))]
    Unknown { name: String, family: String, nearest: Vec<String> },
    #[error("the singular values of head {head} could not be computed; check its weights for NaN and infinities")]
    Singular { head: usize },
    #[error(
        "the biases that are added from layer {from} to layer {to} cannot be summed: {why}, so what a bias adds to the \
         residual stream depends on the text"
    )]
    NotASum { from: usize, to: usize, why: &'static str },
    #[error("this {family} model cannot be written as a TransformerLens checkpoint: {why}")]
    NotNative { family: String, why: String },
    #[error(
        "this {family} model cannot be written in GPT-2's form: {why}; save_native writes other architectures, in \
         TransformerLens's form"
    )]
    NotGpt2 { family: String, why: String },
    #[error(
        "{} holds `{file}` of another model, which would be read as if it were of this one; write to another folder, \
         or remove that file",
        folder.display()
    )]
    Mixed { folder: PathBuf, file: &'static str },
    #[error(
        "{} holds a model that was not written by a training and would be lost; name another folder, or delete that \
         model first",
        folder.display()
    )]
    Another { folder: PathBuf },
    #[error("weights cannot be written as {given}; choose F32, F16 or BF16")]
    Precision { given: String },
}
