//! [`Agreement`]: compares two maps of the same cells.

use super::PatchSweep;
use crate::{
    Result,
    error::PatchError,
    order::{any_nan, rising},
    plot::{Figure, Scatter},
};
use ndarray::Dimension;
use std::borrow::Borrow;

/// Two maps of the same cells, compared cell by cell: how well an approximation matches exact patching.
///
/// Made by [`PatchSweep::agreement`] and [`EdgeScores::agreement`](super::graph::EdgeScores::agreement). Shown as a
/// scatter plot.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?;
/// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
/// let (clean, corrupt) = ("red fox blue owl tree red fox", "red owl blue fox tree red fox");
/// let patching = Patching::new(&model, clean, corrupt, metric)?;
/// let map = patching.heads(HeadPart::Out)?;
/// assert_eq!(map.agreement(&map)?.correlation(), 1.0);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct Agreement {
    cells: Vec<(String, f32, f32)>,
    names: (String, String),
}

impl PatchSweep {
    /// Compares this map with another of the same cells. If one is by query head and the other by key head, the latter
    /// is repeated for the query heads that share it ([`PatchSweep::ungrouped`]). Cells that are missing in one of them
    /// are left out.
    ///
    /// # Errors
    /// When the other map has other axes.
    ///
    /// # Examples
    /// Attribution from one gradient and integrated gradients, against exact patching of every position of the stream:
    /// ```
    /// use glassbox::{patching::{Metric, Patching}, prelude::*};
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let exact =
    ///     Patching::new(&model, "red fox blue owl tree red fox", "red owl blue fox tree red fox", metric)?;
    /// let map = exact.resid_pre()?;
    /// let one = map.agreement(&exact.attribution()?.resid_pre()?)?;
    /// let ten = map.agreement(&exact.integrated_gradients(10)?.resid_pre()?)?;
    /// assert!(ten.correlation() > 0.9 && ten.correlation() > one.correlation());
    /// ten.figure()?; // a point for each layer and position
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn agreement(&self, other: impl Borrow<Self>) -> Result<Agreement> {
        let other = other.borrow();
        if self.axes != other.axes && self.axes.len() == other.axes.len() {
            let (ours, theirs) = (self.ungrouped(), other.ungrouped());
            return ours.agreement_where(&theirs, |at| Some(ours.cell_name(at)));
        }
        self.agreement_where(other, |at| Some(self.cell_name(at)))
    }

    /// Of the cells that have a name.
    pub(super) fn agreement_where(&self, other: &Self, name: impl Fn(&[usize]) -> Option<String>) -> Result<Agreement> {
        let (ours, theirs) = (self.mean(), other.mean());
        if ours.shape() != theirs.shape() {
            let (ours, theirs) = (ours.shape().to_vec(), theirs.shape().to_vec());
            return Err(PatchError::OtherMap { ours, theirs }.into());
        }
        let cells = ours
            .indexed_iter()
            .zip(&theirs)
            .filter(|((at, _), _)| !self.is_missing(at.slice()) && !other.is_missing(at.slice()))
            .filter_map(|((at, &ours), &theirs)| name(at.slice()).map(|name| (name, ours, theirs)));
        Ok(Agreement { cells: cells.collect(), names: (how(&self.deed), how(&other.deed)) })
    }
}

impl Agreement {
    /// The name of each cell, its value in the first map, and its value in the second.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let (clean, corrupt) = ("red fox blue owl tree red fox", "red owl blue fox tree red fox");
    /// let patching = Patching::new(&model, clean, corrupt, metric)?;
    /// let map = patching.heads(HeadPart::Out)?;
    /// assert_eq!(map.agreement(&map)?.cells()[0].0, "L0H0");
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn cells(&self) -> Vec<(String, f32, f32)> {
        self.cells.clone()
    }

