//! [`Pass`]: one forward pass, described before it runs.

mod check;
mod go;

use super::{Model, Run};
use crate::{
    Result,
    hook::{Intervention, Sites, Stack, ToIndex, ToInterventions, ToTensor},
    input::Input,
    model::ToTokens,
    net::Kept,
    ops::in_pool,
    text::Tokens,
};
use candle_core::Tensor;
use std::{borrow::Borrow, fmt, sync::Arc};

type Metric = Arc<dyn Fn(&Tensor) -> Result<Tensor> + Send + Sync>;

/// One forward pass, described before it runs. Only what is asked for is computed and kept.
///
/// Made by [`Model::pass`] and run by [`Pass::run`].
///
/// # Examples
/// One gradient per site from a single backward pass:
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?;
/// let (owl, red) = (model.to_single_token("owl")? as usize, model.to_single_token("red")? as usize);
/// let run = model
///     .pass("red fox blue owl red fox blue")?
///     .logits_at([-1])
///     .differentiate([Site::z(1)], move |logits| {
///         let last = logits.squeeze(1)?.squeeze(0)?;
///         last.get(owl)? - last.get(red)?
///     })
///     .run()?;
/// assert_eq!(run.gradients()?.get(Site::z(1))?.dims()[..2], [1, 8]);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[doc(alias("trace", "tracer"))]
#[derive(Clone)]
pub struct Pass {
    model: Model,
    input: Input,
    record: Vec<Sites>,
    positions: Option<Vec<i64>>,
    source_positions: Option<Vec<i64>>,
    interventions: Vec<Intervention>,
    logits: Logits,
    start: Option<State>,
    stop_at: Option<(Option<Stack>, i64)>,
    gradient: Option<(Sites, Metric)>,
    onward: Option<Onward>,
}

/// The residual stream that enters a layer of a stack: all that is needed to go on from there.
#[derive(Clone, Debug)]
struct State {
    /// The last stack where none is named.
    stack: Option<Stack>,
    layer: i64,
    /// `[batch, pos, d_model]`
    resid: Tensor,
}

/// What a pass goes on after.
#[derive(Clone)]
struct Onward {
    /// Those read before and those to be read.
    tokens: Tokens,
    kept: Kept,
}

#[derive(Clone, Debug)]
enum Logits {
    Everywhere,
    At(Vec<i64>),
    /// At the last position of all texts together, be it padding or not.
    Last,
    Nowhere,
}

impl Pass {
    pub(super) fn new(model: Model, input: Input) -> Self {
        let interventions = model.interventions().to_vec();
        Self {
            model,
            input,
            record: Vec::new(),
            positions: None,
            source_positions: None,
            interventions,
            logits: Logits::Everywhere,
            start: None,
            stop_at: None,
            gradient: None,
            onward: None,
        }
    }

    /// Reads those of the tokens that come after the ones kept. Does no interventions but those it is given, and
    /// computes logits at the last position.
    pub(crate) fn onward(model: &Model, input: &Input, kept: Kept) -> Self {
        let tokens = input.tokens();
        let new = input.clone().with_tokens(tokens.columns(kept.len..tokens.len()));
        let onward = Some(Onward { tokens, kept });
        Self { interventions: Vec::new(), logits: Logits::Last, onward, ..Self::new(model.clone(), new) }
    }

    /// Sets the decoder's text. Ids are taken as they are. Text is preceded by the decoder's starting token, and the
    /// end token that the tokenizer would add is left out. By default the decoder reads its starting token only.
    ///
    /// # Errors
    /// When the model has no encoder, the input cannot be read, or the encoder and the decoder have different numbers
    /// of texts.
    #[doc(alias = "target")]
    pub fn decoder_input(mut self, input: impl ToTokens) -> Result<Self> {
        self.input = self.input.with_target(&self.model, input)?;
        Ok(self)
    }

