//! [`Task`]: one split of one set of features, and [`Target`]: labels with their ranked features.

use rand::seq::SliceRandom;

use super::{
    Features, Labels, Metrics, SparseProbeParams, Split,
    logistic::Linear,
    seed::{Stream, generator},
    select,
};
use crate::Result;

/// One split of one set of features, on which probes are fitted and compared.
pub(crate) struct Task<'a> {
    pub params: &'a SparseProbeParams,
    pub features: &'a Features,
    pub split: &'a Split,
    pub train_labels: Vec<bool>,
    test_labels: Labels,
}

impl<'a> Task<'a> {
    pub(crate) fn new(
        params: &'a SparseProbeParams,
        features: &'a Features,
        labels: &Labels,
        split: &'a Split,
    ) -> Result<Self> {
        params.check(features, labels)?;
        split.check(labels)?;
        let test_labels = labels.at(&split.test()).into();
        Ok(Self { params, features, split, train_labels: labels.at(&split.train()), test_labels })
    }

    /// Fits the regression on some columns, using the training samples only.
    pub(crate) fn fit(&self, columns: &[usize], train_labels: &[bool]) -> Result<Linear> {
        Linear::fit(self.features, &self.split.train(), train_labels, columns, self.params)
    }

    pub(crate) fn on_train(&self, linear: &Linear) -> Result<Metrics> {
        let labels = self.train_labels.clone().into();
        Metrics::from_scores(&linear.log_odds(self.features, &self.split.train()), &labels)
    }

    pub(crate) fn on_test(&self, linear: &Linear) -> Result<Metrics> {
        Metrics::from_scores(&linear.log_odds(self.features, &self.split.test()), &self.test_labels)
    }

    /// Returns the metrics of assigning every test sample the more frequent training class.
    pub(crate) fn majority(&self) -> Result<Metrics> {
        let positives = self.train_labels.iter().filter(|&&label| label).count();
        let score = if 2 * positives >= self.train_labels.len() { 1.0 } else { -1.0 };
        Metrics::from_scores(&vec![score; self.test_labels.len()], &self.test_labels)
    }
}

/// Labels to learn, and the features ranked by how well they separate these labels.
pub(crate) struct Target {
    labels: Vec<bool>,
    /// The mean difference of every feature over the training samples.
    pub differences: Vec<f64>,
    ranking: Vec<usize>,
}

impl Target {
    fn new(task: &Task, labels: Vec<bool>) -> Self {
        let differences = select::mean_difference(task.features, &task.split.train(), &labels);
        let ranking = select::ranking(&differences);
        Self { labels, differences, ranking }
    }

    /// The true labels.
    pub(crate) fn of(task: &Task) -> Self {
        Self::new(task, task.train_labels.clone())
    }

    /// The permuted training labels. Both classes keep their size.
    pub(crate) fn shuffled(task: &Task, repeat: usize) -> Self {
        let mut labels = task.train_labels.clone();
        labels.shuffle(&mut generator(task.params.seed, Stream::Shuffle, repeat));
        Self::new(task, labels)
    }

    /// Fits the regression on the `k` best features.
    pub(crate) fn fit(&self, task: &Task, k: usize) -> Result<Linear> {
        task.fit(self.ranking.get(..k).unwrap_or(&self.ranking), &self.labels)
    }

    /// Returns the metrics of that regression on the test samples, with their true labels.
    pub(crate) fn test(&self, task: &Task, k: usize) -> Result<Metrics> {
        task.on_test(&self.fit(task, k)?)
    }
}
