//! Text generation, token by token, with hooks at every step.
//!
//! [`Model::generate`] describes a generation before it happens ([`Generation`]). [`Generation::run`] returns the
//! result ([`Generated`]), and [`Generation::stream`] also calls a closure for every token. [`Model::read`] keeps a
//! text for several continuations ([`Prefix`]).
//!
//! # Steps
//! Step 0 reads the prompt and chooses the first new token. Step `n` reads the `n`-th new token and chooses the one
//! after it. Keys and values are cached, so a step computes only what is new. An activation of step 0 has all positions
//! of the prompt (after a [`Prefix`], only the last), and an activation of a later step has one. Scores and patterns
//! have all keys so far.
//!
//! In a model with LongRoPE the rotary angles change at a certain length. The step at which a text passes that length
//! reads the whole text again, as Hugging Face transformers does, and its activations have all positions. Interventions
//! that cannot be applied twice to the same token are refused there before anything runs.
//!
//! Positions, in [`Intervention::position`] and the like, are counted along the whole text, including padding. An
//! intervention changes a token when that token is read. `.position(5)` acts at step 0 if the prompt has a position 5,
//! otherwise at the step that reads it. `.position(-1)` acts at every step, on the newest token.
//!
//! To add a way of sampling, change `sampling.rs`; to add a reason to stop, change `stop.rs`.
//!
//! # Examples
//! ```
//! use glassbox::prelude::*;
//! let model = Model::open("induction-2l")?;
//! let said = model.generate("red fox blue owl red fox")?.max_new_tokens(3).run()?;
//! assert_eq!(said.continuations(), [" blue owl red"]);
//!
//! // Without layer 1 from the second new token on, the first new token is unchanged.
//! let text = model.generate("red fox blue owl red fox")?.max_new_tokens(3);
//! let broken = text.clone().intervene_during(1.., [zero(Site::z(1))]).run()?;
//! assert_eq!(broken.new_ids(0)[0], said.new_ids(0)[0]);
//! assert_ne!(broken.new_ids(0)[1], said.new_ids(0)[1]);
//!
//! // What one head attended to at each step.
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
mod settings;
mod show;
mod steps;
mod stop;
mod stream;
mod writer;

use crate::{
    Result,
    hook::{Intervention, Sites},
    model::Model,
};
pub use generated::Generated;
pub use prefix::Prefix;
use range::Steps;
use sampling::Sampling;
use std::{fmt, ops::ControlFlow};
pub use stop::StopReason;
pub use stream::{NewToken, StreamControl};

/// A continuation of a text, described before it happens.
///
/// Made by [`Model::generate`] and [`Prefix::generate`]. By default it always takes the most likely token, and ends
/// after 20 new tokens or an end token.
///
/// Several texts are continued side by side, padded on the left. Each ends by itself, and its continuation is the same
/// as it would be alone. With LongRoPE each text's own length decides the angles; in Hugging Face transformers the
/// longest text decides for the whole batch.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?;
/// let text = model.generate("red fox blue owl red")?.max_new_tokens(8).stop("owl").run()?;
/// assert_eq!(text.texts(), ["red fox blue owl red fox blue "]); // without the stop string
///
/// let drawn = model.generate("red fox blue owl red")?.temperature(0.8).top_k(50).top_p(0.9).seed(7);
/// assert_eq!(drawn.run()?.texts(), drawn.run()?.texts()); // the same seed
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

    /// Generates the continuation.
    ///
    /// # Errors
    /// Fails when a setting is out of range, an end token is not in the vocabulary, a site or an intervention does not
    /// fit the model and the text at some step (found before anything runs), the text already fills the model's
    /// context, a closure fails, or a logit is NaN or inf.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let text = Model::open("induction-2l")?.generate("red fox blue owl red")?.max_new_tokens(2).run()?;
    /// assert_eq!(text.continuation(), " fox blue");
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn run(&self) -> Result<Generated> {
        steps::generate(self, &mut |_| ControlFlow::Continue(()))
    }

    /// Generates the continuation and calls a closure with every new token.
    ///
    /// The texts of a batch take turns.
    ///
    /// The closure returns nothing, or [`ControlFlow::Break`] to stop; the other texts of the batch still get their
    /// token of that step.
    ///
    /// The Rust kernel shows output line by line. `println!("{}", new.text)` appears at once. `print!("{}", new.text)`
    /// appears when the text is done, because the line ends there.
    ///
    /// # Errors
    /// See [`Generation::run`].
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
    pub fn stream<H: StreamControl>(&self, mut listener: impl FnMut(&NewToken) -> H) -> Result<Generated> {
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
