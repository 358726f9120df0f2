//! [`AttentionHeads`]: the attention patterns of a layer's heads, side by side and one at a time.

use ndarray::{Array2, Array3, Axis};

use super::{
    attention::{AttentionPattern, above_diagonal, habit, is_causal},
    data::{Kept, ToNames},
    figure::{Figure, Node, Tab},
    matrix::ToMatrices,
};
use crate::{
    Result,
    error::PlotError,
    plot::{
        check_count,
        drawing::{
            canvas::{Canvas, Frame, heading_height},
            category_axis::token_at,
            color::{ColorScale, Palette},
            grid::{Grid, TOOLTIPS},
            joined::{Join, joined},
            legend::Legend,
            mark::Mark,
            page::{LABEL, MARGIN, NOTE},
        },
    },
    printable::{columns, fit, headline, line, number, or, pad, printable},
};

/// The attention of several heads over one text: small pictures for comparison, each a button that opens a large one.
///
/// A single SVG holds the small pictures only, somewhat larger. On a page that drops style sheets, all large pictures
/// follow the small ones.
///
/// # Shapes
/// The patterns have the shape `[head, query, key]`.
///
/// # Examples
/// ```
/// use glassbox::plot::AttentionHeads;
/// use ndarray::array;
/// let patterns = array![[[1.0, 0.0], [0.9, 0.1]], [[1.0, 0.0], [0.2, 0.8]]];
/// let figure = AttentionHeads::new(patterns, ["When", " Mary"]).title("Layer 0").draw()?;
/// assert!(figure.to_html().contains("<title>·Mary@1 → When@0: 0.9</title>"));
/// # Ok::<(), glassbox::Error>(())
/// ```
///
/// <div>
#[doc = include_str!("../../tests/golden/heads.svg")]
/// </div>
#[derive(Clone)]
#[must_use = "heads are drawn by `.draw()`"]
pub struct AttentionHeads {
    patterns: Array3<f32>,
    queries: Vec<String>,
    keys: Vec<String>,
    names: Option<Vec<String>>,
    kept: Kept,
    title: String,
}

const PICTURE: &str = "a picture of heads";
const NOTICE: &str = "Rows are queries, columns are keys; the first token is at the upper left.";
/// The approximate side of a button's picture, and of a panel of the single SVG, in px.
const BUTTON: f64 = 56.0;
const PANEL: f64 = 132.0;
const PANELS_PER_ROW: usize = 6;
/// The tooltips of all large pictures together.
const ALL_TOOLTIPS: usize = 2400;
/// The cells of all large pictures together, and the most heads.
const ALL_CELLS: usize = 1_000_000;
const HEADS: usize = 512;

impl AttentionHeads {
    /// The patterns of some heads over a text.
    pub fn new<Kind, Names>(patterns: impl ToMatrices<Kind>, tokens: impl ToNames<Names>) -> Self {
        let mut kept = Kept::default();
        let (patterns, queries) = (kept.take(patterns.to_matrices()), kept.take(tokens.to_names()));
        Self { patterns, keys: queries.clone(), queries, names: None, kept, title: String::new() }
    }

    /// The tokens at the keys, if they belong to another text (cross-attention).
    pub fn keys<Kind>(mut self, tokens: impl ToNames<Kind>) -> Self {
        self.keys = self.kept.take(tokens.to_names());
        self
    }

