//! [`Curve`]: the loss as training went on.

/// The loss at every step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curve {
    points: Vec<(usize, f32)>,
}

impl Curve {
    pub(super) fn push(&mut self, step: usize, loss: f32) {
        self.points.push((step, loss));
    }

    /// Step (from 1) and loss (nats) of every step.
    pub fn points(&self) -> &[(usize, f32)] {
        &self.points
    }

    /// The mean loss of each run of `width` steps, at the run's last step.
    pub fn smoothed(&self, width: usize) -> Vec<(usize, f32)> {
        let mean = |run: &[(usize, f32)]| {
            let sum: f32 = run.iter().map(|(_, loss)| loss).sum();
            (run[run.len() - 1].0, sum / run.len() as f32)
        };
        self.points.chunks(width.max(1)).map(mean).collect()
    }
}
