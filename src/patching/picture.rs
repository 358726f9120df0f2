//! A map as a picture.

use super::{MapAxis, PatchSweep, axis::AxisLabels, statistics};
use crate::{
    Result,
    error::PatchError,
    notebook::Show,
    order,
    plot::{Figure, Heatmap, LineChart, Series, column, round_up},
};
use ndarray::{Array2, ArrayD, Axis, Ix2};

impl PatchSweep {
    /// Draws the map as heatmaps on one scale around 0. Two axes are one heatmap, a third axis makes facets, and a
    /// fourth makes facets for each place of the first. One axis is a line, with a band of one standard error if there
    /// are several prompts. Missing cells ([`PatchSweep::is_missing`]) are masked, or gaps in the line.
    ///
    /// # Errors
    /// When a value is not finite, or there are no axes or more than four.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let (clean, corrupt) = ("red fox blue owl tree red fox", "red owl blue fox tree red fox");
    /// let patching = Patching::new(&model, clean, corrupt, metric)?;
    /// assert!(patching.heads(HeadPart::Out)?.figure()?.to_svg().contains("layer 1"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn figure(&self) -> Result<Figure> {
        let (mean, hidden) = (self.mean(), self.hidden());
        let title = format!("{}: {}", self.deed, self.name);
        if let [x] = &self.axes[..] {
            return self.line(x, &title);
        }
        let most = end_of_scale(&[self]);
        let finish = |map: Heatmap, y: &MapAxis, x: &MapAxis, title: &str| {
            labelled(map.title(title).value(self.legend()).range(-most, most), y, x)
        };
        let plane = |map: ArrayD<f32>, hidden: ArrayD<bool>| (two(map), two(hidden));
        match &self.axes[..] {
            [y, x] => finish(masked([(String::new(), plane(mean, hidden))]), y, x, &title).draw(),
            // Layer, position, head: one facet per head.
            [y, x, facet] => {
                let map = |at: usize| {
                    let of = plane(mean.index_axis(Axis(2), at).to_owned(), hidden.index_axis(Axis(2), at).to_owned());
                    (format!("{} {at}", facet.name), of)
                };
                finish(masked((0..facet.len).map(map)), y, x, &title).draw()
            }
            [row, facet, y, x] => {
                let one = |at: usize| {
                    let (of_row, hidden) = (mean.index_axis(Axis(0), at), hidden.index_axis(Axis(0), at));
                    let map = |nth| {
                        let of = (of_row.index_axis(Axis(0), nth), hidden.index_axis(Axis(0), nth));
                        (format!("{} {nth}", facet.name), plane(of.0.to_owned(), of.1.to_owned()))
                    };
                    let title = format!("{title}, {} {at}", row.name);
                    finish(masked((0..facet.len).map(map)), y, x, &title).draw()
                };
                Ok(column((0..row.len).map(one).collect::<Result<Vec<_>>>()?))
            }
            axes => Err(PatchError::NotDrawn { axes: axes.len() }.into()),
        }
    }

    /// The cells that are left out.
    fn hidden(&self) -> ArrayD<bool> {
        match &self.missing {
            Some(missing) => missing.map_axis(Axis(self.axes.len()), |pairs| pairs.iter().all(|&missing| missing)),
            None => ArrayD::from_elem(self.values.shape().split_last().map_or(&[][..], |(_, cells)| cells), false),
        }
    }

    /// What the numbers are.
    fn line(&self, x: &MapAxis, title: &str) -> Result<Figure> {
        let value = self.legend();
        let scale =
            self.normalized().map_or(1.0, |_| statistics::mean(&self.clean()) - statistics::mean(&self.corrupt()));
        let error = |at: usize| self.statistics(&[at], 0).map_or(0.0, |one| one.standard_error / scale.abs());
        let values = self.mean();
        let values = (0..x.len()).map(|at| if self.is_missing(&[at]) { f32::NAN } else { values[[at]] });
        let series = Series::new(value.as_str(), values);
        let series = if self.clean().len() > 1 { series.sd((0..x.len()).map(error)) } else { series };
        let chart = LineChart::new().title(title).x(x.name()).y(value.as_str()).baseline("unchanged", 0.0).add(series);
        match &x.labels {
            AxisLabels::Numbers => chart.draw(),
            AxisLabels::Names(names) | AxisLabels::Tokens(names) => chart.x_names(names.clone()).draw(),
        }
    }
}

