//! How weights are shown in a notebook: a table of names and shapes.

use super::WeightViews;
use crate::notebook::Card;
use candle_core::Tensor;

impl WeightViews {
    fn card(&self) -> Card {
        let named = self.named().unwrap_or_default();
        let once = |name: &str| !name.split('.').any(|part| part.parse::<usize>().is_ok_and(|layer| layer > 0));
        let row =
            |(name, tensor): &(String, Tensor)| [name.replacen(".0.", ".{layer}.", 1), format!("{:?}", tensor.dims())];
        let rows = named.iter().filter(|(name, _)| once(name)).map(row);
        let title = format!("Weights of {}", self.model.name());
        Card::new(&title)
            .table(&["name", "shape"], rows)
            .note("Read one with weights().get(name) or a method such as weights().w_q(layer).")
    }
}

shown! {
    /// Shows the names and shapes in a notebook. Layer 0 stands for all layers.
    WeightViews: card
}
