//! [`LogitAttribution`]: one number for each part, text and position.

use crate::{
    Result,
    cache::last_of,
    notebook::Show,
    order::{by_size, larger},
    plot::{Figure, Heatmap, Top},
    printable::line,
    tensor::array,
    text::Tokens,
};
use candle_core::{DType, Tensor};
use ndarray::{Array3, Axis};

/// How much each part of the residual stream contributes to a logit, to a logit difference, or along any direction.
///
/// Made by [`ResidStack::logit_attrs`](super::ResidStack::logit_attrs) and
/// [`ResidStack::project`](super::ResidStack::project). A notebook shows the strongest parts as bars.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
/// let given = run.decompose(Site::resid_post(1))?.logit_attrs("owl", "red")?; // bars, in a notebook
/// assert_eq!(given.top(1)?[0].0, "1_attn_out"); // the last attention prefers "owl"
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone)]
pub struct LogitAttribution {
    pub(super) labels: Vec<String>,
    values: Tensor,
    tokens: Tokens,
    positions: Vec<u32>,
    constant: Vec<f32>,
    /// Whether each position is about another token.
    by_position: bool,
    /// What is attributed, such as `the logit of owl`, and its unit.
    measured: (String, &'static str),
}

impl LogitAttribution {
    pub(super) fn new(labels: Vec<String>, values: Tensor, tokens: Tokens, positions: Vec<u32>) -> Self {
        let constant = vec![0.0; tokens.batch()];
        let measured = ("the projection".into(), "projection");
        Self { labels, values, tokens, positions, constant, by_position: false, measured }
    }

    /// Marks an attribution in which each position is about another token.
    pub(super) fn by_position(self) -> Self {
        Self { by_position: true, ..self }
    }

    /// Marks the attribution of a logit or a logit difference.
    pub(super) fn of_logit(self, measured: String) -> Self {
        Self { measured: (measured, "logits"), ..self }
    }

    /// The title of a picture of this kind of part at the last position.
    pub(super) fn title(&self, part: &str) -> String {
        format!("Direct effect of each {part} on {}, at the last position", self.measured.0)
    }

    /// What is attributed, with a capital letter.
    pub(super) fn measured_name(&self) -> String {
        let name = &self.measured.0;
        name.strip_prefix("the ").map_or_else(|| name.clone(), |rest| format!("The {rest}"))
    }

    /// The unit of the numbers, for axes and legends.
    pub(super) fn unit(&self) -> &'static str {
        self.measured.1
    }

    pub(super) fn with_constant(self, constant: Vec<f32>) -> Self {
        Self { constant, ..self }
    }

