//! How a cache is shown in a notebook: a table of sites and shapes.

use super::ActivationCache;
use crate::notebook::Card;

impl ActivationCache {
    fn card(&self) -> Card {
        let title = format!("{} recorded sites, {:.1} MB", self.len(), self.bytes() as f64 / 1e6);
        let row = |(site, tensor): (crate::site::Site, candle_core::Tensor)| {
            [site.to_string(), format!("[{}]", site.shape_in_words()), format!("{:?}", tensor.dims())]
        };
        Card::new(&title).table(&["site", "axes", "shape"], self.iter().map(row))
    }
}

shown! {
    /// Shows a table of the recorded sites in a notebook.
    ActivationCache: card
}
