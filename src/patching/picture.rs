//! A map as a picture.

use super::{MapAxis, PatchSweep, axis::AxisLabels, statistics};
use crate::{
    Result,
    notebook::Show,
    plot::{Figure, Heatmap, LineChart, Series, column},
};
use ndarray::{Array2, ArrayD, Axis, Ix2};

impl PatchSweep {
    /// The map as heatmaps on one scale around 0: two axes as one picture, a third as facets, a fourth as facets for
    /// each of the first. One axis is drawn as a line, with a band of one standard error where there are several prompts.
    ///
    /// # Errors
    /// When a value is not finite.
    pub fn figure(&self) -> Result<Figure> {
        let mean = self.mean();
        let title = format!("{}: {}", self.deed, self.name);
        if let [x] = &self.axes[..] {
            return self.line(x, &title);
        }
        let most = end_of_scale(&[self]);
        let printed = printed(&mean, most);
        let finish = |map: Heatmap, y: &MapAxis, x: &MapAxis, title: &str| {
            labelled(map.title(title).value(self.scale()).range(-most, most).print(printed), y, x)
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

/// Where the colours of some maps end: beyond all values, and no nearer than the whole of the clean answer.
fn end_of_scale(maps: &[&PatchSweep]) -> f32 {
    let least = |map: &PatchSweep| if map.normalized().is_ok() { 1.0 } else { 0.0 };
    let of = |map: &&PatchSweep| map.mean().iter().fold(least(map), |most: f32, value| most.max(value.abs()));
    round_up(maps.iter().map(of).fold(0.0, f32::max))
}

/// How many cells have their number printed: what the colours hardly tell from 0 needs none.
fn printed(values: &ArrayD<f32>, most: f32) -> usize {
    values.iter().filter(|value| value.abs() > most / 50.0).count().min(8)
}

/// A heatmap along two axes of a map; layers go up.
fn labelled(map: Heatmap, y: &MapAxis, x: &MapAxis) -> Heatmap {
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

/// Several maps as one picture: those with the same two axes are facets on one scale, each under the name of what was
/// patched.
///
/// # Errors
/// When there are no maps, or a value is not finite.
pub(super) fn together(maps: &[PatchSweep]) -> Result<Figure> {
    let mut groups: Vec<Vec<&PatchSweep>> = Vec::new();
    for map in maps {
        let like =
            |group: &&mut Vec<&PatchSweep>| group.iter().all(|other| other.axes == map.axes && map.axes.len() == 2);
        match groups.iter_mut().find(like) {
            Some(group) => group.push(map),
            None => groups.push(vec![map]),
        }
    }
    let figure = |group: Vec<&PatchSweep>| match group[..] {
        [first, _, ..] => {
            let most = end_of_scale(&group);
            let facets = group.iter().map(|map| (map.name.as_str(), two(map.mean())));
            let printed = group.iter().map(|map| printed(&map.mean(), most)).sum::<usize>().min(8);
            let map = Heatmap::facets(facets).title(&first.deed).value(first.scale()).range(-most, most).print(printed);
            labelled(map, &first.axes[0], &first.axes[1]).draw()
        }
        [one] => one.figure(),
        [] => Heatmap::new(Array2::zeros((0, 0))).draw(),
    };
    Ok(column(groups.into_iter().map(figure).collect::<Result<Vec<_>>>()?))
}

/// The values along two axes.
fn two(values: ArrayD<f32>) -> Array2<f32> {
    values.into_dimensionality::<Ix2>().unwrap_or_else(|_| Array2::zeros((0, 0)))
}

impl Show for PatchSweep {
    fn html(&self) -> String {
        self.figure().html()
    }

    fn plain(&self) -> String {
        self.figure().plain()
    }
}
