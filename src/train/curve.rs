//! [`Curve`] and [`History`]: the loss during training.

use crate::plot::{LineChart, Series};
use std::fmt::Write;

/// The loss at some of the steps.
///
/// # Examples
/// ```
/// use glassbox::train::{self, Training};
/// let mut recipe = train::recipe("induction")?;
/// recipe.schedule_mut().steps = 4;
/// let mut training = Training::start(recipe)?;
/// training.run(|_| Ok(()))?;
/// assert_eq!(training.history().train.smoothed(2).points().len(), 2); // means of two steps
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Default, PartialEq)]
pub struct Curve {
    points: Vec<(usize, f32)>,
}

impl Curve {
    pub(super) fn new(points: Vec<(usize, f32)>) -> Self {
        Self { points }
    }

    pub(super) fn push(&mut self, step: usize, loss: f32) {
        self.points.push((step, loss));
    }

    /// The steps (from 1) and losses (in nats), in order.
    pub fn points(&self) -> Vec<(usize, f32)> {
        self.points.clone()
    }

    /// The last loss, in nats.
    pub fn last(&self) -> Option<f32> {
        self.points.last().map(|(_, loss)| *loss)
    }

    /// Returns the mean loss of each group of `width` points, at the last step of the group.
    pub fn smoothed(&self, width: usize) -> Self {
        let mean = |run: &[(usize, f32)]| {
            let sum: f32 = run.iter().map(|(_, loss)| loss).sum();
            Some((run.last()?.0, sum / run.len() as f32))
        };
        Self::new(self.points.chunks(width.max(1)).filter_map(mean).collect())
    }

    fn series(&self, name: &str) -> Series {
        let series = Series::new(name, self.points.iter().map(|(_, loss)| *loss));
        series.at(self.points.iter().map(|(step, _)| *step as f32))
    }
}

/// The losses of a training run.
///
/// # Examples
/// ```
/// use glassbox::train::{self, Training};
/// let training = Training::start(train::recipe("induction")?)?;
/// assert!(training.history().csv().starts_with("step,loss,held_out")); // no step yet
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// The loss at every step, on that step's texts, including what the recipe adds to it.
    pub train: Curve,
    /// The loss on held-out texts, at some steps.
    pub held_out: Curve,
}

impl History {
    /// Returns rows of `step,loss,held_out`: the mean loss of every ten steps, and the held-out loss where it was
    /// measured.
    pub fn csv(&self) -> String {
        let mut rows = String::from("step,loss,held_out\n");
        for (step, loss) in self.train.smoothed(10).points() {
            let held_out = self.held_out.points.iter().find(|(at, _)| *at == step);
            let held_out = held_out.map(|(_, loss)| format!("{loss:.5e}")).unwrap_or_default();
            // Writing to a string cannot fail.
            let _ = writeln!(rows, "{step},{loss:.5e},{held_out}");
        }
        rows
    }

    /// Returns both losses as a chart that can be drawn.
    pub fn chart(&self, title: &str) -> LineChart {
        let smooth = self.train.smoothed(self.train.points.len().div_ceil(100));
        let chart = LineChart::new().title(title).x("step").y("loss (nats)").add(smooth.series("training"));
        match self.held_out.points.is_empty() {
            true => chart,
            false => chart.add(self.held_out.series("held out")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn held_out_losses_stand_beside_the_mean_of_their_ten_steps() {
        let train = Curve::new((1..=25).map(|step| (step, step as f32)).collect());
        let history = History { train, held_out: Curve::new(vec![(20, 7.0)]) };
        let rows = ["step,loss,held_out", "10,5.50000e0,", "20,1.55000e1,7.00000e0", "25,2.30000e1,", ""];
        assert_eq!(history.csv(), rows.join("\n"));
        assert!(history.chart("a training").draw().unwrap().to_svg().contains("held out"));
    }
}
