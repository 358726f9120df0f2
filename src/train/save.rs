//! Writing a trained model as a folder that [`Model::open`](crate::Model::open) reads.

use super::{induction::Trained, vocabulary};
use crate::{
    Error, Result,
    cache::save_tensors,
    model::Config,
    plot::{Figure, LineChart, Series},
};
use serde_json::json;
use std::{fs, path::Path};

/// The configuration in TransformerLens's field names.
fn config_json(config: &Config, bos: &str) -> String {
    let json = json!({
        "model_type": config.family,
        "n_layers": config.n_layers,
        "d_model": config.d_model,
        "n_heads": config.n_heads,
        "d_head": config.d_head,
        "d_vocab": config.d_vocab,
        "n_ctx": config.n_ctx,
        "attn_only": config.attn_only,
        "act_fn": null,
        "normalization_type": "LN",
        "positional_embedding_type": "standard",
        "eps": config.eps,
        "bos_token": bos,
    });
    format!("{json:#}\n")
}

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
        fs::create_dir_all(folder).map_err(|error| Error::io(format!("{} cannot be made", folder.display()), error))?;
        write("config.json", &config_json(self.model.config(), "<bos>"))?;
        write("tokenizer.json", &vocabulary::tokenizer_json(&super::induction::words()))?;
        let rows = self.curve.smoothed(10).into_iter().map(|(step, loss)| format!("{step},{loss:.5}\n"));
        write("loss.csv", &format!("step,loss\n{}", rows.collect::<String>()))?;
        let weights: Vec<_> =
            self.parameters.0.iter().map(|(name, var)| (name.clone(), var.as_tensor().clone())).collect();
        save_tensors(&weights, &folder.join("model.safetensors"))?;
        self.loss_figure()?.save(folder.join("loss.svg"))
    }
}
