//! Going on with a text, one token at a time, with every hook in reach.
//!
//! [`Model::generate`] describes a generation before it happens ([`Generation`]); [`Generation::run`] gives what was
//! written ([`Generated`]), [`Generation::stream`] also tells of every token as it comes. [`Model::read`] keeps a text
//! for several continuations ([`Prefix`]).
//!
//! # Steps
//! Step 0 reads the prompt and chooses the first new token; step `n` reads the `n`-th new token, and chooses the one
//! after it. Keys and values of what was read before are kept, so a step costs only what is new. An activation of
//! step 0 has all positions of the prompt (of [`Prefix::tokens`], only the last), that of a later step has one; scores
//! and patterns look at all tokens so far.
//!
//! In a model with LongRoPE, the step at which a text grows past the length that decides its angles reads the whole text
//! anew, as Hugging Face transformers does, and has all of its positions. Interventions that cannot be done again to
//! tokens that were read before are then refused before anything runs.
//!
//! Positions, in [`Intervention::position`] and its kin, are counted along the whole text, padding included: a change
//! falls on a token when that token is read. `.position(5)` acts at step 0 if the prompt has a position 5, else at the
//! step that reads it; `.position(-1)` acts at every step, on the newest token.
//!
//! # Examples
//! ```
//! use glassbox::prelude::*;
//! let model = Model::open("induction-2l")?;
//! let said = model.generate("red fox blue owl red fox")?.max_new_tokens(3).run()?;
//! assert_eq!(said.continuations(), [" blue owl red"]);
//!
//! // Without layer 1 from the second new token on, the first is what it was.
//! let text = model.generate("red fox blue owl red fox")?.max_new_tokens(3);
//! let broken = text.clone().intervene_during(1.., [zero(Site::z(1))]).run()?;
//! assert_eq!(broken.new_ids(0)[0], said.new_ids(0)[0]);
//! assert_ne!(broken.new_ids(0)[1], said.new_ids(0)[1]);
//!
//! // What one head looked at, step by step.
//! let watched = text.record([Site::pattern(1)]).run()?;
//! assert_eq!(watched.cache(0)?.get(Site::pattern(1))?.dims(), [1, 4, 7, 7]);
//! assert_eq!(watched.cache(2)?.get(Site::pattern(1))?.dims(), [1, 4, 1, 9]);
//! # Ok::<(), glassbox::Error>(())
//! ```

mod generated;
mod pieces;
mod prefix;
mod range;
mod sampling;
mod show;
mod steps;
mod stop;
mod stream;
mod writer;

use crate::{
    Result,
    hook::{Intervention, Sites, ToInterventions},
    model::Model,
};
pub use generated::Generated;
pub use prefix::Prefix;
use range::Steps;
use sampling::Sampling;
use std::{
    fmt,
    ops::{ControlFlow, RangeBounds},
};
pub use stop::StopReason;
pub use stream::{Heard, NewToken};

/// A continuation of a text, described before it happens.
///
/// Made by [`Model::generate`] and [`Prefix::generate`]. Unless told otherwise it always takes the likeliest token,
/// and ends after 20 new tokens or where the model ends the text.
///
/// Several texts are continued side by side, padded on the left, and each ends for itself; each is as it would be
/// alone, also in models that turn queries and keys of long texts by other angles (LongRoPE): each text's own length
/// decides, where in Hugging Face transformers the longest decides for all.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?;
/// let text = model.generate("red fox blue owl red")?.max_new_tokens(8).stop("owl").run()?;
/// assert_eq!(text.texts(), ["red fox blue owl red fox blue "]); // nothing of the stop string
///
/// let drawn = model.generate("red fox blue owl red")?.temperature(0.8).top_k(50).top_p(0.9).seed(7);
/// assert_eq!(drawn.run()?.texts(), drawn.run()?.texts()); // the seed decides
/// # Ok::<(), glassbox::Error>(())
/// ```
#[doc(alias = "generate")]
#[derive(Clone)]
#[must_use = "a generation happens at `.run()` or `.stream(..)`"]
pub struct Generation {
    model: Model,
    prefix: Prefix,
    max_new_tokens: usize,
    sampling: Sampling,
    ends: Vec<u32>,
    ends_given: bool,
    stops: Vec<String>,
    interventions: Vec<(Steps, Intervention)>,
    record: Vec<(Steps, Sites)>,
    keep_logits: bool,
    keeps: bool,
}

impl Generation {
    fn new(prefix: Prefix) -> Self {
        let model = prefix.model.clone();
        let standing = model.standing().iter().map(|edit| (Steps::new(&..), edit.clone()));
        Self {
            max_new_tokens: 20,
            sampling: Sampling::default(),
            ends: model.tokenizer().map_or(Vec::new(), |tokenizer| tokenizer.special_ids().eos.clone()),
            ends_given: false,
            stops: Vec::new(),
            interventions: standing.collect(),
            record: Vec::new(),
            keep_logits: false,
            keeps: true,
            model,
            prefix,
        }
    }

    /// Ends a text after this many new tokens; 20 unless said otherwise.
    pub fn max_new_tokens(mut self, count: usize) -> Self {
        self.max_new_tokens = count;
        self
    }

    /// Always takes the likeliest token; so it is unless a temperature, `top_k` or `top_p` is given.
    pub fn greedy(mut self) -> Self {
        (self.sampling.temperature, self.sampling.top_k, self.sampling.top_p) = (None, None, None);
        self
    }

    /// Draws tokens from their probabilities, the logits divided by this first: below 1 the likely become likelier. 0
    /// is greedy; else it is from 1e-6 to 1e6.
    pub fn temperature(mut self, temperature: f64) -> Self {
        self.sampling.temperature = Some(temperature);
        self
    }

