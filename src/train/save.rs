//! Writing a trained model as a folder that [`Model::open`](crate::Model::open) reads.

use super::induction::Trained;
use crate::{
    Error, Result,
    plot::{Figure, LineChart, Series},
};
use std::{fs, path::Path};

impl Trained {
    /// The loss as training went on.
    ///
    /// # Errors
    /// When there was not a single step.
    pub fn loss_figure(&self) -> Result<Figure> {
        let points = self.curve.smoothed(self.curve.points().len().div_ceil(100));
        let series = Series::new("loss", points.iter().map(|(_, loss)| *loss));
        let series = series.at(points.iter().map(|(step, _)| *step as f32));
        let chart = LineChart::new().title("Training loss of induction-2l").x("step").y("loss (nats)").add(series);
        chart.draw()
    }

    /// Writes `config.json`, `model.safetensors`, `tokenizer.json`, `loss.csv` and `loss.svg` into a folder.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn save(&self, folder: impl AsRef<Path>) -> Result<()> {
        let folder = folder.as_ref();
        let write = |name: &str, content: &str| {
            let path = folder.join(name);
            fs::write(&path, content).map_err(|error| Error::io(format!("{} cannot be written", path.display()), error))
        };
        self.model.save_native(folder)?;
        let rows = self.curve.smoothed(10).into_iter().map(|(step, loss)| format!("{step},{loss:.5}\n"));
        write("loss.csv", &format!("step,loss\n{}", rows.collect::<String>()))?;
        self.loss_figure()?.save(folder.join("loss.svg"))
    }
}
