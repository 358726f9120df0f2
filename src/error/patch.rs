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
    #[error(
        "the metric `{metric}` goes in steps and has no gradient; attribution needs a smooth one, such as \
         `Metric::logit_diff`, `logit`, `probability`, `log_probability` or `divergence`"
    )]
    NoGradient { metric: String },
    #[error("between {source_name} and the prompts there is no line of prompts to go along; use `attribution()`")]
    NoLine { source_name: &'static str },
    #[error("gradients are averaged over at least one step, and 0 were asked for")]
    NoSteps,
    #[error(
        "the prompts have {prompts:?} tokens and those of the reference {reference:?}; a mean is taken at each position, so \
         all must be of one length"
    )]
    ReferenceLengths { prompts: Vec<usize>, reference: Vec<usize> },
    #[error(
        "the model's tokenizer has {found} of {all} {what} as they are needed, each word a single token, and {needed} are \
         needed; write the prompts by hand and give them to `Patching::new`"
    )]
    Words { what: &'static str, found: usize, all: usize, needed: usize },
    #[error(
        "`{site}` is in no block, or has no positions; cells of a map are places in the blocks, such as `hook_resid_pre`"
    )]
    NotInBlock { site: String },
    #[error("a cell of the map does nothing; return at least one intervention for each")]
    EmptyCell,
    #[error(
        "there is nothing to put in at `{site}`: `Patching::intact` leaves the prompts as they are; use `Patching::new` with \
         clean and corrupt prompts, or an ablation"
    )]
    NothingToPutIn { site: String },
    #[error(
        "attribution goes from the corrupt activation to the clean one, and `{deed}` puts in something else; run the exact \
         sweep"
    )]
    NotAlongALine { deed: String },
    #[error(
        "the two prompts of a pair have different numbers of tokens, so positions would not mean the same in both: \
         {clean} and {corrupt}"
    )]
    PairLengths { clean: String, corrupt: String },
    #[error("there are no pairs of prompts; give at least one")]
    NoPairs,
    #[error("the template {template:?} has no `[X]` to fill")]
    NoSlot { template: String },
    #[error(
        "filled with {words:?} the template has {tokens} tokens, and no other item gives as many with another answer (all \
         lengths: {others:?}); give words of as many tokens"
    )]
    NoPartner { words: String, tokens: usize, others: Vec<usize> },
    #[error("noise needs a standard deviation that is finite and not negative, got {deviation}")]
    NoNoise { deviation: f32 },
}
