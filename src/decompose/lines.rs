//! Attributions along the layers and by head.

use super::LogitAttribution;
use crate::{
    Result,
    error::RunError,
    plot::{Figure, Heatmap, LineChart, Series, Top},
};
use ndarray::Array2;

impl LogitAttribution {
    /// Draws the parts along the layers, at the last position (see [`LogitAttribution::at_last`]).
    ///
    /// For streams ([`Run::accumulated_resid`](crate::model::Run::accumulated_resid)) this is one line that shows how
    /// the answer builds up. For components ([`Run::decompose`](crate::model::Run::decompose)) there is a line for
    /// attention, one for cross attention if there is any, and one for the MLPs. For layers
    /// ([`Run::decompose_layers`](crate::model::Run::decompose_layers)) there is one line; the embeddings are left out.
    ///
    /// # Errors
    /// When there are no parts, or no number is finite.
    ///
    /// # Examples
    /// ```
    /// use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// let streams = run.accumulated_resid(Site::resid_post(1), false)?;
    /// let figure = streams.positions([-1])?.logit_attrs("owl", "red")?.line()?;
    /// assert!(figure.to_svg().contains("final_post"));
    /// let parts = run.decompose(Site::resid_post(1))?.positions([-1])?;
    /// assert!(parts.logit_attrs("owl", "red")?.line()?.to_svg().contains("<title>attention, layer 1: "));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn line(&self) -> Result<Figure> {
        let chart = LineChart::new().baseline("zero", 0.0);
        let values = self.at_last()?;
        let kinds = [
            ("attention", "", "_attn_out"),
            ("cross attention", "", "_cross_attn_out"),
            ("MLP", "", "_mlp_out"),
            ("layer", "L", ""),
        ];
        let lines = kinds.map(|(name, start, end)| {
            let layer = |label: &String| label.strip_prefix(start)?.strip_suffix(end)?.parse::<u16>().ok();
            let points = self.labels.iter().zip(&values).filter_map(|(label, &value)| Some((layer(label)?, value)));
            (name, points.unzip::<_, _, Vec<u16>, Vec<f32>>())
        });
        if lines.iter().all(|(_, (layers, _))| layers.is_empty()) {
            let names = self.labels();
            let title = format!("{} read from the stream after each step, at the last position", self.measured_name());
            let chart = chart.title(title).x("residual stream").y(self.unit());
            return chart.x_names(names).add(Series::new("stream", values)).draw();
        }
        let drawn = lines.into_iter().filter(|(_, (layers, _))| !layers.is_empty());
        let series =
            drawn.map(|(name, (layers, values))| Series::new(name, values).at(layers.into_iter().map(f32::from)));
        let chart = chart.title(self.title("layer")).x("layer").y(self.unit());
        series.fold(chart, LineChart::add).draw()
    }

    /// The contributions of the heads, if the parts include heads
    /// ([`Run::decompose_heads`](crate::model::Run::decompose_heads)), at the last position (see
    /// [`LogitAttribution::at_last`]). [`LogitAttribution::by_cross_head`] has those of cross attention.
    ///
    /// # Shapes
    /// `[layer, head]`
    ///
    /// # Errors
    /// When no part is a head.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// let heads = run.decompose_heads(Site::resid_post(1))?.logit_attrs("owl", "red")?.by_head()?;
    /// assert!(heads.dim() == (2, 4) && heads[[1, 0]] > heads[[1, 1]]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn by_head(&self) -> Result<Array2<f32>> {
        self.heads_after("L")?.ok_or_else(|| RunError::NoHeads.into())
    }

    /// As [`LogitAttribution::by_head`], for the heads of the decoder's cross attention in an encoder-decoder.
    ///
    /// # Shapes
    /// `[layer, head]`
    ///
    /// # Errors
    /// When no part is a head of cross attention.
    pub fn by_cross_head(&self) -> Result<Array2<f32>> {
        self.heads_after("cross L")?.ok_or_else(|| RunError::NoCrossHeads.into())
    }

    /// The numbers of the heads whose labels begin so, where there are any.
    fn heads_after(&self, start: &str) -> Result<Option<Array2<f32>>> {
        let numbered = |label: &str| -> Option<(usize, usize)> {
            let (layer, head) = label.strip_prefix(start)?.split_once('H')?;
            Some((layer.parse().ok()?, head.parse().ok()?))
        };
        let places: Vec<_> = self.labels.iter().map(|label| numbered(label)).collect();
        let size = |of: fn(&(usize, usize)) -> usize| places.iter().flatten().map(|at| of(at) + 1).max();
        let Some(shape) = size(|at| at.0).zip(size(|at| at.1)) else { return Ok(None) };
        let mut by_head = Array2::zeros(shape);
        let heads = places.into_iter().zip(self.at_last()?).filter_map(|(place, value)| Some((place?, value)));
        heads.for_each(|(at, value)| by_head[at] = value);
        Ok(Some(by_head))
    }

    /// Returns the `k` heads with the largest contributions by absolute value: layer, head, contribution. It includes
    /// the heads of [`LogitAttribution::by_head`] only; [`LogitAttribution::top`] also lists heads of cross attention.
    ///
    /// # Errors
    /// When no part is a head.
    ///
    /// # Examples
    /// ```
    /// use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// let given = run.decompose_heads(Site::resid_post(1))?.logit_attrs("owl", "red")?;
    /// assert_eq!(given.top_heads(1)?, [(1, 0, given.by_head()?[[1, 0]])]); // the induction head says it
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn top_heads(&self, k: usize) -> Result<Top<(usize, usize, f32)>> {
        let heads = self.by_head()?;
        let row = |((layer, head), &value)| (format!("L{layer}H{head}"), value, (layer, head, value));
        let all = heads.indexed_iter().map(row);
        Ok(Top::of(k, &self.title("head"), self.unit(), all))
    }

    /// Draws [`LogitAttribution::by_head`] as a grid, and prints the values of the strongest heads. If there are heads
    /// of cross attention, [`LogitAttribution::by_cross_head`] is drawn beside it on the same scale.
    ///
    /// # Errors
    /// When no part is a head.
    ///
    /// # Examples
    /// ```
    /// use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// let given = run.decompose_heads(Site::resid_post(1))?.logit_attrs("owl", "red")?;
    /// let said = format!("layer 1, head 0: {:.1}", given.by_head()?[[1, 0]]);
    /// assert!(given.head_grid()?.to_svg().contains(&said), "{said}");
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn head_grid(&self) -> Result<Figure> {
        let grids = match self.heads_after("cross L")? {
            Some(across) => Heatmap::facets([("self-attention", self.by_head()?), ("cross attention", across)]),
            None => Heatmap::new(self.by_head()?),
        };
        grids
            .title("Contribution of each head at the last position")
            .value("direct effect")
            .y_index("layer")
            .x_index("head")
            .upward()
            .draw()
    }
}
