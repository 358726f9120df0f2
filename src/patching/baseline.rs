//! [`Baseline`]: the clean and the corrupt run before patching, and their metrics.

use super::{Metric, passes::before_end};
use crate::{
    Model, Result,
    hook::{Point, Site},
    input::Input,
    model::Run,
    net::Kept,
};

/// A metric on the clean prompts, and on the corrupt ones.
pub(super) type Baselines = (Vec<f32>, Vec<f32>);

/// The clean and the corrupt run before patching, and their metrics.
#[derive(Clone)]
pub(super) struct Baseline {
    pub(super) corrupt: Corrupt,
    /// The run of the clean prompts, for further metrics.
    pub(super) clean_run: Run,
    pub(super) first: (Metric, Baselines),
    /// Further metrics of the same runs.
    pub(super) more: Vec<(Metric, Baselines)>,
}

impl Baseline {
    /// The metric, then the further ones.
    pub(super) fn measured(&self) -> impl Iterator<Item = (&Metric, &Baselines)> {
        std::iter::once(&self.first).chain(&self.more).map(|(metric, baselines)| (metric, baselines))
    }
}

/// The corrupt run: its stream at the start of every block, and its keys and values.
#[derive(Clone, Debug)]
pub(super) struct Corrupt {
    pub(super) run: Run,
    pub(super) kept: Kept,
}

impl Corrupt {
    pub(super) fn run(model: &Model, input: &Input) -> Result<Self> {
        let config = model.config();
        let of_stack = |&stack| (0..config.layers_of(stack)).map(move |at| Site::in_block(stack, at, Point::ResidPre));
        let streams = config.stacks().iter().flat_map(of_stack).collect::<Vec<_>>();
        let (run, kept) = before_end(model, input).record(streams).run_keeping()?;
        Ok(Self { run, kept })
    }

    /// The prompts.
    pub(super) fn input(&self) -> Input {
        self.run.cache().input()
    }
}
