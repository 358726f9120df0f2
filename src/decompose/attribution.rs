//! [`Attribution`]: a number for every part, every text and every position.

use crate::{
    Result,
    notebook::Show,
    plot::{Bars, Figure},
    text::Tokens,
};
use candle_core::{DType, Tensor};
use ndarray::Array3;

/// How much each part of the residual stream gave: to a logit, to a difference of logits, or along any direction.
///
/// Made by [`ResidStack::logit_attrs`](super::ResidStack::logit_attrs) and
/// [`ResidStack::project`](super::ResidStack::project). Shown in a notebook as the bars of the strongest parts.
#[derive(Clone, Debug)]
pub struct Attribution {
    labels: Vec<String>,
    values: Tensor,
    tokens: Tokens,
    positions: Vec<u32>,
    constant: Vec<f32>,
}

impl Attribution {
    pub(super) fn new(labels: Vec<String>, values: Tensor, tokens: Tokens, positions: Vec<u32>) -> Self {
        let constant = vec![0.0; tokens.batch()];
        Self { labels, values, tokens, positions, constant }
    }

    /// # Shapes
    /// `scale`: `[one, batch, pos]`
    pub(super) fn over(self, scale: &Tensor) -> Result<Self> {
        Ok(Self { values: self.values.broadcast_div(scale)?, ..self })
    }

    pub(super) fn with_constant(self, constant: Vec<f32>) -> Self {
        Self { constant, ..self }
    }

    /// The name of each part.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// The numbers.
    ///
    /// # Shapes
    /// `[component, batch, pos]`
    pub fn values(&self) -> &Tensor {
        &self.values
    }

    /// The numbers as an array.
    ///
    /// # Shapes
    /// `[component, batch, pos]`
    ///
    /// # Errors
    /// When memory runs out.
    pub fn to_array(&self) -> Result<Array3<f32>> {
        let values = self.values.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?;
        let shape = self.values.dims3()?;
        Array3::from_shape_vec(shape, values).map_err(|error| candle_core::Error::Msg(error.to_string()).into())
    }

    /// What belongs to no part, by text: the biases of the final norm and of the unembedding.
    pub fn constant(&self) -> &[f32] {
        &self.constant
    }

    /// The mean over texts of each part's number at the last position that is left (of each text, where it is padded
    /// and all positions are left).
    ///
    /// # Shapes
    /// `[component]`
    ///
    /// # Errors
    /// When memory runs out.
    pub fn at_last(&self) -> Result<Vec<f32>> {
        let values = self.to_array()?;
        let (components, batch, pos) = values.dim();
        let last = |text: usize| {
            let end = self.tokens.real(text).end as u32;
            self.positions.iter().rposition(|&position| position < end).unwrap_or(pos - 1)
        };
        let mean = |component: usize| (0..batch).map(|text| values[[component, text, last(text)]]).sum::<f32>();
        Ok((0..components).map(|component| mean(component) / batch as f32).collect())
    }

    /// The `k` parts with the largest numbers either way (see [`Attribution::at_last`]), largest first.
    pub fn top(&self, k: usize) -> Vec<(String, f32)> {
        let values = self.at_last().unwrap_or_default();
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|&a, &b| values[b].abs().total_cmp(&values[a].abs()).then(a.cmp(&b)));
        order.into_iter().take(k).map(|at| (self.labels[at].clone(), values[at])).collect()
    }

    /// Bars of the `k` strongest parts.
    ///
    /// # Errors
    /// When a number is not finite.
    pub fn draw_top(&self, k: usize) -> Result<Figure> {
        Bars::new(self.top(k)).title("What each part gave at the last position").value("direct effect").draw()
    }
}

impl Attribution {
    /// Shows the bars of the strongest parts in a notebook.
    pub fn evcxr_display(&self) {
        Show::evcxr_display(self);
    }
}

impl Show for Attribution {
    fn html(&self) -> String {
        match self.draw_top(12) {
            Ok(figure) => figure.html(),
            Err(error) => error.to_string(),
        }
    }

    fn plain(&self) -> String {
        self.top(12).into_iter().map(|(label, value)| format!("{label:>12} {value:+.3}\n")).collect()
    }
}
