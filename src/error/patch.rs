/// What can be wrong with a patching experiment.
#[derive(thiserror::Error, Debug)]
pub(crate) enum PatchError {
    #[error(
        "the clean prompts have {clean:?} tokens and the corrupt ones {corrupt:?}; a position must mean the same in both, \
         so each pair needs one length (look at `model.to_str_tokens(..)`)"
    )]
    Lengths { clean: Vec<usize>, corrupt: Vec<usize> },
    #[error("the metric has answers for {metric} texts, and there are {texts}")]
    Texts { metric: usize, texts: usize },
    #[error("the metric gave shape {got:?} where one number for each of {batch} texts is needed")]
    MetricShape { got: Vec<usize>, batch: usize },
    #[error(
        "the metric is {clean} on the clean prompts and {corrupt} on the corrupt ones: it does not tell them apart, so \
         effects cannot be put on a scale from 0 to 1; look at `raw()`, or choose other prompts or another metric"
    )]
    NoDifference { clean: f32, corrupt: f32 },
    #[error("this {family} model has two stacks; sweeps patch models of one")]
    TwoStacks { family: String },
}
