//! A map as a picture.

use super::{PatchSweep, result::Side};
use crate::{
    Result,
    notebook::Show,
    plot::{Figure, Heatmap, column},
};
use ndarray::{Array2, Axis, Ix2};

impl PatchSweep {
    /// The map as heatmaps on one scale around 0: two axes as one picture, a third as facets, a fourth as facets for
    /// each of the first.
    ///
    /// # Errors
    /// When a value is not finite.
    pub fn figure(&self) -> Result<Figure> {
        let mean = self.mean();
        let most = mean.iter().fold(0f32, |most, value| most.max(value.abs()));
        let most = most.max(if self.normalized().is_ok() { 1.0 } else { f32::MIN_POSITIVE });
        let title = format!("{}: {}", self.deed, self.name);
        let two =
            |array: ndarray::ArrayD<f32>| array.into_dimensionality::<Ix2>().unwrap_or_else(|_| Array2::zeros((0, 0)));
        let value = self.scale();
        let finish = |map: Heatmap, y: &Side, x: &Side, title: &str| {
            let map = map.title(title).value(value.as_str()).range(-most, most).print(8);
            let map = match &x.tokens {
                Some(tokens) => map.x_tokens(x.name.as_str(), tokens.clone()),
                None => map.x_index(x.name.as_str()),
            };
            match &y.tokens {
                Some(tokens) => map.y_tokens(y.name.as_str(), tokens.clone()),
                None => map.y_index(y.name.as_str()).upward(),
            }
        };
        match &self.sides[..] {
            [y, x] => finish(Heatmap::new(two(mean)), y, x, &title).draw(),
            // Layer, position, head: one facet per head.
            [y, x, facet] => {
                let map = |at: usize| (format!("{} {at}", facet.name), two(mean.index_axis(Axis(2), at).to_owned()));
                finish(Heatmap::facets((0..facet.len).map(map)), y, x, &title).draw()
            }
            [row, facet, y, x] => {
                let one = |at: usize| {
                    let of_row = mean.index_axis(Axis(0), at);
                    let map = |nth| (format!("{} {nth}", facet.name), two(of_row.index_axis(Axis(0), nth).to_owned()));
                    let title = format!("{title}, {} {at}", row.name);
                    finish(Heatmap::facets((0..facet.len).map(map)), y, x, &title).draw()
                };
                Ok(column((0..row.len).map(one).collect::<Result<Vec<_>>>()?))
            }
            _ => finish(Heatmap::new(Array2::zeros((0, 0))), &Side::index("", 0), &Side::index("", 0), &title).draw(),
        }
    }

    /// Shows the map in a notebook.
    pub fn evcxr_display(&self) {
        Show::evcxr_display(self);
    }
}

impl Show for PatchSweep {
    fn html(&self) -> String {
        self.figure().html()
    }

    fn plain(&self) -> String {
        self.figure().plain()
    }
}
