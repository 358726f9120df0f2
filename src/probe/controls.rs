//! [`Controls`]: what a probe must beat, and [`Repeats`]: one measurement made several times.

use rand::seq::index;

use super::{
    Metrics, Score,
    seed::{Stream, generator},
    task::{Target, Task},
};
use crate::Result;

/// The same measurement, made several times.
///
/// # Examples
/// ```
/// use glassbox::probe::{Labels, Metrics, Repeats, Score};
/// let labels = Labels::new([true, false]);
/// let scores = [[1.0, -1.0], [-1.0, 1.0]];
/// let runs: Repeats = scores.iter().map(|run| Metrics::from_scores(run, &labels).unwrap()).collect();
/// assert_eq!(runs.mean(Score::Accuracy), Some(0.5)); // one right, one wrong
/// ```
#[derive(Clone, PartialEq)]
pub struct Repeats(Vec<Metrics>);

impl Repeats {
    /// All runs, in order.
    pub fn runs(&self) -> Vec<Metrics> {
        self.0.clone()
    }

    /// The mean over the runs; `None` without runs.
    ///
    /// # Examples
    /// ```
    /// use glassbox::probe::{Labels, Metrics, Repeats, Score};
    /// let run = Metrics::from_scores(&[1.0, -1.0], Labels::new([true, false]))?;
    /// assert_eq!([run.clone(), run].into_iter().collect::<Repeats>().mean(Score::Accuracy), Some(1.0));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn mean(&self, score: Score) -> Option<f64> {
        let sum: f64 = self.0.iter().map(|run| run.get(score)).sum();
        (!self.0.is_empty()).then(|| sum / self.0.len() as f64)
    }

    /// The standard deviation between runs (over n - 1); `None` with fewer than two.
    pub fn sd(&self, score: Score) -> Option<f64> {
        let mean = self.mean(score).filter(|_| self.0.len() > 1)?;
        let squares: f64 = self.0.iter().map(|run| (run.get(score) - mean).powi(2)).sum();
        Some((squares / (self.0.len() - 1) as f64).sqrt())
    }
}

impl FromIterator<Metrics> for Repeats {
    fn from_iter<I: IntoIterator<Item = Metrics>>(runs: I) -> Self {
        Self(runs.into_iter().collect())
    }
}

/// The scores that a probe must beat before its own score means anything.
///
/// All are measured on the same test samples.
///
/// # Examples
/// ```
/// use glassbox::{ndarray::Array2, prelude::*};
/// let features = Features::new(Array2::from_shape_fn((40, 3), |(sample, _)| (sample % 2) as f32))?;
/// let labels: Labels = (0..40).map(|sample| sample % 2 == 0).collect();
/// let controls = SparseProbe::params().k(1).fit(&features, &labels)?.controls();
/// assert_eq!(controls.majority.accuracy, 0.5);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Controls {
    /// Every sample is assigned the more frequent class of the training samples. F1 is 0 if that is the negative class.
    pub majority: Metrics,
    /// The training labels are permuted; features are then chosen and the probe fitted in the same way. This shows what
    /// the method finds where there is nothing to find (a selection control, after the idea of control tasks by [Hewitt
    /// and Liang 2019](https://arxiv.org/abs/1909.03368)).
    pub shuffled: Repeats,
    /// The probe is fitted on k random features in the same way. This shows how much choosing features gains.
    pub random_features: Repeats,
}

impl Controls {
    pub(crate) fn run(task: &Task) -> Result<Self> {
        let k = task.params.k;
        let shuffled = (0..task.params.shuffles).map(|repeat| Target::shuffled(task, repeat).test(task, k));
        let random_features = (0..task.params.random_draws).map(|repeat| random_features(task, repeat));
        Ok(Self {
            majority: task.majority()?,
            shuffled: shuffled.collect::<Result<_>>()?,
            random_features: random_features.collect::<Result<_>>()?,
        })
    }
}

/// The score with the true labels and k random features.
fn random_features(task: &Task, repeat: usize) -> Result<Metrics> {
    let mut random = generator(task.params.seed, Stream::RandomFeatures, repeat);
    let columns = index::sample(&mut random, task.features.n_features(), task.params.k).into_vec();
    task.on_test(&task.fit(&columns, &task.train_labels)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::Labels;

    #[test]
    fn the_spread_is_the_sample_standard_deviation() {
        let labels = Labels::new([true, false]);
        let runs = [[1.0, -1.0], [-1.0, -1.0], [-1.0, 1.0]];
        let repeats: Repeats = runs.iter().map(|scores| Metrics::from_scores(scores, &labels).unwrap()).collect();
        assert_eq!(repeats.mean(Score::Accuracy), Some(0.5));
        assert_eq!(repeats.sd(Score::Accuracy), Some(0.5));
        let none = Repeats::from_iter([]);
        assert_eq!((none.mean(Score::F1), none.sd(Score::F1)), (None, None));
    }
}
