use rand::seq::index;

use super::{
    Metrics, Score,
    seed::{Stream, generator},
    task::{Target, Task},
};
use crate::Result;

/// The same measurement, several times.
#[derive(Clone, PartialEq)]
pub struct Repeats(Vec<Metrics>);

impl Repeats {
    /// Every run, in order.
    pub fn runs(&self) -> Vec<Metrics> {
        self.0.clone()
    }

    /// Mean over the runs; `None` without a run.
    pub fn mean(&self, score: Score) -> Option<f64> {
        let sum: f64 = self.0.iter().map(|run| run.get(score)).sum();
        (!self.0.is_empty()).then(|| sum / self.0.len() as f64)
    }

    /// Standard deviation between runs (over n - 1); `None` with fewer than two.
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

/// What a probe must beat before its score means anything, all measured on the same test samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Controls {
    /// Every sample called by the more frequent class of the training samples. Its F1 is 0 when that class is the
    /// negative one.
    pub majority: Metrics,
    /// The training labels permuted, then features chosen and fitted in the same way: what the method finds where
    /// there is nothing to find (a selection control; Hewitt and Liang 2019 is the idea for probes).
    pub shuffled: Repeats,
    /// k features drawn at random, fitted in the same way: how much is gained by choosing.
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

/// The true labels with k features that nobody chose.
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
