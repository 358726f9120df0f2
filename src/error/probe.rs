//! The errors of probes ([`probe`](crate::probe)).
/// A problem with a probe's data or parameters.
#[derive(thiserror::Error, Debug)]
pub(crate) enum ProbeError {
    #[error(
        "no token has a label, so there is nothing to probe; the label must be Some(true) or Some(false) for some \
         tokens"
    )]
    NoExamples,
    #[error("there are no samples to measure; give at least one of each class")]
    NoSamples,
    #[error("the features have shape {shape:?} ([sample, feature]); give at least one sample and one feature")]
    Empty { shape: [usize; 2] },
    #[error(
        "{count} feature values are not finite; the first is {value} at sample {sample}, feature `{feature}`; leave \
         such samples out, or check the run that produced them"
    )]
    NotFinite { count: usize, value: f32, sample: usize, feature: String },
    #[error("{given} {what} were given for {needed} {per}; give one for each")]
    Length { what: &'static str, given: usize, per: &'static str, needed: usize },
    #[error("all {samples} labels are {class}; a probe distinguishes two classes, so give samples of both")]
    OneClass { class: bool, samples: usize },
    #[error(
        "only {count} sample is labelled {class}; {needed} are needed, one for training and one for testing; give \
         more samples of this class"
    )]
    TooFew { class: bool, count: usize, needed: usize },
    #[error("k = {k} features were asked for, but there are {n_features}; choose k from 1 to {n_features}")]
    K { k: usize, n_features: usize },
    #[error("{name} = {value} is not usable; choose {valid}")]
    Parameter { name: &'static str, value: String, valid: &'static str },
    #[error(
        "this probe was fitted on {fitted} features per sample and was given {given}; give the activations of the \
         same site"
    )]
    Width { fitted: usize, given: usize },
    #[error(
        "sample {index} of the {part} part is out of range: there are {samples} samples (0 to {})",
        samples.saturating_sub(1)
    )]
    SplitRange { part: &'static str, index: usize, samples: usize },
    #[error("sample {index} is twice in the split; put each sample once into the train part or the test part")]
    SplitTwice { index: usize },
    #[error("the {part} part of the split has no sample labelled {class}; each part needs both classes")]
    SplitOneClass { part: &'static str, class: bool },
    #[error("a curve needs at least one {what}; none was given")]
    EmptyCurve { what: &'static str },
    #[error("linfa could not fit the logistic regression: {why}; raise l2, or standardise the features")]
    Linfa { why: String },
    #[error(
        "the logistic regression did not converge: after {steps} Newton steps the loss is still about {decrement:.1e} \
         above its minimum; raise l2, or standardise the features"
    )]
    NotConverged { steps: usize, decrement: f64 },
}