    /// Pearson's correlation, -1 to 1. It is 0 if one of the maps is constant, and NaN if a cell is.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let (clean, corrupt) = ("red fox blue owl tree red fox", "red owl blue fox tree red fox");
    /// let patching = Patching::new(&model, clean, corrupt, metric)?;
    /// let exact = patching.heads(HeadPart::Pattern)?;
    /// let approximate = patching.attribution()?.heads(HeadPart::Pattern)?;
    /// assert!(exact.agreement(approximate)?.correlation() > 0.5);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn correlation(&self) -> f32 {
        let values = |of: fn(&(String, f32, f32)) -> f32| self.cells.iter().map(|cell| f64::from(of(cell))).collect();
        pearson(values(|cell| cell.1), values(|cell| cell.2)) as f32
    }

    /// Spearman's correlation of the absolute values. Their order decides which cells or edges are the strongest.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let (clean, corrupt) = ("red fox blue owl tree red fox", "red owl blue fox tree red fox");
    /// let patching = Patching::new(&model, clean, corrupt, metric)?;
    /// let map = patching.heads(HeadPart::Out)?;
    /// assert_eq!(map.agreement(&map)?.rank_correlation(), 1.0);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn rank_correlation(&self) -> f32 {
        pearson(ranks(self.cells.iter().map(|cell| cell.1.abs())), ranks(self.cells.iter().map(|cell| cell.2.abs())))
            as f32
    }

    /// Draws a point for each cell, and the line on which both maps agree.
    ///
    /// # Errors
    /// When there are no cells.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let metric = Metric::logit_diff(&model, "blue", "tree", 1)?;
    /// let (clean, corrupt) = ("red fox blue owl tree red fox", "red owl blue fox tree red fox");
    /// let patching = Patching::new(&model, clean, corrupt, metric)?;
    /// let exact = patching.heads(HeadPart::Out)?;
    /// let figure = exact.agreement(patching.integrated_gradients(10)?.heads(HeadPart::Out)?)?.figure()?;
    /// assert!(figure.to_svg().contains("L0H0"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn figure(&self) -> Result<Figure> {
        let title = format!("Cell by cell: correlation {:.2}", self.correlation());
        let (x, y) = (self.names.0.as_str(), self.names.1.as_str());
        Scatter::new(self.cells.iter().cloned()).title(title).x(x).y(y).named(8).diagonal().draw()
    }
}

shown! {
    /// Shows the points in a notebook.
    Agreement: figure
}

/// How the values were found: `attribution`, or exact patching.
fn how(deed: &str) -> String {
    deed.split_once(" by ").map_or("exact patching", |(_, how)| how).to_owned()
}

fn pearson(x: Vec<f64>, y: Vec<f64>) -> f64 {
    let centred = |values: Vec<f64>| {
        let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
        values.into_iter().map(|value| value - mean).collect::<Vec<_>>()
    };
    let (x, y) = (centred(x), centred(y));
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let length = (dot(&x, &x) * dot(&y, &y)).sqrt();
    if length == 0.0 { 0.0 } else { dot(&x, &y) / length }
}

/// The rank of each value; equal values share the mean of their ranks. All ranks are NaN if a value is.
fn ranks(values: impl Iterator<Item = f32>) -> Vec<f64> {
    let values: Vec<f32> = values.collect();
    if any_nan(&values) {
        return vec![f64::NAN; values.len()];
    }
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| rising(values[a], values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut place = 0;
    for equal in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let shared = place as f64 + (equal.len() - 1) as f64 / 2.0;
        equal.iter().for_each(|&at| ranks[at] = shared);
        place += equal.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Model,
        patching::{HeadPart, Metric, Patching},
    };

    #[test]
    fn correlations_are_those_of_the_textbook() {
        assert!((pearson(vec![1.0, 2.0, 3.0], vec![2.0, 4.0, 6.0]) - 1.0).abs() < 1e-12);
        assert!((pearson(vec![1.0, 2.0, 3.0, 4.0], vec![1.0, 3.0, 2.0, 4.0]) - 0.8).abs() < 1e-12);
        assert_eq!(pearson(vec![1.0, 1.0], vec![0.0, 5.0]), 0.0);
        assert_eq!(ranks([3.0, 1.0, 3.0, 2.0].into_iter()), [2.5, 0.0, 2.5, 1.0]);
        assert!(pearson(vec![1.0, f64::NAN], vec![0.0, 5.0]).is_nan());
        assert!(ranks([3.0, f32::NAN].into_iter()).iter().all(|rank| rank.is_nan()));
    }

    #[test]
    fn a_cell_has_one_name_wherever_it_is_shown() {
        let model = Model::open("induction-2l").unwrap();
        let metric = Metric::logit_diff(&model, "blue", "tree", 1).unwrap();
        let (clean, corrupt) = ("red fox blue owl tree red fox", "red owl blue fox tree red fox");
        let patching = Patching::new(&model, clean, corrupt, metric).unwrap();
        for sweep in [patching.resid_pre().unwrap(), patching.heads(HeadPart::Out).unwrap()] {
            let cells = sweep.agreement(&sweep).unwrap().cells();
            let strongest = sweep.top(3).labels();
            assert!(strongest.iter().all(|name| cells.iter().any(|cell| cell.0 == *name)), "{strongest:?} {cells:?}");
        }
    }
}
