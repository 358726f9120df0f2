//! [`Series`]: one line of a [`LineChart`](super::LineChart).

use std::fmt;

use super::data::{Kept, ToValues};
use crate::{Result, error::PlotError, printable::printable};

/// One line of a [`LineChart`](super::LineChart).
///
/// # Examples
/// ```
/// use glassbox::plot::Series;
/// let test = Series::new("test", [0.61, 0.74, 0.93]).at([1.0, 4.0, 16.0]).sd([0.02, 0.01, 0.01]);
/// # let _ = test;
/// ```
#[derive(Clone)]
pub struct Series {
    pub(crate) label: String,
    x: Option<Vec<f32>>,
    pub(crate) y: Vec<f32>,
    sd: Option<Vec<f32>>,
    kept: Kept,
}

impl Series {
    /// A named line through values at 0, 1, 2, ...
    ///
    /// A value that is not finite leaves a gap.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let chart = LineChart::new().add(Series::new("loss", [3.0, 2.0, 1.5])).draw()?;
    /// assert!(chart.to_svg().contains("loss"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn new<Kind>(label: impl Into<String>, values: impl ToValues<Kind>) -> Self {
        let mut kept = Kept::default();
        Self { label: printable(&label.into()), x: None, y: kept.take(values.to_values()), sd: None, kept }
    }

    /// The x values of the points.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let chart = LineChart::new().add(Series::new("loss", [3.0, 2.0]).at([0, 100])).x("step").draw()?;
    /// assert!(chart.to_svg().contains("step 100"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn at<Kind>(mut self, x: impl ToValues<Kind>) -> Self {
        self.x = Some(self.kept.take(x.to_values()));
        self
    }

    /// The standard deviation of each value, drawn as a band.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let series = Series::new("accuracy", [0.7, 0.9]).sd([0.1, 0.05]);
    /// assert!(LineChart::new().add(series).draw()?.to_svg().contains("0.9 ± 0.05"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn sd<Kind>(mut self, sd: impl ToValues<Kind>) -> Self {
        self.sd = Some(self.kept.take(sd.to_values()));
        self
    }

    /// The x, y and standard deviation of every point, in data units.
    pub(crate) fn points(&self) -> impl Iterator<Item = (f64, f64, f64)> + '_ {
        self.y.iter().enumerate().map(|(i, &y)| {
            let x = self.x.as_ref().and_then(|x| x.get(i)).map_or(i as f64, |&x| f64::from(x));
            let sd = self.sd.as_ref().and_then(|sd| sd.get(i)).map_or(0.0, |&sd| f64::from(sd));
            (x, f64::from(y), if sd.is_finite() { sd.abs() } else { 0.0 })
        })
    }

    /// The runs of consecutive finite points.
    pub(crate) fn stretches(&self) -> Vec<Vec<(f64, f64, f64)>> {
        let points: Vec<_> = self.points().collect();
        let finite = |&(x, y, _): &(f64, f64, f64)| x.is_finite() && y.is_finite();
        points.split(|point| !finite(point)).filter(|run| !run.is_empty()).map(<[_]>::to_vec).collect()
    }

    pub(crate) fn has_sd(&self) -> bool {
        self.sd.is_some()
    }

    /// Checks that x and the standard deviations have as many entries as the values.
    pub(crate) fn check(&self) -> Result<()> {
        self.kept.check()?;
        for (others, what) in [(&self.x, "places on the x axis"), (&self.sd, "standard deviations")] {
            match others {
                Some(others) if others.len() != self.y.len() => {
                    let (series, ys, others) = (self.label.clone(), self.y.len(), others.len());
                    return Err(PlotError::Lengths { series, ys, others, what }.into());
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// The line's name and the number of its values.
impl fmt::Debug for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: a line of {} values", self.label, self.y.len())
    }
}
