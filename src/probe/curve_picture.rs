//! The pictures of a [`ProbeCurve`]: a score over layers, or over the number of features.

use std::fmt;

use super::{CurvePoint, ProbeCurve, Repeats, Score, report::mean_and_sd};
use crate::{
    Result,
    notebook::{Card, Show},
    plot::{Figure, LineChart, Series},
};

/// One of the measurements of a point.
type Part = fn(&CurvePoint) -> &Repeats;

impl ProbeCurve {
    /// Draws ROC-AUC over the layers, or over k if there is only one layer.
    ///
    /// See [`picture_of`](Self::picture_of).
    ///
    /// # Errors
    /// Fails when nothing can be drawn.
    pub fn picture(&self) -> Result<Figure> {
        self.picture_of(Score::RocAuc)
    }

    /// Draws a score over the layers, one line for each k, or over k if there is only one layer.
    ///
    /// Lines are means over the splits and bands are one standard deviation. Several lines run from light to dark. A
    /// single line comes with that of the training samples; the gap between them is overfitting. The dashed levels are
    /// the majority class and the shuffled labels, averaged over all points.
    ///
    /// # Errors
    /// Fails when nothing can be drawn.
    pub fn picture_of(&self, score: Score) -> Result<Figure> {
        if self.layers.len() == 1 {
            return self.picture_over_k(score);
        }
        let lines = self.ks.iter().map(|k| {
            let points: Vec<&CurvePoint> = self.points.iter().filter(|point| point.k == *k).collect();
            (format!("k = {k}"), points)
        });
        let chart = LineChart::new().x("layer").x_names(&self.layers);
        self.draw(chart, lines.collect(), score, |series, _| series)
    }

    /// Draws a score over k on a logarithmic axis, one line for each layer.
    ///
    /// See [`picture_of`](Self::picture_of).
    ///
    /// # Errors
    /// Fails when nothing can be drawn.
    pub fn picture_over_k(&self, score: Score) -> Result<Figure> {
        let lines = self.layers.iter().zip(self.points.chunks(self.ks.len()));
        let lines = lines.map(|(layer, points)| (named(layer), points.iter().collect()));
        self.draw(LineChart::new().x("k").log_x(), lines.collect(), score, |series, points| {
            series.at(points.iter().map(|point| point.k as f32))
        })
    }

    fn draw(
        &self,
        chart: LineChart,
        lines: Vec<(String, Vec<&CurvePoint>)>,
        score: Score,
        place: impl Fn(Series, &[&CurvePoint]) -> Series,
    ) -> Result<Figure> {
        let series = |name: String, points: &[&CurvePoint], part: Part| {
            let means = points.iter().map(|point| part(point).mean(score).map_or(f32::NAN, |mean| mean as f32));
            let sds: Option<Vec<f32>> = points.iter().map(|point| Some(part(point).sd(score)? as f32)).collect();
            let series = place(Series::new(name, means), points);
            match sds {
                Some(sds) => series.sd(sds),
                None => series,
            }
        };
        // Every score lies between 0 and 1.
        let mut chart = chart.title(self.title()).y(score.name()).y_range(0.5, 1.0).y_limits(0.0, 1.0);
        if let [(_, points)] = lines.as_slice() {
            chart = chart.add(series("test".into(), points, |point| &point.test));
            chart = chart.add(series("train".into(), points, |point| &point.train));
        } else {
            chart = chart.ordered();
            for (name, points) in lines {
                chart = chart.add(series(name, &points, |point| &point.test));
            }
        }
        let all = |part: Part| self.points.iter().flat_map(|point| part(point).runs()).collect::<Repeats>();
        let baselines =
            [("majority class", all(|point| &point.majority)), ("shuffled labels", all(|point| &point.shuffled))];
        for (name, level) in baselines {
            if let Some(level) = level.mean(score) {
                chart = chart.baseline(name, level as f32);
            }
        }
        chart.draw()
    }

    /// The title: what all points have in common.
    fn title(&self) -> String {
        let property = self.property().map(|name| format!(" for {name}")).unwrap_or_default();
        let shared = match (&self.layers[..], &self.ks[..]) {
            ([layer], _) => format!(" on {}", named(layer)),
            (_, [k]) => format!(", k = {k}"),
            _ => String::new(),
        };
        format!("Sparse probes{property}{shared}")
    }
}

/// Returns a layer's label for a sentence: `layer 3` for a bare number.
fn named(layer: &str) -> String {
    if layer.parse::<usize>().is_ok() { format!("layer {layer}") } else { layer.to_string() }
}

impl Show for ProbeCurve {
    fn html(&self) -> String {
        self.picture().html()
    }

    fn plain(&self) -> String {
        let row = |point: &CurvePoint| {
            let parts = [&point.test, &point.train, &point.shuffled, &point.majority];
            let scores = parts.map(|part| mean_and_sd(part, Score::RocAuc));
            [point.layer.clone(), point.k.to_string()].into_iter().chain(scores)
        };
        let header = ["layer", "k", "test", "train", "shuffled labels", "majority class"];
        Card::new(&format!("{}: ROC-AUC", self.title())).table(&header, self.points().iter().map(row)).plain()
    }
}

shown! {
    /// Shows the picture in a notebook.
    ProbeCurve
}

impl fmt::Display for ProbeCurve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.plain())
    }
}
