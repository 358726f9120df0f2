//! [`Patching`]: two prompts and a metric.

use super::{
    Alignment, Metric, ToMetric,
    baseline::{Baseline, Baselines, Corrupt},
    cell::has_texts,
    passes::before_end,
    readout::Readout,
    slopes::Slopes,
    source::Source,
    stacks::Part,
};
use crate::{
    Model, Result,
    error::PatchError,
    hook::{Intervention, Site, ToInterventions},
    input::Input,
    model::{Position, ToInput},
    text::Tokens,
};

/// A patching experiment: clean prompts, corrupt prompts, and a metric that distinguishes them. There may be several
/// prompts of each kind and several metrics.
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
#[doc(alias("generic_activation_patch", "transformer_lens.patching"))]
#[derive(Clone)]
pub struct Patching {
    pub(super) experiment: Experiment,
    pub(super) baseline: Baseline,
    /// The stack that the named sweeps are over.
    pub(super) part: Part,
    /// The slopes, if effects are approximated.
    pub(super) slopes: Option<Slopes>,
    pub(super) budget: usize,
    /// Whether norms after attention keep their scales in paths, edges and circuits.
    pub(super) hold_ln: bool,
}

/// What is patched into which run.
#[derive(Clone)]
pub(super) struct Experiment {
    pub(super) model: Model,
    /// The source of the patched values.
    pub(super) source: Source,
    /// Whether this is an ablation, which explains the prompts themselves.
    pub(super) ablates: bool,
    /// How often the list of prompts is repeated.
    pub(super) rounds: usize,
    /// The operation on each cell, for titles.
    pub(super) deed: String,
}

impl Patching {
    /// The default of [`Patching::budget`]: at GPT-2 small's width about 150 MB of activations.
    pub const BUDGET: usize = 4096;

