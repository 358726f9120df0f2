//! The errors of runs, and of the readings made from them ([`model`](crate::model)).
/// An invalid request about a run.
#[derive(thiserror::Error, Debug)]
pub(crate) enum RunError {
    #[error(
        "this {family} model does not continue a prompt; use model.fill_mask(..) with an encoder, model.generate(..) \
         or model.pass(..)?.decoder_input(..) with an encoder-decoder"
    )]
    NotContinued { family: String },
    #[error("this run computed no logits; leave out without_logits and stop_at_layer to get them")]
    NoLogits,
    #[error("this run computed no gradients; ask for them with pass(..)?.differentiate(sites, metric)")]
    NoGradients,
    #[error("the logits at position {position} were not computed, only those at {computed}; add it to logits_at")]
    NotComputed { position: usize, computed: String },
    #[error(
        "texts of more than {after} tokens use other rotary frequencies, so the keys cached from the first {past} \
         tokens do not fit the next; generate with without_kv_cache(), which reads the whole text at every step"
    )]
    KeptKeys { after: usize, past: usize },
    #[error("{what} hold {value}, which is not a finite number; {origin}")]
    NotANumber { what: String, value: f32, origin: String },
    #[error("{what} has type {got}, but {needed} is needed; convert it with to_dtype(..)")]
    Type { what: String, got: &'static str, needed: &'static str },
    #[error("a residual stream of this model has shape [.., {d_model}]; got {got:?}")]
    Resid { got: Vec<usize>, d_model: usize },
    #[error("a direction here has shape [{d_model}], or [{batch}, {d_model}] with one for each text; got {got:?}")]
    Direction { got: Vec<usize>, batch: usize, d_model: usize },
    #[error("this pass starts at layer {start} but stops before layer {stop}; move one of the two")]
    StartAfterStop { start: usize, stop: usize },
    #[error("this {family} model has no unembedding, so it has no logits; read its residual stream with run.resid()")]
    NoUnembed { family: String },
    #[error("this {family} model has no {part}")]
    NoHead { family: String, part: &'static str },
    #[error("this {family} model has no encoder, so a pass has no target; give the whole text to pass()")]
    NoEncoder { family: String },
    #[error(
        "a spectrogram has the axes [mel, mel_frame] or [batch, mel, mel_frame] and an even number of columns; this one \
         has the shape {shape:?}"
    )]
    Mel { shape: Vec<usize> },
    #[error("this {family} model reads spectrograms of {n_mels} bands and at most {columns} columns; got {got:?}")]
    Spectrogram { family: String, n_mels: usize, columns: usize, got: Vec<usize> },
    #[error("there is no sound in the list; give at least one")]
    NoSounds,
    #[error("this {family} model reads sound; give it Audio::open(\"file.wav\"), or a pair (sound, text)")]
    NeedsSound { family: String },
    #[error("this {family} model reads text, not sound; open a speech model such as Whisper")]
    NotSpeech { family: String },
    #[error("this {family} model has no stack `{asked}`; it has {has}")]
    NoStack { asked: &'static str, family: String, has: String },
    #[error("the encoder reads {source} texts and the decoder {target}; give one target for each source")]
    Batches { r#source: usize, target: usize },
    #[error("an encoder such as this {family} model does not predict next tokens, so it has no such loss")]
    NotCausal { family: String },
    #[error(
        "this {family} model is not an encoder, so it has no sentence embeddings; run.mean_pooled() is the mean of \
         its stream"
    )]
    NoSentences { family: String },
    #[error("a gradient needs one number to differentiate; the metric returned shape {shape:?}")]
    NotScalar { shape: Vec<usize> },
    #[error("the metric does not depend on `{site}`, so there is no gradient there")]
    NoGradient { site: String },
    #[error(
        "the metric does not depend on this variable of shape {shape:?}; use it, without detaching it, in a closure \
         of edit(..) that the pass is given"
    )]
    NoGradientOfOwn { shape: Vec<usize> },
    #[error(
        "this pass runs layers {start} to {stop} (not included) and does not reach `{site}`; move start_at_layer or \
         stop_at_layer, ask for logits, or leave the site out"
    )]
    NotReached { site: String, start: usize, stop: usize },
    #[error("no position was chosen; give at least one, such as -1 for the last")]
    NoPositions,
    #[error("position {position} is not among the kept ones, {kept:?}; keep it too, or leave out .positions(..)")]
    NotKept { position: usize, kept: Vec<u32> },
    #[error("none of the kept positions {kept:?} is a token of text {text}; they are all in its padding")]
    NoneInText { text: usize, kept: Vec<u32> },
    #[error(
        "{what} needs `{site}` at all positions, but this run recorded it only at {kept:?}; leave out .positions(..), \
         or record this site in a separate run"
    )]
    SomePositions { what: &'static str, site: String, kept: Vec<u32> },
    #[error("`{site}` is not a site of the residual stream; give hook_resid_pre, hook_resid_mid or hook_resid_post")]
    NoStream { site: String },
    #[error(
        "`{site}` belongs to the encoder, which the unembedding does not read; give a site of the decoder's stream"
    )]
    EncoderStream { site: String },
    #[error(
        "none of the {labels} parts has a label that matches; the first is {}", .first.as_deref().unwrap_or("none")
    )]
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
        "an encoder such as this {family} model predicts the token at a position, not the next one; give that token to \
         logit_attrs_of(..)"
    )]
    NothingFollows { family: String },
    #[error(
        "none of these parts is a head; decompose the stream with `run.decompose_heads(..)` or `decompose_fully(..)`"
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
        "the queries of this {family} model are clipped at {clip} (clip_qkv), which is not linear, so its scores are \
         not a sum over parts of the stream"
    )]
    Clipped { family: String, clip: f64 },
    #[error(
        "the text has no token with a kept position before it, so no next token can be attributed; give at least two \
         tokens"
    )]
    NothingNext,
}