    /// The name of each part.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// let given = run.decompose(Site::resid_post(1))?.logit_attrs("owl", "red")?;
    /// assert_eq!(given.labels(), ["embed", "pos_embed", "0_attn_out", "1_attn_out"]);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn labels(&self) -> Vec<String> {
        self.labels.clone()
    }

    /// The contributions.
    ///
    /// # Shapes
    /// `[component, batch, pos]`
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// let given = run.decompose(Site::resid_post(1))?.logit_attrs("owl", "red")?;
    /// assert_eq!(given.values().dims(), [4, 1, 8]); // [component, batch, pos]
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn values(&self) -> Tensor {
        self.values.clone()
    }

    /// The contributions as an array.
    ///
    /// # Shapes
    /// `[component, batch, pos]`
    ///
    /// # Errors
    /// When memory runs out.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{ndarray, prelude::*};
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// let given = run.decompose(Site::resid_post(1))?.logit_attrs("owl", "red")?;
    /// let values = given.to_array()?;
    /// assert_eq!(values.dim(), (4, 1, 8));
    /// let total = values.slice(ndarray::s![.., 0, -1]).sum() + given.constant()[0];
    /// assert!((total - run.logit_diff("owl", "red", -1)?).abs() < 1e-3);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn to_array(&self) -> Result<Array3<f32>> {
        array(&self.values.to_dtype(DType::F32)?)
    }

    /// What belongs to no part, for each text: the biases of the final norm and of the unembedding.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// let given = run.decompose(Site::resid_post(1))?.logit_attrs("owl", "red")?;
    /// let total = given.at_last()?.iter().sum::<f32>() + given.constant()[0];
    /// assert!((total - run.logit_diff("owl", "red", -1)?).abs() < 1e-3);
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn constant(&self) -> Vec<f32> {
        self.constant.clone()
    }

    /// The contribution of each part at the last kept position of each text (the last that is not padding), averaged
    /// over texts.
    ///
    /// # Shapes
    /// `[component]`
    ///
    /// # Errors
    /// When none of the kept positions is a token of some text.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// let last = run.decompose(Site::resid_post(1))?.logit_attrs("owl", "red")?.at_last()?;
    /// assert!(last.len() == 4 && last[3] > last[2]); // attention of layer 1 gives more than that of layer 0
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn at_last(&self) -> Result<Vec<f32>> {
        let values = self.to_array()?;
        let (components, batch, _) = values.dim();
        let last = (0..batch).map(|text| last_of(&self.tokens, text, &self.positions)).collect::<Result<Vec<_>>>()?;
        let mean = |component: usize| (0..batch).map(|text| values[[component, text, last[text]]]).sum::<f32>();
        Ok((0..components).map(|component| mean(component) / batch as f32).collect())
    }

    /// Returns the `k` parts with the largest contributions by absolute value, largest first, as a table of names and
    /// numbers. NaN comes first.
    ///
    /// # Errors
    /// As [`LogitAttribution::at_last`].
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// let top = run.decompose_heads(Site::resid_post(1))?.logit_attrs("owl", "red")?.top(2)?;
    /// assert!(top[0].0 == "L1H0" && top[0].1.abs() >= top[1].1.abs());
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn top(&self, k: usize) -> Result<Top<(String, f32)>> {
        let row = |(label, value): (&String, f32)| (label.clone(), value, (label.clone(), value));
        let all = self.labels.iter().zip(self.at_last()?).map(row);
        Ok(Top::of(k, &self.title("part"), self.unit(), all))
    }

    /// Draws the `k` strongest parts as bars.
    ///
    /// # Errors
    /// As [`LogitAttribution::at_last`], and when there are no parts to draw.
    ///
    /// # Examples
    /// ```
    /// use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// let given = run.decompose_heads(Site::resid_post(1))?.logit_attrs("owl", "red")?;
    /// let bars = given.draw_top(3)?.to_text();
    /// assert!(given.top(3)?.iter().all(|(label, _)| bars.contains(label.as_str())), "{bars}");
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn draw_top(&self, k: usize) -> Result<Figure> {
        self.top(k)?.draw()
    }

    /// The bars that a notebook shows.
    pub(crate) fn bars(&self) -> Result<Figure> {
        self.draw_top(12)
    }
}

impl LogitAttribution {
    /// Draws a map of the `k` strongest parts over all kept positions of the first text.
    ///
    /// # Errors
    /// When there are no parts to draw.
    ///
    /// # Examples
    /// ```
    /// use glassbox::prelude::*;
    /// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
    /// let map = run.decompose_heads(Site::resid_post(1))?.next_token_attrs()?.draw_positions(5)?;
    /// assert!(map.to_text().contains("L1H0"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn draw_positions(&self, k: usize) -> Result<Figure> {
        let values = self.to_array()?;
        let first = values.index_axis(Axis(1), 0);
        let size = |part: usize| first.row(part).iter().fold(0.0, |most, value| larger(most, value.abs()));
        let mut order: Vec<usize> = (0..first.nrows()).collect();
        order.sort_by(|&a, &b| by_size(size(a), size(b)).then(a.cmp(&b)));
        order.truncate(k);
        order.sort_unstable();
        let strings = self.tokens.strings(0);
        let tokens = self.positions.iter().map(|&at| format!("{}@{at}", strings[at as usize].trim()));
        let title = format!("Direct effect of each part on {}", self.measured.0);
        Heatmap::new(first.select(Axis(0), &order))
            .title(title)
            .value(self.unit())
            .y("part")
            .y_names(order.iter().map(|&part| self.labels[part].clone()))
            .x("position")
            .x_names(tokens)
            .draw()
    }
}

impl Show for LogitAttribution {
    fn html(&self) -> String {
        if self.by_position { self.draw_positions(12).html() } else { self.bars().html() }
    }

    fn plain(&self) -> String {
        if self.by_position {
            return self.draw_positions(12).plain();
        }
        match self.top(12) {
            Ok(top) => top.into_iter().map(|(label, value)| format!("{:>12} {value:+.3}\n", line(label))).collect(),
            Err(error) => error.to_string(),
        }
    }
}

shown! {
    /// Shows the bars of the strongest parts in a notebook.
    LogitAttribution
}