    /// Runs both prompts. In an encoder-decoder a prompt is a source, or a pair of a source and the decoder's text
    /// ([`ToInput`]). The two prompts may differ in either or in both.
    ///
    /// # Errors
    /// When the numbers or the lengths of the prompts differ, or the metric does not fit them.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let (clean, corrupt) = ("red fox blue owl tree red fox", "red owl blue fox tree red fox");
    /// let patching = Patching::new(&model, clean, corrupt, metric)?;
    /// assert!(patching.clean_metric()[0] > 5.0 && patching.corrupt_metric()[0] < -5.0);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn new(model: &Model, clean: impl ToInput, corrupt: impl ToInput, metric: impl ToMetric) -> Result<Self> {
        Self::aligned(model, clean, corrupt, Alignment::SameLength, metric)
    }

    /// As [`Patching::new`], for prompts that may differ in length. The [`Alignment`] says which position of a clean
    /// prompt corresponds to which position of its corrupt prompt. It applies to all maps, paths, edges and circuits. A
    /// circuit ([`Patching::run_circuit`]) runs the clean prompts, and its other edges carry at each position the
    /// corrupt activation of its counterpart. A position without a counterpart keeps its own activation.
    ///
    /// # Errors
    /// As [`Patching::new`], except for the length. Also when the alignment names a position that does not exist, names
    /// one twice, gives a pair no counterparts, or gives none to the metric's position.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{patching::{Alignment, HeadPart, Metric, Patching}, prelude::*};
    /// let model = Model::open("induction-2l")?;
    /// let (clean, corrupt) = ("red fox blue owl tree red fox", "cat red owl blue fox tree red fox");
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let patching = Patching::aligned(&model, clean, corrupt, Alignment::FromEnd, metric)?;
    /// assert!(patching.heads(HeadPart::Out)?.mean()[[1, 0]] > 0.5, "the induction head says what it read there");
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn aligned(
        model: &Model,
        clean: impl ToInput,
        corrupt: impl ToInput,
        alignment: Alignment,
        metric: impl ToMetric,
    ) -> Result<Self> {
        let (clean, corrupt) = (clean.to_input(model)?, corrupt.to_input(model)?);
        let deed = format!("Patching clean into corrupt{}", alignment.words());
        let source = Source::pair(clean.clone(), &corrupt, &alignment)?;
        Self::between(model, source, corrupt, metric.to_metric()?)?.against(&clean, &deed)
    }

    /// Makes an experiment whose corrupt run is the run of the prompts with these interventions, such as noise
    /// ([`Patching::noise`]). It shows which activations restore the answer.
    ///
    /// # Errors
    /// As [`Patching::new`], and when an intervention does not fit the model and the prompts.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{patching::{HeadPart, Metric, Patching}, prelude::*};
    /// let model = Model::open("induction-2l")?;
    /// let prompt = "red fox blue owl red fox blue";
    /// let metric = Metric::log_probability(&model, "owl", 1)?;
    /// // Without the head that looks back, which places need their true value again?
    /// let patching = Patching::corrupted(&model, prompt, [zero(Site::z(0)).head(0)], metric)?;
    /// assert_eq!(patching.heads(HeadPart::Out)?.strongest().0, [0, 0]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn corrupted(
        model: &Model,
        prompts: impl ToInput,
        corruption: impl ToInterventions,
        metric: impl ToMetric,
    ) -> Result<Self> {
        let (prompts, corrupt) = (prompts.to_input(model)?, model.hooked(corruption));
        let patching = Self::between(&corrupt, Source::Run(prompts.clone()), prompts.clone(), metric.to_metric()?)?;
        let experiment = Experiment { model: model.clone(), ..patching.experiment };
        Self { experiment, ..patching }.against(&prompts, "Restoring after corruption")
    }

    /// Makes an experiment with unchanged prompts and no clean values, for knockouts and for cells of your own
    /// ([`Patching::sweep`]). Maps hold the change of the metric.
    ///
    /// # Errors
    /// As [`Patching::new`].
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::log_probability(&model, "owl", 1)?;
    /// let patching = Patching::unpatched(&model, "red fox blue owl red fox blue", metric)?;
    /// let without = patching.sweep("a head", [patching.head_axis("head")], |at| zero(Site::z(1)).head(at[0]))?;
    /// assert!(without.mean()[[0]] < -2.0); // the induction head
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn unpatched(model: &Model, prompts: impl ToInput, metric: impl ToMetric) -> Result<Self> {
        Self::between(model, Source::Nothing, prompts.to_input(model)?, metric.to_metric()?)
    }

    /// An experiment that patches values of `source` into the run of `prompts`, on the scale of changes of the metric.
    pub(super) fn between(model: &Model, source: Source, prompts: Input, metric: Metric) -> Result<Self> {
        let config = model.config();
        let of_positions = |one: &Intervention| one.site() == Site::pos_embed();
        if config.position == Position::Shortformer && model.standing().iter().any(of_positions) {
            return Err(PatchError::PositionsChanged { family: config.family.clone() }.into());
        }
        if let Some(site) = model.standing().iter().map(Intervention::site).find(|&site| !has_texts(site)) {
            return Err(PatchError::NoTexts { site: site.to_string() }.into());
        }
        source.check(&prompts)?;
        metric.check(prompts.batch())?;
        let metric = metric.placed(&prompts.tokens())?;
        let corrupt = Corrupt::run(model, &prompts)?;
        let intact = Readout::of_run(&corrupt.run, &metric)?;
        let (clean_run, first) = (corrupt.run.clone(), (metric, (intact.clone(), intact)));
        let deed = source.deed().to_owned();
        Ok(Self {
            experiment: Experiment { model: model.clone(), source, ablates: true, rounds: 1, deed },
            baseline: Baseline { corrupt, clean_run, first, more: Vec::new() },
            part: Part::of(&config),
            slopes: None,
            budget: Self::BUDGET,
            hold_ln: false,
        })
    }

    /// The same experiment on the scale from the corrupt run to the clean run.
    fn against(mut self, clean: &Input, deed: &str) -> Result<Self> {
        self.experiment = Experiment { ablates: false, deed: deed.into(), ..self.experiment };
        self.baseline.clean_run = before_end(&self.experiment.model, clean).run()?;
        let metric = self.for_clean(&self.baseline.first.0)?;
        self.baseline.first.1.0 = Readout::of_run(&self.baseline.clean_run, &metric)?;
        Ok(self)
    }

    /// The metric for the clean prompts, at the counterparts of its positions.
    pub(super) fn for_clean(&self, metric: &Metric) -> Result<Metric> {
        match &self.experiment.source {
            Source::Aligned(_, counterparts) if !self.experiment.ablates => {
                metric.at_counterparts(counterparts, &self.corrupt())
            }
            _ => Ok(metric.clone()),
        }
    }

    /// Adds a metric that is measured in the same runs. [`PatchSweep::for_metric`](super::PatchSweep::for_metric)
    /// returns its maps. The metric is made for the prompts as they were given, however often noise is drawn for each.
    ///
    /// # Errors
    /// When the metric does not fit the prompts, or has the name of a metric that is already measured
    /// ([`Metric::named`]).
    ///
    /// # Examples
    /// ```
    /// use glassbox::{patching::{Metric, Patching}, prelude::*};
    /// let model = Model::open("induction-2l")?;
    /// let difference = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let patching = Patching::new(&model, "red fox blue owl tree red fox", "red owl blue fox tree red fox", difference)?
    ///     .also(Metric::rank(&model, "blue", 1)?)?;
    /// let sweep = patching.resid_pre()?;
    /// let (at, _) = sweep.strongest();
    /// assert_eq!(sweep.for_metric("rank").unwrap().raw()[&at[..]], 1.0, "and then the answer is what the model says");
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn also(mut self, metric: impl ToMetric) -> Result<Self> {
        let metric = metric.to_metric()?.repeated(self.experiment.rounds)?;
        metric.check(self.corrupt().batch())?;
        let metric = metric.placed(&self.corrupt())?;
        if self.measured().any(|(other, _)| other.name() == metric.name()) {
            return Err(PatchError::SameMetric { name: metric.name() }.into());
        }
        let clean = Readout::of_run(&self.baseline.clean_run, &self.for_clean(&metric)?)?;
        let baselines = (clean, Readout::of_run(&self.baseline.corrupt.run, &metric)?);
        self.baseline.more.push((metric, baselines));
        match self.slopes.take() {
            Some(slopes) => self.along_as(&slopes),
            None => Ok(self),
        }
    }

    /// The metric, then the further ones.
    pub(super) fn measured(&self) -> impl Iterator<Item = (&Metric, &Baselines)> {
        self.baseline.measured()
    }

    /// Limits memory: the largest number of positions, over all cells and texts, that are run in one batch. A cell that
    /// needs more is run alone. The prompts' own runs, and those of a circuit ([`Patching::run_circuit`]), hold all
    /// texts at once; give fewer texts if that is too much.
    pub fn budget(self, positions: usize) -> Self {
        Self { budget: positions.max(1), ..self }
    }

    /// The prompts that values are taken from; in a zero or mean ablation, the prompts themselves. In an
    /// encoder-decoder it is the decoder's text; [`Patching::clean_input`] returns both.
    pub fn clean(&self) -> Tokens {
        self.clean_input().tokens()
    }

    /// The prompts that are run with patched values; in an encoder-decoder, the decoder's text.
    pub fn corrupt(&self) -> Tokens {
        self.baseline.corrupt.run.tokens()
    }

    /// As [`Patching::clean`], with the encoder's source in an encoder-decoder. It can be run again.
    pub fn clean_input(&self) -> Input {
        match &self.experiment.source {
            Source::Run(input) | Source::Aligned(input, _) => input.clone(),
            _ => self.corrupt_input(),
        }
    }

    /// As [`Patching::corrupt`], with the encoder's source in an encoder-decoder. It can be run again.
    ///
    /// # Examples
    /// ```
    /// use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let patching =
    ///     Patching::new(&model, "red fox blue owl tree red fox", "red owl blue fox tree red fox", metric.clone())?;
    /// let again = metric.of(model.run(patching.corrupt_input())?)?[0];
    /// assert!((again - patching.corrupt_metric()[0]).abs() < 1e-4);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn corrupt_input(&self) -> Input {
        self.baseline.corrupt.input()
    }

    /// The metric of each clean prompt; in an ablation, of each unchanged prompt.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let (clean, corrupt) = ("red fox blue owl tree red fox", "red owl blue fox tree red fox");
    /// let patching = Patching::new(&model, clean, corrupt, metric)?;
    /// assert!(patching.clean_metric()[0] > 0.0); // "blue" is right
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn clean_metric(&self) -> Vec<f32> {
        self.baseline.first.1.0.clone()
    }

    /// The metric of each corrupt prompt; in an ablation, of each unchanged prompt.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let (clean, corrupt) = ("red fox blue owl tree red fox", "red owl blue fox tree red fox");
    /// let patching = Patching::new(&model, clean, corrupt, metric)?;
    /// assert!(patching.corrupt_metric()[0] < 0.0); // here "tree" is right
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn corrupt_metric(&self) -> Vec<f32> {
        self.baseline.first.1.1.clone()
    }
}
