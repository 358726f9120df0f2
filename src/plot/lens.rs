//! [`LensTable`]: the model's predictions after every layer (the logit lens).

use ndarray::Array2;

use super::{
    data::{Kept, ToNames},
    figure::Figure,
    matrix::ToMatrix,
    statistic::Statistic,
};
use crate::{
    Result,
    error::PlotError,
    plot::{
        check_count,
        drawing::{
            category_axis::{Band, Labels, named_at},
            color::{ColorScale, Palette},
            grid::{Grid, TOOLTIPS},
            legend::{LONG, Legend, Special, special_cell},
            page::LABEL,
            panels::{Panels, room},
        },
    },
    printable::{columns, fit, headline, line, number, or, pad, printable, visible},
};

/// The logit lens as a table: one row for each layer, one column for each position, and in each cell the token
/// predicted there. The colour is a statistic of that prediction. See nostalgebraist, [interpreting GPT: the logit
/// lens](https://www.lesswrong.com/posts/AcKRB8wDpdaN6v6ru/interpreting-gpt-the-logit-lens), 2020.
///
/// Layer 0 is at the bottom, the output on top. The tooltip of a cell lists its most probable tokens.
///
/// # Shapes
/// The predictions and the statistic have the shape `[layer + 1, pos]`; the last row is the output.
///
/// # Examples
/// ```
/// use glassbox::plot::LensTable;
/// use ndarray::array;
/// let say = |token: &str, p: f32| vec![(token.to_string(), p)];
/// let predictions = array![[say(" the", 0.2), say(" a", 0.1)], [say(" cat", 0.6), say(" sat", 0.9)]];
/// let figure = LensTable::new(predictions, ["The", " cat"]).target(" sat").draw()?;
/// assert!(figure.to_text().contains("output"));
/// # Ok::<(), glassbox::Error>(())
/// ```
///
/// <div>
#[doc = include_str!("../../tests/golden/lens.svg")]
/// </div>
#[derive(Clone)]
#[must_use = "a table is drawn by `.draw()`"]
pub struct LensTable {
    predictions: Array2<Vec<(String, f32)>>,
    tokens: Vec<String>,
    /// The positions of the tokens, if they are not the whole text.
    positions: Option<Vec<usize>>,
    title: String,
    rows: Option<Vec<String>>,
    statistic: Statistic,
    values: Option<Array2<f32>>,
    target: Option<String>,
    kept: Kept,
    stride: Option<usize>,
    /// Whether the model predicts the token at each position instead of the next one.
    fills: bool,
}

const PICTURE: &str = "a lens table";
const CELLS: usize = 100_000;
const ROW: f64 = 22.0;
/// The space beside the letters of a cell.
const PADDING: f64 = 7.0;
/// The most positions whose cells show letters; longer texts show colours only.
const LETTERED: usize = 40;
/// The most rows shown unless a stride is given.
const ROWS: usize = 36;

impl LensTable {
    /// The most probable tokens at every layer and position with their probabilities, the most probable first, and the
    /// tokens of the text.
    pub fn new<Kind>(predictions: Array2<Vec<(String, f32)>>, tokens: impl ToNames<Kind>) -> Self {
        let mut kept = Kept::default();
        Self {
            predictions,
            tokens: kept.take(tokens.to_names()),
            kept,
            positions: None,
            title: String::new(),
            rows: None,
            statistic: Statistic::default(),
            values: None,
            target: None,
            stride: None,
            fills: false,
        }
    }