    /// Draws only from the `k` likeliest tokens (Fan et al. 2018).
    pub fn top_k(mut self, k: usize) -> Self {
        self.sampling.top_k = Some(k);
        self
    }

    /// Draws only from the fewest tokens that have this share of the probability together, of the probability that
    /// `top_k` left (nucleus sampling, Holtzman et al. 2020).
    pub fn top_p(mut self, p: f64) -> Self {
        self.sampling.top_p = Some(p);
        self
    }

    /// Divides the logit of every token that the text has already by this where it is positive, and multiplies it
    /// where not (Keskar et al. 2019); before the temperature. It is from 1e-6 to 1e6.
    pub fn repetition_penalty(mut self, penalty: f64) -> Self {
        self.sampling.repetition_penalty = penalty;
        self
    }

    /// Takes this off a token's logit for each time that the text has it; after the temperature. It is from -1e6 to 1e6.
    pub fn frequency_penalty(mut self, penalty: f64) -> Self {
        self.sampling.frequency_penalty = penalty;
        self
    }

    /// Where the random numbers begin; 0 unless said otherwise. Text `i` of a batch has a stream of its own, that of
    /// `seed + i`: it is what it would be alone with that seed.
    pub fn seed(mut self, seed: u64) -> Self {
        self.sampling.seed = seed;
        self
    }

    /// Also ends a text where this string is written, over however many tokens; the text ends before it.
    pub fn stop(mut self, string: impl Into<String>) -> Self {
        self.stops.push(string.into());
        self
    }

    /// The tokens that end a text, in place of the tokenizer's own ([`SpecialIds::eos`](crate::text::SpecialIds::eos));
    /// `end_tokens([])` for none.
    pub fn end_tokens(mut self, ids: impl IntoIterator<Item = u32>) -> Self {
        (self.ends, self.ends_given) = (ids.into_iter().collect(), true);
        self
    }

    /// Does these interventions, one or several, at every step. An error among them is that of the run.
    pub fn intervene(self, interventions: impl ToInterventions) -> Self {
        self.intervene_during(.., interventions)
    }

    /// Does these interventions at some steps: `..=0` is the one that reads the prompt, `3..5` those that read the
    /// third and fourth new token. What they change in keys and values is seen by later steps, as they are kept.
    pub fn intervene_during(mut self, steps: impl RangeBounds<usize>, interventions: impl ToInterventions) -> Self {
        let steps = Steps::new(&steps);
        let placed = Intervention::all_placed_in(interventions, &self.model.config());
        self.interventions.extend(placed.into_iter().map(|edit| (steps.clone(), edit)));
        self
    }

    /// Records these sites at every step: a [`Site`](crate::hook::Site), a list, a pattern such as
    /// `"blocks.*.attn.hook_pattern"`, or [`Sites::filter`]. [`Generated::cache`] has them.
    pub fn record(self, sites: impl Into<Sites>) -> Self {
        self.record_during(.., sites)
    }

    /// Records these sites at some steps.
    pub fn record_during(mut self, steps: impl RangeBounds<usize>, sites: impl Into<Sites>) -> Self {
        self.record.push((Steps::new(&steps), sites.into()));
        self
    }

    /// Keeps the logits of every step for [`Generated::logits`].
    pub fn keep_logits(mut self) -> Self {
        self.keep_logits = true;
        self
    }

    /// Reads the whole text anew at every step. The result is the same, slower; but an intervention at a step then
    /// sees all positions, and falls on all of them unless narrowed.
    #[doc(alias = "use_past_kv_cache")]
    pub fn without_kv_cache(mut self) -> Self {
        self.keeps = false;
        self.prefix.kept = Default::default();
        self
    }

    /// Generates.
    ///
    /// # Errors
    /// When a setting is out of range, an end token is not in the vocabulary, a site or an intervention does not fit the
    /// model and the text at any step (found before anything runs), the text already fills the model's context, a closure
    /// fails, or a logit is NaN or inf.
    pub fn run(&self) -> Result<Generated> {
        steps::generate(self, &mut |_| ControlFlow::Continue(()))
    }

    /// Generates, telling of every new token as it comes; texts of a batch take turns. The listener returns nothing,
    /// or [`ControlFlow::Break`] when it has heard enough; the other texts of a batch still have their token of that
    /// step.
    ///
    /// The Rust kernel shows what is printed line by line: `println!("{}", new.text)` is seen at once, and
    /// `print!("{}", new.text)` when the text is done, for then the line is ended there.
    ///
    /// # Errors
    /// As [`Generation::run`].
    ///
    /// # Examples
    /// ```
    /// use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let mut heard = String::new();
    /// let said = model.generate("red fox blue red")?.max_new_tokens(3).stream(|new| heard += &new.text)?;
    /// assert_eq!(said.continuations(), [heard]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "generate_stream")]
    pub fn stream<H: Heard>(&self, mut listener: impl FnMut(&NewToken) -> H) -> Result<Generated> {
        let said = steps::generate(self, &mut |token: &NewToken| -> ControlFlow<()> { listener(token).flow() });
        stream::end_line();
        said
    }
}

impl fmt::Debug for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Generation")
            .field("model", &self.model.name())
            .field("prompt", &self.prefix.tokens().len())
            .field("max_new_tokens", &self.max_new_tokens)
            .field("sampling", &self.sampling)
            .field("stops", &self.stops)
            .field("interventions", &self.interventions)
            .field("record", &self.record)
            .finish_non_exhaustive()
    }
}
