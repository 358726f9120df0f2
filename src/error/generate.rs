//! The errors of text generation ([`generate`](crate::generate)).
/// An invalid request for a generation.
#[derive(thiserror::Error, Debug)]
pub(crate) enum GenerateError {
    #[error(
        "an encoder such as this {family} model reads a text from both sides and cannot continue it; predict a blank \
         instead, with model.fill_mask(\"the [MASK] sat\", 5)"
    )]
    Encoder { family: String },
    #[error("max_new_tokens is 0, so there is nothing to generate; give at least 1")]
    Nothing,
    #[error(
        "the text has {len} tokens and this model reads at most {n_ctx} (n_ctx), so nothing can follow; shorten it"
    )]
    Full { len: usize, n_ctx: usize },
    #[error("a temperature must be 0 (greedy) or a number from 1e-6 to 1e6; got {0:?}")]
    Temperature(f64),
    #[error("top_k keeps at least 1 token; got 0")]
    TopK,
    #[error("top_p is a share of the probability, more than 0 and at most 1; got {0:?}")]
    TopP(f64),
    #[error("a repetition penalty must be a number from 1e-6 to 1e6 (1 changes nothing); got {0:?}")]
    RepetitionPenalty(f64),
    #[error("a frequency penalty must be a number from -1e6 to 1e6 (0 changes nothing); got {0:?}")]
    FrequencyPenalty(f64),
    #[error("a stop string must not be empty: every text contains it")]
    EmptyStop,
    #[error(
        "this generation has steps 0 to {last} (max_new_tokens - 1), none of which is among the steps {steps}; give \
         steps in that range"
    )]
    NoSuchStep { steps: String, last: usize },
    #[error(
        "from step 1 on, a step reads one new token: {why}; limit this to the step that reads the prompt, with \
         intervene_during(..=0, ..), or give its position"
    )]
    LaterStep { why: crate::Error },
    #[error(
        "{when} the text grows past {after} tokens, where this model changes its rotary frequencies and reads the \
         whole text again; `{deed}` cannot be repeated on the tokens that were read before: apply it at all steps and \
         positions, generate with without_kv_cache(), or ask for fewer new tokens"
    )]
    Switch { when: String, after: usize, deed: String },
    #[error(
        "the logits of step {step} leave no token to choose: all are -inf, or temperature and penalties make them \
         overflow; choose milder values"
    )]
    NoToken { step: usize },
    #[error(
        "a prefix of {texts} texts needs as many continuations, all of one length; got texts of {lengths:?} tokens"
    )]
    Ragged { texts: usize, lengths: Vec<usize> },
    #[error("no logits were kept; ask for them with .keep_logits()")]
    NoLogits,
    #[error("there is no text {text}: this generation has {texts}, counted from 0")]
    NoSuchText { text: i64, texts: usize },
    #[error(
        "nothing was recorded at step {step}: {} steps were recorded, counted from 0; ask with .record(sites)",
        .recorded
    )]
    NoSuchRecord { step: i64, recorded: usize },
}

impl GenerateError {
    pub(crate) fn is_out_of_range(&self) -> bool {
        match self {
            Self::NoSuchText { .. } | Self::NoSuchRecord { .. } | Self::NoSuchStep { .. } | Self::Full { .. } => true,
            Self::LaterStep { why } => why.is_out_of_range(),
            _ => false,
        }
    }
}
