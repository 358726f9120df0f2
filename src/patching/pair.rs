//! [`Patching`]: two prompts and a metric.

use super::{Metric, attribution::Slopes, engine::Corrupt, source::Source};
use crate::{
    Model, Result,
    error::PatchError,
    model::Architecture,
    text::{ToTokens, Tokens},
};

/// A clean prompt, a corrupt one, and a metric that tells them apart; several of each, if you like.
///
/// Its methods are sweeps over the model: see [the module](super).
///
/// # Examples
/// ```
/// use glassbox::{patching::{HeadPart, Metric, Patching}, prelude::*};
/// let model = Model::open("induction-2l")?;
/// let clean = "red fox blue owl tree red fox";   // what follows "fox"? blue
/// let corrupt = "red owl blue fox tree red fox"; // here: tree
/// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
/// let patching = Patching::new(&model, clean, corrupt, metric)?;
/// let heads = patching.heads(HeadPart::Out)?;
/// assert_eq!(heads.mean().shape(), [2, 4]);
/// // Two heads bring the answer back: one that looks back a token, and the induction head that reads what it wrote.
/// let effect = heads.mean();
/// assert!(effect[[0, 0]] > 0.8 && effect[[1, 0]] > 0.8, "{effect}");
/// assert_eq!(heads.top(2).iter().filter(|(at, _)| at[1] == 0).count(), 2);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Patching {
    pub(super) model: Model,
    /// What is done to each cell, for titles.
    pub(super) deed: String,
    /// What is put into the corrupt run.
    pub(super) source: Source,
    /// Whether the prompts themselves are to be explained, and the source is nothing in particular.
    pub(super) ablates: bool,
    pub(super) metric: Metric,
    pub(super) corrupt: Corrupt,
    /// The metric on the clean prompts, and on the corrupt ones.
    pub(super) baselines: (Vec<f32>, Vec<f32>),
    /// Where effects are not measured but approximated.
    pub(super) slopes: Option<Slopes>,
    pub(super) budget: usize,
}

impl Patching {
    /// How many positions are run in one batch at most, unless [`Patching::budget`] says otherwise: at GPT-2 small's
    /// width about 150 MB of activations.
    pub const BUDGET: usize = 4096;

    /// Runs both prompts.
    ///
    /// # Errors
    /// When the prompts are not as many or not as long, the model is no decoder or encoder of one stack, or the metric
    /// does not fit them.
    pub fn new(model: &Model, clean: impl ToTokens, corrupt: impl ToTokens, metric: Metric) -> Result<Self> {
        let (clean, corrupt) = (model.tokens(clean)?, model.tokens(corrupt)?);
        let patching = Self::between(model, Source::Run(clean.clone()), corrupt, metric)?;
        let run = model.pass(&clean)?.logits_at([-1]).run()?;
        let baselines = (patching.metric.of(&run)?, patching.baselines.1);
        Ok(Self { deed: "Patching clean into corrupt".into(), ablates: false, baselines, ..patching })
    }

    /// An experiment that puts values of `source` into the run of `prompts`, both on the scale of the latter's metric.
    pub(super) fn between(model: &Model, source: Source, prompts: Tokens, metric: Metric) -> Result<Self> {
        let config = model.config();
        if config.architecture == Architecture::EncoderDecoder {
            return Err(PatchError::TwoStacks { family: config.family.clone() }.into());
        }
        source.check(&prompts)?;
        metric.check(prompts.batch())?;
        let corrupt = Corrupt::run(model, prompts)?;
        let intact = metric.of(&corrupt.run)?;
        let (model, deed, baselines) = (model.clone(), source.deed().to_owned(), (intact.clone(), intact));
        Ok(Self { model, deed, source, ablates: true, metric, corrupt, baselines, slopes: None, budget: Self::BUDGET })
    }

    /// The same with another bound on memory: how many positions (of all cells and texts together) are run in one
    /// batch at most. Where one cell alone needs more, it is run by itself.
    pub fn budget(self, positions: usize) -> Self {
        Self { budget: positions.max(1), ..self }
    }

    /// The prompts whose activations are put in; where those are zeros or means, the prompts themselves.
    pub fn clean(&self) -> &Tokens {
        match &self.source {
            Source::Run(tokens) => tokens,
            _ => self.corrupt(),
        }
    }

    /// The prompts that are run with something put in.
    pub fn corrupt(&self) -> &Tokens {
        self.corrupt.run.tokens()
    }

    /// The metric of each clean prompt; in an ablation, of each prompt as it is.
    pub fn clean_metric(&self) -> &[f32] {
        &self.baselines.0
    }

    /// The metric of each corrupt prompt; in an ablation, of each prompt as it is.
    pub fn corrupt_metric(&self) -> &[f32] {
        &self.baselines.1
    }
}