    /// Names of the heads, such as `L2H1`. By default they are `head 0`, `head 1`, ...
    ///
    /// # Examples
    /// ```
    /// use glassbox::{ndarray::Array3, prelude::*};
    /// let patterns = Array3::<f32>::from_elem((2, 2, 2), 0.5);
    /// let figure = AttentionHeads::new(patterns, ["a", "b"]).names(["L3H0", "L3H1"]).draw()?;
    /// assert!(figure.to_svg().contains("L3H1"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn names<Kind>(mut self, names: impl ToNames<Kind>) -> Self {
        self.names = Some(self.kept.take(names.to_names()).iter().map(|name| printable(name)).collect());
        self
    }

    /// The heading.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = line(title.into());
        self
    }

    /// Draws the picture.
    ///
    /// # Errors
    /// When there are no heads, more than 512 heads or no cells, or when the number of names or tokens does not match
    /// the number of heads or positions.
    pub fn draw(&self) -> Result<Figure> {
        self.kept.check()?;
        let heads = self.patterns.len_of(Axis(0));
        if self.patterns.is_empty() {
            return Err(PlotError::Empty { picture: PICTURE, what: "there are no heads, or no positions" }.into());
        }
        check_count(PICTURE, "heads", heads, HEADS)?;
        if let Some(names) = self.names.as_ref().filter(|names| names.len() != heads) {
            let (axis, got) = ("head".into(), names.len());
            return Err(PlotError::Labels { picture: PICTURE, axis, got, expected: heads }.into());
        }
        let tabs = (0..heads).map(|head| self.tab(head)).collect::<Result<Vec<Tab>>>()?;
        Ok(Figure::of(Node::Tabs { tabs, still: Some(self.still()?) }))
    }

    fn name(&self, head: usize) -> String {
        self.names.as_ref().and_then(|names| names.get(head).cloned()).unwrap_or_else(|| format!("head {head}"))
    }

    fn pattern(&self, head: usize) -> Array2<f32> {
        self.patterns.index_axis(Axis(0), head).to_owned()
    }

    fn tab(&self, head: usize) -> Result<Tab> {
        let name = self.name(head);
        let title = if self.title.is_empty() { name.clone() } else { format!("{} · {name}", self.title) };
        let pane = AttentionPattern::new(self.pattern(head), &self.queries)
            .keys(&self.keys)
            .title(title)
            .one_of(self.patterns.len_of(Axis(0)), ALL_TOOLTIPS, ALL_CELLS)
            .draw()?;
        Ok(Tab { button: Some(self.button(head)?), name, pane })
    }

    /// A small picture of a head over its name.
    fn button(&self, head: usize) -> Result<Figure> {
        let pattern = self.pattern(head);
        let size = side(pattern.dim(), BUTTON);
        let name = fit(&self.name(head), 10);
        let width = size.0.max(columns(&name) as f64 * LABEL * 0.6) + 8.0;
        let canvas = Canvas::new(width, size.1 + LABEL + 12.0);
        let frame = Frame { x: (width - size.0) / 2.0, y: 4.0, width: size.0, height: size.1 };
        draw_pattern(&canvas, &pattern, frame, 0, &|_, _| String::new());
        canvas.put(Mark::text((width / 2.0, frame.bottom() + 5.0 + LABEL / 2.0), name, LABEL).middle());
        canvas.finish(format!("{}: {}.", self.name(head), habit(&pattern)), String::new())
    }

    /// All heads as one picture.
    fn still(&self) -> Result<Figure> {
        let heads = self.patterns.len_of(Axis(0));
        let size = side((self.queries.len(), self.keys.len()), PANEL);
        let per_row = heads.min(PANELS_PER_ROW);
        let pitch = (size.0 + 16.0, size.1 + LABEL + 20.0);
        let top = MARGIN + heading_height(&self.title);
        let scale = ColorScale { palette: Palette::Blues, lo: 0.0, hi: 1.0 };
        let legend = Legend::of(&scale, "attention", Vec::new());
        let right = MARGIN + pitch.0 * per_row as f64;
        let bottom = top + (pitch.1 * heads.div_ceil(per_row) as f64).max(legend.size().1);
        let (width, height) = (right + 10.0 + legend.size().0 + MARGIN, bottom + NOTE + MARGIN);
        let canvas = Canvas::headed(&self.title, NOTICE, width, height);
        for head in 0..heads {
            let (line, place) = (head / per_row, head % per_row);
            let (x, y) = (MARGIN + pitch.0 * place as f64, top + pitch.1 * line as f64);
            canvas.put(Mark::text((x, y + LABEL / 2.0), fit(&self.name(head), 20), LABEL));
            let frame = Frame { x, y: y + LABEL + 6.0, width: size.0, height: size.1 };
            let pattern = self.pattern(head);
            draw_pattern(&canvas, &pattern, frame, TOOLTIPS / heads, &|query, key| {
                let (from, to) = (token_at(&self.queries, query), token_at(&self.keys, key));
                format!("{from} → {to}: {}", number(pattern[(query, key)]))
            });
        }
        legend.draw(&canvas, (right + 10.0, top));
        canvas.note((MARGIN, bottom + NOTE / 2.0), NOTICE);
        canvas.finish(self.alt(), self.plain())
    }

    fn alt(&self) -> String {
        let (heads, queries, _) = self.patterns.dim();
        let title = or(&self.title, "Attention");
        format!("{title}: the attention of {heads} heads over {queries} tokens.")
    }

    /// One line for each head: where it attends on average.
    fn plain(&self) -> String {
        let names: Vec<String> = (0..self.patterns.len_of(Axis(0))).map(|head| self.name(head)).collect();
        let width = names.iter().map(|name| columns(name)).max().unwrap_or(0);
        let mut out = headline(&self.title);
        for (head, name) in names.iter().enumerate() {
            out += &format!("{}  {}\n", pad(name, width), habit(&self.pattern(head)));
        }
        out
    }
}

/// The size of a small picture: about `target` px on the longer side, rounded to half pixels per cell if there is room.
fn side((rows, columns): (usize, usize), target: f64) -> (f64, f64) {
    let cell = target / rows.max(columns).max(1) as f64;
    let cell = if cell >= 1.0 { (cell * 2.0).floor() / 2.0 } else { cell };
    (cell * columns as f64, cell * rows as f64)
}

/// Draws a pattern without axes. In a long text, cells are joined until they are large enough to see.
fn draw_pattern(
    canvas: &Canvas,
    pattern: &Array2<f32>,
    frame: Frame,
    tooltips: usize,
    title: &dyn Fn(usize, usize) -> String,
) {
    let block = pattern.nrows().max(pattern.ncols()).div_ceil(BUTTON as usize).max(1);
    let (joined, _) = joined(pattern.view(), None, (block, block), Join::Largest);
    let tooltips = if joined.dim() == pattern.dim() { tooltips } else { 0 };
    let mask = is_causal(pattern).then(|| above_diagonal(joined.dim()));
    let grid = Grid {
        values: joined.view(),
        mask: mask.as_ref().map(Array2::view),
        scale: ColorScale { palette: Palette::Blues, lo: 0.0, hi: 1.0 },
        frame,
        upward: false,
        tooltips,
        printed: None,
        title,
        words: None,
    };
    grid.draw(canvas);
}
