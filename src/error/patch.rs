//! The errors of patching experiments ([`patching`](crate::patching)).
/// An invalid patching experiment.
#[derive(thiserror::Error, Debug)]
pub(crate) enum PatchError {
    #[error("{prompt:?} has {answer:?} both as its right and as its wrong answer; give two different ones")]
    SameAnswer { prompt: String, answer: String },
    #[error("a map along {axes:?} has {count} axes and is not a matrix; `mean()` returns it with all of its axes")]
    NoMatrix { axes: Vec<String>, count: usize },
    #[error("a map along {axes:?} is not one of layers and heads; `top(k)` lists the cells of any map")]
    NoHeads { axes: Vec<String> },
    #[error(
        "the clean prompts have {clean:?} tokens and the corrupt ones {corrupt:?}; a position must mean the same in \
         both, so each pair needs one length (see `model.to_str_tokens(..)`) or a rule that aligns its positions: \
         give `Patching::aligned` an `Alignment::FromEnd`, `Alignment::FromStart` or `Alignment::positions(..)`"
    )]
    Lengths { clean: Vec<usize>, corrupt: Vec<usize> },
    #[error("there are {clean} clean prompts and {corrupt} corrupt ones; give as many of each")]
    Prompts { clean: usize, corrupt: usize },
    #[error("the alignment has pairs of positions for {lists} texts, but there are {texts}; give one list for each")]
    AlignedTexts { lists: usize, texts: usize },
    #[error(
        "position {position} of the {which} prompt {text} is in two pairs of the alignment; align each position once"
    )]
    AlignedTwice { which: &'static str, position: i64, text: usize },
    #[error("no position of the corrupt prompt {text} has a counterpart in its clean prompt; align at least one")]
    NothingAligned { text: usize },
    #[error(
        "the metric reads position {position} of the corrupt prompt {text}, which has no counterpart in the clean \
         one; choose an aligned position, or count from the end, such as -1"
    )]
    NoCounterpart { position: i64, text: usize },
    #[error(
        "a row of `{site}` is a distribution over the keys of its own prompt, but these prompts are aligned by a \
         rule, so some keys may have no counterpart; patch single entries with `pattern_entries`, or the outputs of \
         heads with `HeadPart::Out`"
    )]
    RowsOfOtherKeys { site: String },
    #[error("the metric has answers for {metric} texts, but there are {texts}; give one for each")]
    Texts { metric: usize, texts: usize },
    #[error("the metric has {positions} positions for {texts} texts; give one for all, or one for each")]
    Positions { positions: usize, texts: usize },
    #[error(
        "there is a metric named `{name}` already, and maps are found by their metric's name; rename this one with \
         `Metric::named`"
    )]
    SameMetric { name: String },
    #[error(
        "the metric `{metric}` got logits of shape {given:?} and returned shape {got:?}, but one number for each of \
         the {batch} texts is needed, shape [{batch}]; keep the first axis and reduce the others"
    )]
    MetricShape { metric: String, given: Vec<usize>, got: Vec<usize>, batch: usize },
    #[error(
        "the metric is {clean} on the clean prompts and {corrupt} on the corrupt ones: it does not distinguish them, \
         so effects cannot be scaled from 0 to 1; read `raw()`, or choose other prompts or another metric"
    )]
    NoDifference { clean: f32, corrupt: f32 },
    #[error(
        "this {family} model has one stack of blocks and no {asked} of its own; its maps need no choice, so call them without \
         it"
    )]
    OneStack { family: String, asked: &'static str },
    #[error(
        "the queries and keys of this {family} model read position vectors in every layer, and sweeps run single \
         layers with the learned ones; leave out the intervention at `hook_pos_embed`"
    )]
    PositionsChanged { family: String },
    #[error(
        "the metric `{metric}` changes in steps and has no gradient; attribution needs a smooth metric, such as \
         `Metric::logit_diff`, `logit`, `probability`, `log_probability` or `divergence`"
    )]
    NoGradient { metric: String },
    #[error(
        "there are no prompts between {source_name} and the corrupt prompts to average gradients over; use \
         `attribution()`"
    )]
    NoLine { source_name: &'static str },
    #[error("gradients cannot be averaged over 0 steps; ask for at least 1")]
    NoSteps,
    #[error(
        "the prompts have {prompts:?} tokens and the reference texts {reference:?}; a mean is taken at each position, \
         so all must have one length"
    )]
    ReferenceLengths { prompts: Vec<usize>, reference: Vec<usize> },
    #[error(
        "only {found} of {all} {what} are single tokens of the model's tokenizer, but {needed} are needed; write the \
         prompts by hand and give them to `Patching::new`"
    )]
    Words { what: &'static str, found: usize, all: usize, needed: usize },
    #[error(
        "`{site}` is not in a block, or has no positions; a map needs a site of the blocks with positions, such as \
         `hook_resid_pre`"
    )]
    NotInBlock { site: String },
    #[error(
        "`{site}` has a row for each token that was routed there, not for each text, so cells cannot be run side by \
         side; patch the output of the whole mixture, `hook_mlp_out`, or change the expert in a separate run \
         (`Model::run_with`)"
    )]
    NoTexts { site: String },
    #[error("a window of 0 layers was asked for; it needs at least 1")]
    NoWidth,
    #[error(
        "some scores at `{site}` are masked in only one of the two runs, so their difference is infinite; run the \
         exact sweep"
    )]
    NoFiniteWay { site: String },
    #[error("a cell of the map has no intervention; return at least one for each cell")]
    EmptyCell,
    #[error(
        "there is no other value to set at `{site}`: `Patching::unpatched` leaves the prompts unchanged; use \
         `Patching::new` with clean and corrupt prompts, or an ablation"
    )]
    NothingToPutIn { site: String },
    #[error(
        "attribution goes from the corrupt activation to the clean one, but `{deed}` sets another value; run the \
         exact sweep"
    )]
    NotAlongALine { deed: String },
    #[error(
        "the two prompts of a pair have different numbers of tokens, so their positions do not correspond: {clean} \
         and {corrupt}; give prompts of one length, or align their positions: `PromptPairs::aligned` with \
         `Alignment::FromEnd`, `Alignment::FromStart` or `Alignment::positions(..)`"
    )]
    PairLengths { clean: String, corrupt: String },
    #[error("the grammar puts at most {most} nouns between a subject and its verb; {asked} were asked for")]
    Attractors { asked: usize, most: usize },
    #[error("there are no prompts to compare; give at least one")]
    NoPairs,
    #[error("the template {template:?} has no `[X]` to fill")]
    NoSlot { template: String },
    #[error(
        "filled with {words:?}, the template has {tokens} tokens, and no other item with another answer has as many \
         (all lengths: {others:?}); give words with equal numbers of tokens"
    )]
    NoPartner { words: String, tokens: usize, others: Vec<usize> },
    #[error("noise needs a standard deviation that is finite and not negative; got {deviation}")]
    NoNoise { deviation: f32 },
    #[error(
        "{count} interventions change the inside of the model, but edges connect the parts of the unchanged model; \
         change only the embeddings"
    )]
    Hooked { count: usize },
    #[error("`{name}` is not a sender; senders are `embed`, heads such as `a5.h2` and MLPs such as `m3`")]
    Sender { name: String },
    #[error(
        "`{name}` is not a receiver; receivers are `a5.h2.q`, `a5.h2.k`, `a5.h2.v`, MLPs such as `m3`, and `logits` \
         (where several are accepted, `a5.h2` means all three of a head)"
    )]
    Receiver { name: String },
    #[error("the model has no `{name}`; the nearest are {}", .nearest.join(", "))]
    NoPart { name: String, nearest: Vec<String> },
    #[error("no edge leads from `{sender}` to `{receiver}`, which does not come after it in the forward pass")]
    Backwards { sender: String, receiver: String },
    #[error("a path needs at least one sender and one receiver; got {senders} and {receivers}")]
    NoEnds { senders: usize, receivers: usize },
    #[error("a map of {axes} axes cannot be drawn, only one of 1 to 4; read `values()` instead")]
    NotDrawn { axes: usize },
    #[error("the circuit belongs to a model with other parts; use a circuit of this model")]
    OtherGraph,
    #[error("the maps have the shapes {ours:?} and {theirs:?}; only maps of the same cells can be compared")]
    OtherMap { ours: Vec<usize>, theirs: Vec<usize> },
}
