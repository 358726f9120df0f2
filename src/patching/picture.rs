//! A map as a picture.

use super::{MapAxis, PatchSweep, axis::AxisLabels, statistics};
use crate::{
    Result,
    notebook::Show,
    plot::{Figure, Heatmap, LineChart, Series, column},
};
use ndarray::{Array2, Axis, Ix2};

impl PatchSweep {
    /// The map as heatmaps on one scale around 0: two axes as one picture, a third as facets, a fourth as facets for
    /// each of the first. One axis is drawn as a line, with a band of one standard error where there are several prompts.
    ///
    /// # Errors
    /// When a value is not finite.
    pub fn figure(&self) -> Result<Figure> {
        let mean = self.mean();
        let title = format!("{}: {}", self.deed, self.name);
        let two =
            |array: ndarray::ArrayD<f32>| array.into_dimensionality::<Ix2>().unwrap_or_else(|_| Array2::zeros((0, 0)));
        if let [x] = &self.axes[..] {
            return self.line(x, &title);
        }
        let most = mean.iter().fold(0f32, |most, value| most.max(value.abs()));
        let most = round_up(if self.normalized().is_ok() { most.max(1.0) } else { most });
        let value = self.scale();
        // What the colours hardly tell from 0 needs no number.
        let printed = mean.iter().filter(|value| value.abs() > most / 50.0).count().min(8);
        let finish = |map: Heatmap, y: &MapAxis, x: &MapAxis, title: &str| {
            let map = map.title(title).value(value.as_str()).range(-most, most).print(printed);
            let map = match &x.labels {
                AxisLabels::Tokens(tokens) => map.x_tokens(x.name.as_str(), tokens.clone()),
                AxisLabels::Names(names) => map.x_names(x.name.as_str(), names.clone()),
                AxisLabels::Numbers => map.x_index(x.name.as_str()),
            };
            match &y.labels {
                AxisLabels::Tokens(tokens) => map.y_tokens(y.name.as_str(), tokens.clone()),
                AxisLabels::Names(names) => map.y_names(y.name.as_str(), names.clone()),
                AxisLabels::Numbers => map.y_index(y.name.as_str()).upward(),
            }
        };
        match &self.axes[..] {
            [y, x] => finish(Heatmap::new(two(mean)), y, x, &title).draw(),
            // Layer, position, head: one facet per head.
            [y, x, facet] => {
                let map = |at: usize| (format!("{} {at}", facet.name), two(mean.index_axis(Axis(2), at).to_owned()));
                finish(Heatmap::facets((0..facet.len).map(map)), y, x, &title).draw()
            }
            [row, facet, y, x] => {
                let one = |at: usize| {
                    let of_row = mean.index_axis(Axis(0), at);
                    let map = |nth| (format!("{} {nth}", facet.name), two(of_row.index_axis(Axis(0), nth).to_owned()));
                    let title = format!("{title}, {} {at}", row.name);
                    finish(Heatmap::facets((0..facet.len).map(map)), y, x, &title).draw()
                };
                Ok(column((0..row.len).map(one).collect::<Result<Vec<_>>>()?))
            }
            _ => finish(Heatmap::new(Array2::zeros((0, 0))), &MapAxis::index("", 0), &MapAxis::index("", 0), &title)
                .draw(),
        }
    }

    /// What the numbers are.
    fn line(&self, x: &MapAxis, title: &str) -> Result<Figure> {
        let value = self.scale();
        let scale =
            self.normalized().map_or(1.0, |_| statistics::mean(self.clean()) - statistics::mean(self.corrupt()));
        let errors = (0..x.len()).map(|at| Some(self.statistics(&[at], 0)?.standard_error / scale.abs()));
        let series = Series::new(value.as_str(), self.mean());
        let series = if self.clean().len() > 1 { series.sd(errors.flatten()) } else { series };
        let chart = LineChart::new().title(title).x(x.name()).y(value.as_str()).baseline("unchanged", 0.0).add(series);
        match &x.labels {
            AxisLabels::Numbers => chart.draw(),
            AxisLabels::Names(names) | AxisLabels::Tokens(names) => chart.x_names(names.clone()).draw(),
        }
    }

    /// Shows the map in a notebook.
    pub fn evcxr_display(&self) {
        Show::evcxr_display(self);
    }
}

/// The next number that ends a scale well; what is less than a step of the colours beyond one still has its colour.
fn round_up(most: f32) -> f32 {
    const ENDS: [f32; 9] = [1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0, 8.0];
    if !(most.is_finite() && most > 0.0) {
        return 1.0;
    }
    let ten = 10f32.powf(most.log10().floor());
    ENDS.iter().map(|end| end * ten).find(|end| most <= end * 1.02).unwrap_or(10.0 * ten)
}

impl Show for PatchSweep {
    fn html(&self) -> String {
        self.figure().html()
    }

    fn plain(&self) -> String {
        self.figure().plain()
    }
}
