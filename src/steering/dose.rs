//! [`DoseCurve`]: a metric against the strength of an added direction.

use super::Direction;
use crate::{
    Model, Result,
    error::SteerError,
    model::ToTokens,
    patching::Metric,
    plot::{Figure, LineChart, Series},
};
use ndarray::{Array2, Axis};

/// A metric against the strength with which a direction was added.
///
/// Shown as a line.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let model = Model::open("induction-2l")?;
/// let direction = Direction::between(&model, Site::resid_post(1), -1, ["fox owl red fox"], ["fox ant red fox"])?;
/// let metric = Metric::probability(&model, "owl", 1)?;
/// let curve = direction.dose(&model, "hat sun dog hat", [0.0, 2.0], &metric)?; // a line, in a notebook
/// assert_eq!(curve.values().dim(), (2, 1)); // [strength, batch]
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct DoseCurve {
    title: String,
    metric: String,
    strengths: Vec<f32>,
    /// `[strength, batch]`
    values: Array2<f32>,
    untouched: f32,
}

impl Direction {
    /// Runs prompts with the direction added at each strength, and measures the metric on each run.
    ///
    /// # Errors
    /// Fails when there are no strengths, the prompts cannot be read, the direction does not fit the model, or the
    /// metric does not fit the prompts.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{patching::Metric, prelude::*, steering::Direction};
    /// let model = Model::open("induction-2l")?;
    /// let (owl, others) = (["fox owl red fox", "blue owl tree blue"], ["fox ant red fox", "blue cat tree blue"]);
    /// let direction = Direction::between(&model, Site::resid_post(1), -1, owl, others)?;
    /// let metric = Metric::probability(&model, "owl", 1)?;
    /// let curve = direction.dose(&model, "hat sun dog hat", [-1.0, 0.0, 1.0, 2.0], &metric)?;
    /// let mean = curve.mean();
    /// assert!(mean[0] <= mean[1] && mean[1] < mean[2] && mean[2] < mean[3], "{mean:?}");
    /// curve.figure()?; // a picture
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn dose(
        &self,
        model: &Model,
        prompts: impl ToTokens,
        strengths: impl IntoIterator<Item = f64>,
        metric: &Metric,
    ) -> Result<DoseCurve> {
        let (prompts, strengths) = (model.tokens(prompts)?, strengths.into_iter().collect::<Vec<_>>());
        if strengths.is_empty() {
            return Err(SteerError::NoStrength.into());
        }
        let run = |interventions: Vec<_>| {
            let pass = model.pass(&prompts)?.intervene(interventions);
            let pass = match metric.one_position() {
                Some(position) => pass.logits_at([position]),
                None => pass,
            };
            metric.of(&pass.run()?)
        };
        let untouched = run(Vec::new())?;
        let values = strengths.iter().map(|&strength| run(vec![self.add(strength)?])).collect::<Result<Vec<_>>>()?;
        let values = Array2::from_shape_vec((strengths.len(), prompts.batch()), values.concat())?;
        Ok(DoseCurve {
            title: format!("Adding a direction at {}", self.site()),
            metric: metric.name().to_owned(),
            strengths: strengths.into_iter().map(|strength| strength as f32).collect(),
            values,
            untouched: untouched.iter().sum::<f32>() / untouched.len() as f32,
        })
    }
}

impl DoseCurve {
    /// The strengths: multiples of the direction that were added.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let direction = Direction::new(Site::resid_post(1), vec![1f32; 64])?;
    /// let curve = direction.dose(&model, "red fox red", [0.0, 0.5], &Metric::logit(&model, "fox", 1)?)?;
    /// assert_eq!(curve.strengths(), [0.0, 0.5]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn strengths(&self) -> Vec<f32> {
        self.strengths.clone()
    }

    /// The metric of every prompt at every strength.
    ///
    /// # Shapes
    /// `[strength, batch]`
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let direction = Direction::new(Site::resid_post(1), vec![1f32; 64])?;
    /// let curve = direction.dose(&model, "red fox red", [0.0, 0.5], &Metric::logit(&model, "fox", 1)?)?;
    /// assert_eq!(curve.values().dim(), (2, 1)); // [strength, batch]
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn values(&self) -> Array2<f32> {
        self.values.clone()
    }

    /// The mean over prompts at each strength.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let direction = Direction::new(Site::resid_post(1), vec![1f32; 64])?;
    /// let curve = direction.dose(&model, "red fox red", [0.0, 0.5], &Metric::logit(&model, "fox", 1)?)?;
    /// assert_eq!(curve.mean().len(), 2);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn mean(&self) -> Vec<f32> {
        self.values.mean_axis(Axis(1)).map(|mean| mean.to_vec()).unwrap_or_default()
    }

    /// The mean over prompts without the direction.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let direction = Direction::new(Site::resid_post(1), vec![1f32; 64])?;
    /// let curve = direction.dose(&model, "red fox red", [0.0], &Metric::logit(&model, "fox", 1)?)?;
    /// assert!((curve.untouched() - curve.mean()[0]).abs() < 1e-4);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn untouched(&self) -> f32 {
        self.untouched
    }

    /// Draws the mean as a line, with a band of one standard deviation if there are several prompts.
    ///
    /// # Errors
    /// Fails when no value is finite.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let model = Model::open("induction-2l")?;
    /// let direction = Direction::new(Site::resid_post(1), vec![1f32; 64])?;
    /// let curve = direction.dose(&model, "red fox red", [0.0, 0.5], &Metric::logit(&model, "fox", 1)?)?;
    /// assert!(curve.figure()?.to_svg().contains("<svg"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn figure(&self) -> Result<Figure> {
        let series = Series::new(self.metric.as_str(), self.mean()).at(self.strengths.iter().copied());
        let series = match self.values.ncols() {
            1 => series,
            _ => series.sd(self.values.std_axis(Axis(1), 0.0)),
        };
        LineChart::new()
            .title(self.title.as_str())
            .x("strength")
            .y(self.metric.as_str())
            .add(series)
            .baseline("untouched", self.untouched)
            .draw()
    }
}

shown! {
    /// Shows the line in a notebook.
    DoseCurve: figure
}
