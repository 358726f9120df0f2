/// What can be wrong with a patching experiment.
#[derive(thiserror::Error, Debug)]
pub(crate) enum PatchError {
    #[error(
        "the clean prompts have {clean:?} tokens and the corrupt ones {corrupt:?}; a position must mean the same in both, \
         so each pair needs one length (look at `model.to_str_tokens(..)`) or a rule that says which position answers to \
         which: give `Patching::aligned` an `Alignment::FromEnd`, `Alignment::FromStart` or `Alignment::positions(..)`"
    )]
    Lengths { clean: Vec<usize>, corrupt: Vec<usize> },
    #[error("there are {clean} clean prompts and {corrupt} corrupt ones; give as many of each")]
    Prompts { clean: usize, corrupt: usize },
    #[error("the alignment has pairs of positions for {lists} texts, and there are {texts}; give a list for each")]
    AlignedTexts { lists: usize, texts: usize },
    #[error(
        "position {position} of the {which} prompt {text} is in two pairs of the alignment; each position answers to one"
    )]
    AlignedTwice { which: &'static str, position: i64, text: usize },
    #[error("no position of the corrupt prompt {text} has a counterpart in its clean prompt; align at least one")]
    NothingAligned { text: usize },
    #[error(
        "the metric looks at position {position} of the corrupt prompt {text}, which has no counterpart in the clean one; \
         let it look at an aligned position, or count from the end, as -1"
    )]
    NoCounterpart { position: i64, text: usize },
    #[error(
        "a row of `{site}` is shared out among the keys of its own prompt, and these prompts are aligned by a rule, so that \
         keys may have no counterpart; patch single entries, as `pattern_entries` does, or what heads write, \
         `HeadPart::Out`"
    )]
    RowsOfOtherKeys { site: String },
    #[error("the metric has answers for {metric} texts, and there are {texts}")]
    Texts { metric: usize, texts: usize },
    #[error(
        "the metric looks at {positions} positions, and there are {texts} texts; give one for all, or one for each"
    )]
    Positions { positions: usize, texts: usize },
    #[error(
        "the metric `{name}` is measured already, and a map is found by its metric's name; give this one another with \
         `Metric::named`"
    )]
    SameMetric { name: String },
    #[error(
        "the metric `{metric}` was given logits of shape {given:?} and gave shape {got:?}, where one number for each of the \
         {batch} texts is needed, shape [{batch}]: keep the first axis and reduce the others"
    )]
    MetricShape { metric: String, given: Vec<usize>, got: Vec<usize>, batch: usize },
    #[error(
        "the metric is {clean} on the clean prompts and {corrupt} on the corrupt ones: it does not tell them apart, so \
         effects cannot be put on a scale from 0 to 1; look at `raw()`, or choose other prompts or another metric"
    )]
    NoDifference { clean: f32, corrupt: f32 },
    #[error(
        "this {family} model has one stack of blocks and no {asked} of its own; its maps need no choice, so call them without \
         it"
    )]
    OneStack { family: String, asked: &'static str },
    #[error(
        "this {family} model's queries and keys read its positions in every layer, and sweeps run layers by themselves, \
         with the positions as they were learned; leave out what is done at `hook_pos_embed`"
    )]
    PositionsChanged { family: String },
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
    #[error(
        "`{site}` has a row for each token that was sent there, not for each text, so many cells cannot be run side by side; \
         patch what the whole mixture writes, `hook_mlp_out`, or change the expert in a run of its own (`Model::run_with`)"
    )]
    NoTexts { site: String },
    #[error("windows are at least one layer wide, and 0 were asked for")]
    NoWidth,
    #[error(
        "at `{site}` some scores are masked in one of the two runs alone, and between -inf and a number there is no line to \
         go along; run the exact sweep"
    )]
    NoFiniteWay { site: String },
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
         {clean} and {corrupt}; give prompts of one length, or say which position answers to which: \
         `PromptPairs::aligned` with `Alignment::FromEnd`, `Alignment::FromStart` or `Alignment::positions(..)`"
    )]
    PairLengths { clean: String, corrupt: String },
    #[error("the grammar puts at most {most} nouns between a subject and its verb; {asked} were asked for")]
    Attractors { asked: usize, most: usize },
    #[error("there are no prompts to compare; give at least one")]
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
    #[error(
        "{count} interventions are done inside the model, and edges are followed between the parts of a model as it is; \
         only the embeddings may be changed"
    )]
    Hooked { count: usize },
    #[error("`{name}` is no sender; senders are `embed`, heads such as `a5.h2` and MLPs such as `m3`")]
    Sender { name: String },
    #[error(
        "`{name}` is no receiver; receivers are `a5.h2.q`, `a5.h2.k`, `a5.h2.v`, MLPs such as `m3`, and `logits` (and \
         `a5.h2` for all three of a head, where several are asked for)"
    )]
    Receiver { name: String },
    #[error("the model has no `{name}`; the nearest are {}", .nearest.join(", "))]
    NoPart { name: String, nearest: Vec<String> },
    #[error("no edge leads from `{sender}` to `{receiver}`, which comes before it or beside it in the forward pass")]
    Backwards { sender: String, receiver: String },
    #[error("a path leads from at least one sender to at least one receiver, and there are {senders} and {receivers}")]
    NoEnds { senders: usize, receivers: usize },
    #[error("a map of {axes} axes has no picture, only one of 1 to 4; read `values()` instead")]
    NotDrawn { axes: usize },
    #[error("the circuit is one of a model with other parts than this one")]
    OtherGraph,
    #[error(
        "the maps have the shapes {ours:?} and {theirs:?}; only maps of the same cells can be held against each other"
    )]
    OtherMap { ours: Vec<usize>, theirs: Vec<usize> },
}
