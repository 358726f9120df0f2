//! [`ProbeReport`]: a probe and its controls as a table and a picture.

use std::fmt;

use ndarray::arr2;

use super::{Repeats, Score, SparseProbe};
use crate::{
    Result,
    notebook::{Card, Show},
    plot::{self, Bars, Figure, Heatmap},
};

/// A probe next to everything it must beat, to be read, printed, or shown in a notebook.
///
/// # Examples
/// ```
/// use glassbox::probe::{Features, Labels, Score, SparseProbe};
/// use ndarray::Array2;
/// let features = Features::new(Array2::from_shape_fn((80, 4), |(sample, feature)| {
///     ((sample * 7 + feature * 3) % 11) as f32 + if feature == 2 && sample % 2 == 0 { 12.0 } else { 0.0 }
/// }))?;
/// let labels: Labels = (0..80).map(|sample| sample % 2 == 0).collect();
/// let report = SparseProbe::params().k(1).fit(&features, &labels)?.report();
/// assert_eq!(report.rows()[0].name, "probe, test samples");
/// assert_eq!(report.rows()[0].scores.mean(Score::RocAuc), Some(1.0));
/// assert!(report.to_string().starts_with("Sparse probe: 1 of 4 features\n"));
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone)]
pub struct ProbeReport {
    probe: SparseProbe,
    rows: Vec<ReportRow>,
}

/// One line of a [`ProbeReport`].
///
/// # Examples
/// ```
/// use glassbox::{ndarray::Array2, prelude::*};
/// let features = Features::new(Array2::from_shape_fn((40, 3), |(sample, _)| (sample % 2) as f32))?;
/// let labels: Labels = (0..40).map(|sample| sample % 2 == 0).collect();
/// let rows = SparseProbe::params().k(1).fit(&features, &labels)?.report().rows();
/// assert_eq!(rows[0].name, "probe, test samples");
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ReportRow {
    /// What was measured.
    pub name: String,
    /// The scores: one run for the probe, several for a control that involves chance.
    pub scores: Repeats,
}

/// The largest number of features that is drawn or listed.
const LISTED: usize = 24;

impl ProbeReport {
    pub(crate) fn new(probe: &SparseProbe) -> Self {
        let controls = probe.controls();
        let once = |metrics| Repeats::from_iter([metrics]);
        let rows = [
            ("probe, test samples", once(probe.test())),
            ("probe, train samples", once(probe.train())),
            ("majority class", once(controls.majority)),
            ("shuffled labels", controls.shuffled.clone()),
            ("random features", controls.random_features.clone()),
        ];
        let rows = rows.into_iter().filter(|(_, scores)| !scores.runs().is_empty());
        let rows = rows.map(|(name, scores)| ReportRow { name: name.into(), scores }).collect();
        Self { probe: probe.clone(), rows }
    }

    /// The probe on its test and training samples, then the controls.
    pub fn rows(&self) -> Vec<ReportRow> {
        self.rows.clone()
    }

    /// Draws the weights of the features, the ROC-AUC of the probe and its controls, and the confusion matrix of the
    /// test samples.
    ///
    /// # Errors
    /// Fails when nothing can be drawn.
    pub fn picture(&self) -> Result<Figure> {
        let bars = plot::column([self.weights()?, self.comparison(Score::RocAuc)?]);
        Ok(plot::row([bars, self.confusion()?]))
    }

    fn weights(&self) -> Result<Figure> {
        let listed = self.probe.chosen.iter().take(LISTED);
        Bars::new(listed.map(|feature| (feature.name.as_str(), feature.weight_per_sd as f32)))
            .title("Weight of each feature")
            .value("log-odds per standard deviation")
            .draw()
    }

    fn comparison(&self, score: Score) -> Result<Figure> {
        let bar = |row: &ReportRow| Some((row.name.clone(), row.scores.mean(score)? as f32));
        Bars::new(self.rows.iter().filter_map(bar)).title("Compared with its controls").value(score.name()).draw()
    }

    fn confusion(&self) -> Result<Figure> {
        let test = self.probe.test();
        let counts = [[test.true_negatives, test.false_positives], [test.false_negatives, test.true_positives]];
        Heatmap::new(arr2(&counts.map(|row| row.map(|count| count as f32))))
            .title("Test samples")
            .value("samples")
            .range(0.0, self.probe.split().test().len() as f32)
            .x("predicted")
            .x_names(["false", "true"])
            .y("label")
            .y_names(["false", "true"])
            .draw()
    }

    fn title(&self) -> String {
        let property = self.probe.property().map(|name| format!(" for {name}")).unwrap_or_default();
        let source = self.probe.source().map(|source| format!(" of {source}")).unwrap_or_default();
        let (k, all) = (self.probe.chosen.len(), self.probe.n_features());
        format!("Sparse probe{property}: {k} of {all} features{source}")
    }

    /// The title, the features and the scores.
    fn card(&self) -> Card {
        let (train, test) = (self.probe.train(), self.probe.test());
        let part = |samples: &[usize], positives: usize| format!("{} samples, {positives} positive", samples.len());
        let features = self.probe.chosen.iter().take(LISTED).map(|feature| {
            let numbers = [feature.mean_difference, feature.weight, feature.weight_per_sd];
            [feature.name.clone()].into_iter().chain(numbers.map(|number| format!("{number:+.3}")))
        });
        let scores = self
            .rows
            .iter()
            .map(|row| [row.name.clone()].into_iter().chain(Score::ALL.map(|score| mean_and_sd(&row.scores, score))));
        let names: Vec<&str> = ["scores"].into_iter().chain(Score::ALL.map(Score::name)).collect();
        Card::new(&self.title())
            .facts([
                ("trained on", part(&self.probe.split().train(), train.true_positives + train.false_negatives)),
                ("tested on", part(&self.probe.split().test(), test.true_positives + test.false_negatives)),
            ])
            .table(&["feature", "mean difference", "weight", "weight per sd"], features)
            .table(&names, scores)
    }
}

/// Writes `0.912`, or `0.912 ± 0.020` for several runs.
pub(crate) fn mean_and_sd(scores: &Repeats, score: Score) -> String {
    match (scores.mean(score), scores.sd(score)) {
        (Some(mean), Some(sd)) => format!("{mean:.3} ± {sd:.3}"),
        (Some(mean), None) => format!("{mean:.3}"),
        _ => "none".into(),
    }
}

impl Show for ProbeReport {
    fn html(&self) -> String {
        self.card().shown(&self.picture()).html()
    }

    fn plain(&self) -> String {
        self.card().plain()
    }
}

shown! {
    /// Shows the report in a notebook.
    ProbeReport
}

impl fmt::Display for ProbeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.plain())
    }
}

impl SparseProbe {
    /// Returns the probe and its controls as a table.
    pub fn report(&self) -> ProbeReport {
        ProbeReport::new(self)
    }

    /// Draws the probe and its controls.
    ///
    /// # Errors
    /// Fails when nothing can be drawn.
    pub fn picture(&self) -> Result<Figure> {
        self.report().picture()
    }
}

shown! {
    /// Shows the [`report`](Self::report) in a notebook.
    SparseProbe: report
}
