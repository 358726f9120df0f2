//! [`Effect`]: the effect of one experiment on the metric.

use crate::{
    Result,
    notebook::Show,
    patching::{PatchSweep, Statistics},
    printable::{escape, sentence},
};

/// The effect of one experiment on the metric, for every pair of prompts: a map with a single cell.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?;
/// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
/// let (clean, corrupt) = ("red fox blue owl tree red fox", "red owl blue fox tree red fox");
/// let patching = Patching::new(&model, clean, corrupt, metric)?;
/// let effect = patching.path("a0.h0", "a1.h0.k")?; // a line of text, in a notebook
/// assert!(effect.recovered() > 0.75);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct Effect(pub(super) PatchSweep);

impl Effect {
    /// The recovered share of the clean answer: 0 is the mean metric of the corrupt prompts, 1 that of the clean
    /// prompts. In an ablation, the change of the metric.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let (clean, corrupt) = ("red fox blue owl tree red fox", "red owl blue fox tree red fox");
    /// let patching = Patching::new(&model, clean, corrupt, metric)?;
    /// assert!(patching.path("a0.h0", "a1.h0.q")?.recovered().abs() < 0.01); // nothing goes this way
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn recovered(&self) -> f32 {
        self.0.mean().sum()
    }

    /// As [`Effect::recovered`], but an error if the value cannot be scaled.
    ///
    /// # Errors
    /// When the metric does not distinguish the clean prompts from the corrupt ones. This is always so in an ablation.
    pub fn normalized(&self) -> Result<f32> {
        Ok(self.0.normalized()?.sum())
    }

    /// The name of the experiment.
    pub fn name(&self) -> String {
        self.0.name()
    }

    /// The metric for each pair of prompts.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let (clean, corrupt) = ("red fox blue owl tree red fox", "red owl blue fox tree red fox");
    /// let patching = Patching::new(&model, clean, corrupt, metric)?;
    /// assert_eq!(patching.path("a0.h0", "a1.h0.k")?.values().len(), 1); // one pair of prompts
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn values(&self) -> Vec<f32> {
        self.0.values.iter().copied().collect()
    }

    /// The effect as a map without axes. [`PatchSweep::for_metric`] returns that of further metrics.
    pub fn sweep(&self) -> PatchSweep {
        self.0.clone()
    }

    /// Statistics over the pairs: see [`PatchSweep::statistics`].
    pub fn statistics(&self, seed: u64) -> Option<Statistics> {
        self.0.statistics(&[], seed)
    }
}

impl Show for Effect {
    fn html(&self) -> String {
        format!("<pre>{}</pre>", escape(&self.plain()))
    }

    fn plain(&self) -> String {
        let metric = self.0.metric();
        let scale = match self.0.normalized() {
            Ok(_) => format!("of the {metric} recovered"),
            Err(_) => format!("change of {metric}"),
        };
        // Not `-0.000`.
        let recovered = (self.recovered() * 1e3).round() / 1e3 + 0.0;
        sentence(format!("{}: {}: {recovered:.3} {scale}", self.0.operation(), self.0.name()))
    }
}

shown! {
    /// Shows the effect in a notebook.
    Effect
}
