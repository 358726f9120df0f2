/// What can be wrong with what is asked of a run.
#[derive(thiserror::Error, Debug)]
pub(crate) enum RunError {
    #[error(
        "this {family} model does not go on from a prompt's end; use model.fill_mask(..) with an encoder, \
         model.generate(..) or model.pass(..)?.target(..) with an encoder-decoder"
    )]
    NotContinued { family: String },
    #[error("this run computed no logits; leave out without_logits and stop_at_layer to get them")]
    NoLogits,
    #[error("this run computed no gradients; ask for them with pass(..)?.differentiate(sites, metric)")]
    NoGradients,
    #[error("the logits at position {position} were not computed, only those at {computed}; add it to logits_at")]
    NotComputed { position: usize, computed: String },
    #[error(
        "texts of more than {after} tokens turn queries and keys by other angles, so the keys kept from the first \
         {past} tokens do not fit the next; generate with without_kv_cache(), which reads the whole text every time"
    )]
    KeptKeys { after: usize, past: usize },
    #[error("{what} hold {value}, which is not a number to go by; {origin}")]
    NotANumber { what: String, value: f32, origin: String },
    #[error("{what} is of type {got}, where {needed} is needed; convert it with to_dtype(..)")]
    Type { what: String, got: &'static str, needed: &'static str },
    #[error("a residual stream of this model has shape [.., {d_model}]; got {got:?}")]
    Resid { got: Vec<usize>, d_model: usize },
    #[error("a direction here has shape [{d_model}], or [{batch}, {d_model}] to differ from text to text; got {got:?}")]
    Direction { got: Vec<usize>, batch: usize, d_model: usize },
    #[error("this pass starts at layer {start} but stops before layer {stop}")]
    StartAfterStop { start: usize, stop: usize },
    #[error("this {family} model has no unembedding, so it gives no logits; read its residual stream with run.resid()")]
    NoUnembed { family: String },
    #[error("this {family} model has no {part}")]
    NoHead { family: String, part: &'static str },
    #[error("this {family} model has no encoder, so a pass has no target; give the whole text to pass()")]
    NoEncoder { family: String },
    #[error("the encoder reads {source} texts and the decoder {target}; give one target for each source")]
    Batches { r#source: usize, target: usize },
    #[error("an encoder such as this {family} model predicts no next token, so it has no loss of this kind")]
    NotCausal { family: String },
    #[error(
        "this {family} model is no encoder, so it has no sentence embeddings; run.mean_pooled() gives the mean of its stream"
    )]
    NoSentences { family: String },
    #[error("a gradient needs one number to differentiate; the metric gave shape {shape:?}")]
    NotScalar { shape: Vec<usize> },
    #[error("the metric does not depend on `{site}`, so there is no gradient there")]
    NoGradient { site: String },
    #[error(
        "the metric does not depend on this variable of shape {shape:?}; use it in a closure of edit(..) that the pass is \
         given, as it is and not detached"
    )]
    NoGradientOfOwn { shape: Vec<usize> },
    #[error(
        "this pass runs layers {start} to {stop} (not included) and does not come to `{site}`; move start_at_layer or \
         stop_at_layer, ask for logits, or leave the site out"
    )]
    NotReached { site: String, start: usize, stop: usize },
    #[error("no position is chosen; give at least one, such as -1 for the last")]
    NoPositions,
    #[error(
        "position {position} is not among those that were kept, {kept:?}; keep it too, or leave out .positions(..)"
    )]
    NotKept { position: usize, kept: Vec<u32> },
    #[error("none of the positions that were kept, {kept:?}, is a token of text {text}; the others are its padding")]
    NoneInText { text: usize, kept: Vec<u32> },
    #[error(
        "{what} needs `{site}` at all positions, and this run recorded it at {kept:?} alone; leave out .positions(..), or \
         record this site in a run of its own"
    )]
    SomePositions { what: &'static str, site: String, kept: Vec<u32> },
    #[error("`{site}` is no place of the residual stream; give hook_resid_pre, hook_resid_mid or hook_resid_post")]
    NoStream { site: String },
    #[error("`{site}` is the encoder's, which the unembedding does not read; give a place of the decoder's stream")]
    EncoderStream { site: String },
    #[error("none of the {labels} parts has a label that passes; they begin with {}", .first.as_deref().unwrap_or("none"))]
    NoParts { labels: usize, first: Option<String> },
    #[error(
        "`{site}` holds no attention patterns; give a layer, hook_pattern, or the decoder's cross_attn.hook_pattern"
    )]
    NoPattern { site: String },
    #[error("this {family} model's MLPs are mixtures of experts, whose neurons differ from token to token")]
    NoNeurons { family: String },
    #[error(
        "`{reader}` does not read the stream of `{site}`, which is in another stack; give a place of the same stack"
    )]
    OtherStack { reader: String, site: String },
    #[error(
        "an encoder such as this {family} model says what stands at a position and not what comes next; give the token \
         that may stand there to logit_attrs_of(..)"
    )]
    NothingFollows { family: String },
    #[error(
        "none of these parts is a head; take the stream apart with `run.decompose_heads(..)` or `decompose_fully(..)`"
    )]
    NoHeads,
    #[error(
        "none of these parts is a head of cross attention; take a decoder's stream apart with \
         `run.decompose_heads(Site::resid_post(-1).in_decoder())`"
    )]
    NoCrossHeads,
    #[error("there is no run to compare; give some, such as [(\"before\", &run), (\"after\", &ablated)]")]
    NoRuns,
    #[error("the runs `{first}` and `{other}` read different tokens; compare runs of the same text")]
    OtherTokens { first: String, other: String },
    #[error("the {what} of this run have shape {needed:?}; got {got:?}")]
    HeadVectors { what: &'static str, needed: Vec<usize>, got: Vec<usize> },
    #[error(
        "the queries of this {family} model are cut off at {clip} (clip_qkv), which is not linear, so its scores are no sum \
         over parts of the stream"
    )]
    Clipped { family: String, clip: f64 },
    #[error(
        "the text has a single token, or none with one kept before it, so no next token is attributed; give at least two"
    )]
    NothingNext,
}