    /// The heading.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = line(title.into());
        self
    }

    /// Says that the predictions are of the token at each position, as an encoder's are, not of the next token.
    pub fn in_place(mut self) -> Self {
        self.fills = true;
        self
    }

    /// The positions of the tokens, if they are not the whole text.
    pub(crate) fn positions(mut self, positions: Vec<usize>) -> Self {
        self.positions = Some(positions);
        self
    }

    /// The colour: a statistic of each prediction. The default is the probability of the top token.
    pub fn statistic<Kind>(mut self, statistic: Statistic, values: impl ToMatrix<Kind>) -> Self {
        (self.statistic, self.values) = (statistic, Some(self.kept.take(values.to_matrix())));
        self
    }

    /// Names of the rows. By default, layers are numbered and the last row is `output`.
    pub fn rows<Kind>(mut self, names: impl ToNames<Kind>) -> Self {
        self.rows = Some(self.kept.take(names.to_names()).iter().map(|name| printable(name)).collect());
        self
    }

    /// Outlines the cells whose prediction is this token.
    pub fn target(mut self, token: impl Into<String>) -> Self {
        self.target = Some(token.into());
        self
    }

    /// Shows every n-th layer, counted from the output. By default, a deep model is thinned to about 36 rows.
    pub fn stride(mut self, layers: usize) -> Self {
        self.stride = Some(layers.max(1));
        self
    }

    /// Draws the picture.
    ///
    /// # Errors
    /// When the table has no cells or more than 100,000, or when the tokens, the names or the statistic do not match
    /// its shape.
    pub fn draw(&self) -> Result<Figure> {
        self.check()?;
        let shown = self.shown();
        let (rows, positions) = (shown.len(), self.tokens.len());
        let worst = self.worst();
        let colors = Array2::from_shape_fn((rows, positions), |(row, position)| {
            self.statistic.position(self.value(shown[row], position), worst)
        });
        let names = Labels::names(shown.iter().map(|&row| self.row_name(row)));
        let tokens = match self.positions {
            None => Labels::Tokens(self.tokens.clone()),
            Some(_) => Labels::names((0..positions).map(|column| self.token(column))),
        };
        let y = Band { labels: &names, name: "layer", count: rows, pitch: ROW, reversed: true };
        let legend = self.legend(worst, &colors).beside(ROW * rows as f64);
        let share = room(&y, &legend) / positions as f64;
        let letters = self.letters(share);
        let pitch = match letters {
            0 => share.floor().clamp(3.0, 24.0),
            letters => (letters as f64 * LABEL * 0.6 + PADDING).floor(),
        };
        let panels = Panels {
            heading: &self.title,
            note: &self.note(rows, letters),
            names: vec![""],
            per_row: 1,
            x: Band { labels: &tokens, name: "token read", count: positions, pitch, reversed: false },
            y,
            legend,
        };
        let words = |row: usize, position: usize| fit(&visible(self.top(shown[row], position)), letters);
        let canvas = panels.draw(|canvas, _, frame| {
            let grid = Grid {
                values: colors.view(),
                mask: None,
                scale: ColorScale { palette: Palette::Blues, lo: 0.0, hi: 1.0 },
                frame,
                upward: true,
                tooltips: TOOLTIPS,
                printed: None,
                title: &|row, position| self.tooltip(shown[row], position),
                words: if letters > 0 { Some(&words) } else { None },
            };
            grid.draw(canvas);
            for (row, position) in ndarray::indices((rows, positions)) {
                if self.target.as_deref() == Some(self.top(shown[row], position)) {
                    special_cell(canvas, grid.cell((row, position)), Special::Target);
                }
            }
        });
        canvas.finish(self.alt(), self.plain(&shown))
    }

    fn legend(&self, worst: f32, colors: &Array2<f32>) -> Legend {
        let missing = colors.iter().any(|t| t.is_nan());
        let specials = [(missing, Special::Missing), (self.target.is_some(), Special::Target)];
        Legend {
            name: self.statistic.name().into(),
            palette: Palette::Blues,
            numbers: self.statistic.numbers(worst),
            specials: specials.into_iter().filter_map(|(occurs, special)| occurs.then_some(special)).collect(),
            length: LONG,
        }
    }

    fn check(&self) -> Result<()> {
        self.kept.check()?;
        let (rows, positions) = self.predictions.dim();
        if rows * positions == 0 {
            return Err(PlotError::Empty { picture: PICTURE, what: "there are no predictions" }.into());
        }
        check_count(PICTURE, "cells", self.shown().len() * positions, CELLS)?;
        Labels::Tokens(self.tokens.clone()).check(PICTURE, "position", positions)?;
        if let Some(names) = &self.rows {
            Labels::names(names).check(PICTURE, "layer", rows)?;
        }
        match &self.values {
            Some(values) if values.dim() != (rows, positions) => {
                let (got, expected) = (values.shape().to_vec(), vec![rows, positions]);
                Err(PlotError::Shape { picture: PICTURE, what: self.statistic.name().into(), got, expected }.into())
            }
            _ => Ok(()),
        }
    }

    /// The rows shown, from the bottom: every n-th, always including the last.
    fn shown(&self) -> Vec<usize> {
        let rows = self.predictions.nrows();
        let stride = self.stride.unwrap_or_else(|| rows.div_ceil(ROWS));
        let mut shown: Vec<usize> = (0..rows).rev().step_by(stride).collect();
        shown.reverse();
        shown
    }

    fn row_name(&self, row: usize) -> String {
        match &self.rows {
            Some(names) => names[row].clone(),
            None if row + 1 == self.predictions.nrows() => "output".into(),
            None => row.to_string(),
        }
    }

    /// The token of a column with its position.
    fn token(&self, column: usize) -> String {
        let position = self.positions.as_ref().and_then(|positions| positions.get(column)).copied();
        named_at(&self.tokens[column], position.unwrap_or(column))
    }

    fn top(&self, row: usize, position: usize) -> &str {
        self.predictions[(row, position)].first().map_or("", |(token, _)| token.as_str())
    }

    fn value(&self, row: usize, position: usize) -> f32 {
        match &self.values {
            Some(values) => values[(row, position)],
            None => self.predictions[(row, position)].first().map_or(f32::NAN, |&(_, p)| p),
        }
    }

    /// The largest finite value of the statistic.
    fn worst(&self) -> f32 {
        let values = self.predictions.indexed_iter().map(|((row, position), _)| self.value(row, position));
        values.filter(|value| value.is_finite()).fold(0.0, f32::max)
    }

    /// The number of characters of a token that a cell of about this width shows; 0 if the text is too long for any.
    fn letters(&self, width: f64) -> usize {
        let longest = self.predictions.iter().flatten().map(|(token, _)| columns(&visible(token))).max().unwrap_or(0);
        let room = (width - PADDING) / (LABEL * 0.6);
        if self.tokens.len() > LETTERED { 0 } else { (room as usize).clamp(4, 10).min(longest.max(3)) }
    }

    fn tooltip(&self, row: usize, position: usize) -> String {
        let name = self.row_name(row);
        let layer = if name.parse::<usize>().is_ok() { format!("layer {name}") } else { name };
        let place = if self.fills { "at" } else { "after" };
        let mut lines = vec![format!("{layer}, {place} {}", self.token(position))];
        if self.values.is_some() {
            lines.push(format!("{}: {}", self.statistic.name(), number(self.value(row, position))));
        }
        let listed = self.predictions[(row, position)].iter().take(10);
        lines.extend(listed.map(|(token, p)| format!("{} {}", visible(token), number(*p))));
        lines.join("\n")
    }

    fn note(&self, shown: usize, letters: usize) -> String {
        let rows = self.predictions.nrows();
        let thinned = if shown < rows { format!(" {shown} of {rows} layers are shown.") } else { String::new() };
        let said = if self.fills { "the token in this place" } else { "the next token" };
        let cell = match letters {
            0 => format!("Point at a cell to read {said}, as predicted at that layer."),
            _ => format!("In each cell: {said}, as predicted at that layer."),
        };
        format!("{cell}{thinned}")
    }

    fn alt(&self) -> String {
        let title = or(&self.title, "Logit lens");
        let (rows, positions) = self.predictions.dim();
        let said = visible(self.top(rows - 1, positions - 1));
        format!(
            "{title}: {rows} layers by {positions} positions; {} {} the output is {said}.",
            if self.fills { "at" } else { "after" },
            self.token(positions - 1)
        )
    }

    fn plain(&self, shown: &[usize]) -> String {
        const CELL: usize = 10;
        let from = self.tokens.len().saturating_sub(10);
        let names: Vec<String> = shown.iter().map(|&row| self.row_name(row)).collect();
        let head = names.iter().map(|name| columns(name)).max().unwrap_or(0);
        let mut out = headline(&self.title);
        let line = |name: &str, cells: Vec<String>| {
            let cells: Vec<_> = cells.iter().map(|cell| pad(&fit(cell, CELL), CELL)).collect();
            format!("{}  {}", pad(name, head), cells.join(" ")).trim_end().to_string() + "\n"
        };
        for (&row, name) in shown.iter().zip(&names).rev() {
            out += &line(name, (from..self.tokens.len()).map(|position| visible(self.top(row, position))).collect());
        }
        out += &line("", (from..self.tokens.len()).map(|position| visible(&self.tokens[position])).collect());
        out
    }
}