    /// Records these sites too: a [`Site`](crate::hook::Site), a list, a pattern such as `"blocks.*.attn.hook_z"`, or
    /// [`Sites::filter`].
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let pass = Model::open("induction-2l")?.pass("red fox")?.record([Site::z(1)]).record("*.hook_pattern");
    /// assert_eq!(pass.run()?.cache().len(), 3); // two layers have patterns
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias("names_filter", "incl_bwd"))]
    pub fn record(mut self, sites: impl Into<Sites>) -> Self {
        self.record.push(sites.into());
        self
    }

    /// Keeps only these positions (-1 is the last) of what is recorded: rows of patterns and scores, positions of
    /// everything else. Positions count along the tensor, padding included, and the axis stays.
    ///
    /// Three kinds of activations are kept whole: those at positions of an encoder-decoder's source
    /// ([`source_positions`](Self::source_positions) selects these), those of experts (whose rows are the tokens of all
    /// texts), and the logits chosen with [`logits_at`](Self::logits_at).
    /// [`ActivationCache::positions`](crate::cache::ActivationCache::positions) returns the kept positions.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let pass = Model::open("induction-2l")?.pass("red fox blue")?.record([Site::resid_post(1)]).positions([-1]);
    /// assert_eq!(pass.run()?.cache().get(Site::resid_post(1))?.dims(), [1, 1, 64]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias = "pos_slice")]
    #[doc(alias = "fwd_hooks")]
    pub fn positions(mut self, positions: impl IntoIterator<Item = impl ToIndex>) -> Self {
        self.positions = Some(positions.into_iter().map(ToIndex::to_index).collect());
        self
    }

    /// As [`Pass::positions`], for positions of an encoder-decoder's source: everything in the encoder, and the keys
    /// and values of cross attention.
    #[doc(alias = "pos_slice")]
    pub fn source_positions(mut self, positions: impl IntoIterator<Item = impl ToIndex>) -> Self {
        self.source_positions = Some(positions.into_iter().map(ToIndex::to_index).collect());
        self
    }

    /// Applies one or several interventions too, in this order. An error among them becomes the run's error.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let pass = Model::open("induction-2l")?.pass("red fox blue owl red fox blue")?.intervene(zero(Site::z(1)));
    /// assert!(pass.run()?.probability("owl", -1)? < 0.1);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn intervene(mut self, interventions: impl ToInterventions) -> Self {
        self.interventions.extend(interventions.to_interventions());
        self
    }

    /// Computes logits only at these positions of each text (-1 is the last that is not padding). With a large
    /// vocabulary, the unembedding takes much of a short run.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.pass("red fox blue")?.logits_at([-1]).run()?;
    /// assert_eq!(run.logits()?.dims(), [1, 1, 374]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn logits_at(mut self, positions: impl IntoIterator<Item = impl ToIndex>) -> Self {
        self.logits = Logits::At(positions.into_iter().map(ToIndex::to_index).collect());
        self
    }

    /// Computes no logits.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.pass("red fox blue")?.without_logits().run()?;
    /// assert!(run.logits().is_err());
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn without_logits(mut self) -> Self {
        self.logits = Logits::Nowhere;
        self
    }

    /// Starts at block `layer` (-1 is the last) with this residual stream, which replaces everything before. In an
    /// encoder-decoder it is a block of the decoder, and the encoder runs as usual;
    /// [`start_at_encoder_layer`](Self::start_at_encoder_layer) starts in the encoder.
    ///
    /// # Shapes
    /// `resid`: `[batch, pos, d_model]`, as [`Site::resid_pre`](crate::hook::Site::resid_pre) of that block
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let run = model.run("red fox red")?;
    /// let again = model.pass("red fox red")?.start_at_layer(1, run.cache().get(Site::resid_pre(1))?).run()?;
    /// assert_eq!(again.predictions(-1, 1)?[0].text, run.predictions(-1, 1)?[0].text);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn start_at_layer(mut self, layer: impl ToIndex, resid: impl Borrow<Tensor>) -> Self {
        self.start = Some(State { stack: None, layer: layer.to_index(), resid: resid.borrow().clone() });
        self
    }

    /// Starts at block `layer` (-1 is the last) of an encoder-decoder's encoder with this residual stream, which
    /// replaces everything before. The rest of the encoder runs, then the whole decoder.
    ///
    /// # Shapes
    /// `resid`: `[batch, pos, d_model]`, as [`Site::resid_pre`](crate::hook::Site::resid_pre) of that block
    pub fn start_at_encoder_layer(mut self, layer: impl ToIndex, resid: impl Borrow<Tensor>) -> Self {
        let stack = Some(Stack::Encoder);
        self.start = Some(State { stack, layer: layer.to_index(), resid: resid.borrow().clone() });
        self
    }

    /// Stops before block `layer` (-1 is the last). Nothing from there on is computed, not even logits. [`Run::resid`]
    /// returns the input of that block. In an encoder-decoder it is a block of the decoder.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let run = model.pass("red fox red")?.stop_at_layer(1).run()?;
    /// assert_eq!(run.resid().dims(), [1, 4, 64]); // what would enter layer 1
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn stop_at_layer(mut self, layer: impl ToIndex) -> Self {
        self.stop_at = Some((None, layer.to_index()));
        self
    }

    /// Stops before block `layer` (-1 is the last) of an encoder-decoder's encoder. The decoder does not run, and
    /// [`Run::resid`] returns the encoder's stream.
    pub fn stop_at_encoder_layer(mut self, layer: impl ToIndex) -> Self {
        self.stop_at = Some((Some(Stack::Encoder), layer.to_index()));
        self
    }

    /// Computes the gradient of a metric with respect to the activations at these sites, all in one backward pass. The
    /// metric receives the logits at the chosen positions, `[batch, pos, d_vocab]`, and returns one number. Gradients
    /// of weights are not computed.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let pass = Model::open("induction-2l")?.pass("red fox blue owl red fox blue")?.logits_at([-1]);
    /// let run = pass.differentiate([Site::z(0), Site::z(1)], |logits| logits.max_all()).run()?;
    /// assert_eq!(run.gradient(Site::z(1))?.dims(), [1, 8, 4, 16]); // [batch, pos, head, d_head]
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    #[doc(alias("bwd_hooks", "incl_bwd", "backward", "get_caching_hooks"))]
    pub fn differentiate<R: ToTensor>(
        mut self,
        sites: impl Into<Sites>,
        metric: impl Fn(&Tensor) -> R + Send + Sync + 'static,
    ) -> Self {
        self.gradient = Some((sites.into(), Arc::new(move |logits: &Tensor| metric(logits).to_tensor())));
        self
    }

    /// Runs the pass.
    ///
    /// # Errors
    /// When a site, an intervention, a position or a layer does not fit the model and the text (found before anything
    /// runs), a closure fails, or the metric is not one number or does not depend on a site.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let pass = Model::open("induction-2l")?.pass("red fox blue owl red fox blue")?;
    /// assert_eq!(pass.run()?.predictions(-1, 1)?[0].text, "owl");
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn run(&self) -> Result<Run> {
        Ok(self.run_keeping()?.0)
    }

    /// As [`Pass::run`], with what is kept for a pass that goes on.
    pub(crate) fn run_keeping(&self) -> Result<(Run, Kept)> {
        in_pool(|| self.run_here())
    }
}

impl fmt::Debug for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pass")
            .field("model", &self.model.name())
            .field("tokens", &self.input.tokens().len())
            .field("record", &self.record)
            .field("interventions", &self.interventions)
            .field("logits", &self.logits)
            .field("start", &self.start.as_ref().map(|start| start.layer))
            .field("stop_at", &self.stop_at.map(|(_, layer)| layer))
            .field("differentiate", &self.gradient.as_ref().map(|(sites, _)| sites))
            .finish()
    }
}