/// The end of the colour scale: the whole difference, unless values are far beyond it.
fn end_of_scale(maps: &[&PatchSweep]) -> f32 {
    const FAR: f32 = 1.25;
    let most = maps
        .iter()
        .flat_map(|map| map.mean())
        .filter(|value| value.is_finite())
        .fold(0.0, |most: f32, value| order::larger(most, value.abs()));
    match maps.iter().all(|map| map.normalized().is_ok()) {
        true if most <= FAR => 1.0,
        _ if most > 0.0 => round_up(most),
        _ => 1.0,
    }
}

/// Heatmaps without the cells that are hidden: masked where all of them hide one, else none of their own numbers.
fn masked(maps: impl IntoIterator<Item = (String, (Array2<f32>, Array2<bool>))>) -> Heatmap {
    let maps: Vec<_> = maps.into_iter().collect();
    let all = maps.iter().map(|(_, (_, hidden))| hidden.clone()).reduce(|all, hidden| all & hidden).unwrap_or_default();
    let shown = maps.into_iter().map(|(name, (mut values, hidden))| {
        values.zip_mut_with(&hidden, |value, &hidden| *value = if hidden { f32::NAN } else { *value });
        (name, values)
    });
    let map = Heatmap::facets(shown);
    if all.iter().any(|&hidden| hidden) { map.mask(all) } else { map }
}

/// A heatmap along two axes of a map; layers go up.
fn labelled(map: Heatmap, y: &MapAxis, x: &MapAxis) -> Heatmap {
    let map = match &x.labels {
        AxisLabels::Tokens(tokens) => map.x(x.name.as_str()).x_tokens(tokens.clone()),
        AxisLabels::Names(names) => map.x(x.name.as_str()).x_names(names.clone()),
        AxisLabels::Numbers => map.x_index(x.name.as_str()),
    };
    match &y.labels {
        AxisLabels::Tokens(tokens) => map.y(y.name.as_str()).y_tokens(tokens.clone()),
        AxisLabels::Names(names) => map.y(y.name.as_str()).y_names(names.clone()),
        AxisLabels::Numbers => map.y_index(y.name.as_str()).upward(),
    }
}

/// Draws several maps as one picture: those with the same two axes are facets on one scale, each under its name.
///
/// # Errors
/// When there are no maps, or a value is not finite.
pub(super) fn together(maps: &[PatchSweep]) -> Result<Figure> {
    // Key heads are repeated, so that maps of keys and of queries lie on the same axes.
    let maps: Vec<PatchSweep> = maps.iter().map(PatchSweep::ungrouped).collect();
    let mut groups: Vec<Vec<&PatchSweep>> = Vec::new();
    for map in &maps {
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
            let facets = group.iter().map(|map| (map.name.clone(), (two(map.mean()), two(map.hidden()))));
            let map = masked(facets).title(&first.deed).value(first.legend()).range(-most, most);
            labelled(map, &first.axes[0], &first.axes[1]).draw()
        }
        [one] => one.figure(),
        [] => Heatmap::new(Array2::<f32>::zeros((0, 0))).draw(),
    };
    Ok(column(groups.into_iter().map(figure).collect::<Result<Vec<_>>>()?))
}

/// The values along two axes.
fn two<T: Clone + Default>(values: ArrayD<T>) -> Array2<T> {
    values.into_dimensionality::<Ix2>().unwrap_or_default()
}

impl Show for PatchSweep {
    fn html(&self) -> String {
        self.figure().html()
    }

    fn plain(&self) -> String {
        self.figure().plain()
    }

    /// Several maps of one experiment, side by side where they have the same axes.
    fn html_of_all(all: &[Self]) -> String {
        together(all).html()
    }

    fn plain_of_all(all: &[Self]) -> String {
        together(all).plain()
    }
}

shown! {
    /// Shows the map in a notebook.
    PatchSweep
}
