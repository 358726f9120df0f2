//! [`AttentionPattern`]: the attention pattern of one head.

use ndarray::Array2;

use super::{
    data::{Kept, ToNames},
    figure::Figure,
    heatmap::Heatmap,
    matrix::ToMatrix,
};
use crate::{
    Result,
    error::PlotError,
    order::falling,
    plot::drawing::{category_axis::token_at, color::Palette, grid::TOOLTIPS, joined::Join},
    printable::{columns, headline, line, number, pad},
};

/// The attention of one head: how much each token attends to each other token.
///
/// Queries go down (token 0 on top), keys go right; white is 0, dark blue is 1. If no attention falls above the
/// diagonal, that half is light grey.
///
/// # Shapes
/// The pattern has the shape `[query, key]`; its rows sum to 1.
///
/// # Examples
/// ```
/// use glassbox::plot::AttentionPattern;
/// use ndarray::array;
/// let figure = AttentionPattern::new(array![[1.0, 0.0], [0.41, 0.59]], ["When", " Mary"]).title("L0H1").draw()?;
/// assert!(figure.to_svg().contains("<title>·Mary@1 → When@0: 0.41</title>"));
/// # Ok::<(), glassbox::Error>(())
/// ```
///
/// <div>
#[doc = include_str!("../../tests/golden/attention.svg")]
/// </div>
#[derive(Clone)]
#[must_use = "a pattern is drawn by `.draw()`"]
pub struct AttentionPattern {
    pattern: Array2<f32>,
    queries: Vec<String>,
    keys: Vec<String>,
    kept: Kept,
    title: String,
    tooltips: usize,
    cells: Option<usize>,
}

const PICTURE: &str = "an attention pattern";
/// The most cells of a small picture and of a large one that are drawn without joining.
const FEWEST: usize = 4_096;
const MOST: usize = 100_000;

impl AttentionPattern {
    /// The pattern of a head over a text.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let figure = AttentionPattern::new([[1.0, 0.0], [0.3, 0.7]], ["red", "fox"]).draw()?;
    /// assert!(figure.to_svg().contains("fox@1 → red@0: 0.3"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn new<Kind, Names>(pattern: impl ToMatrix<Kind>, tokens: impl ToNames<Names>) -> Self {
        let mut kept = Kept::default();
        let (pattern, queries) = (kept.take(pattern.to_matrix()), kept.take(tokens.to_names()));
        let (keys, title) = (queries.clone(), String::new());
        Self { pattern, queries, keys, kept, title, tooltips: TOOLTIPS, cells: None }
    }

    /// The tokens at the keys, if they belong to another text (cross-attention).
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let figure = AttentionPattern::new([[0.3, 0.7]], ["Katze"]).keys(["the", "cat"]).draw()?; // cross attention
    /// assert!(figure.to_svg().contains("Katze@0 → cat@1: 0.7"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn keys<Kind>(mut self, tokens: impl ToNames<Kind>) -> Self {
        self.keys = self.kept.take(tokens.to_names());
        self
    }

    /// The heading.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = line(title.into());
        self
    }

    /// Makes this one of `pictures` pictures that share a budget of tooltips and cells.
    pub(crate) fn one_of(mut self, pictures: usize, tooltips: usize, cells: usize) -> Self {
        (self.tooltips, self.cells) = (tooltips / pictures, Some((cells / pictures).clamp(FEWEST, MOST)));
        self
    }

    /// Draws the picture. In a text too long for its cells to be seen, each drawn cell is the maximum of a block.
    ///
    /// # Errors
    /// When the pattern has no cells, or the number of tokens differs from the number of its rows or columns.
    pub fn draw(&self) -> Result<Figure> {
        self.kept.check()?;
        let (rows, columns) = self.pattern.dim();
        for (axis, got, expected) in [("query", self.queries.len(), rows), ("key", self.keys.len(), columns)] {
            if got != expected {
                return Err(PlotError::Labels { picture: PICTURE, axis: axis.into(), got, expected }.into());
            }
        }
        let alt = match self.title.as_str() {
            "" => format!("Attention of {rows} tokens; {}.", habit(&self.pattern)),
            title => format!("{title}: attention of {rows} tokens; {}.", habit(&self.pattern)),
        };
        Ok(self.heatmap().draw()?.retold(alt, self.plain()))
    }

    fn heatmap(&self) -> Heatmap {
        let mut heatmap = Heatmap::new(self.pattern.clone())
            .title(self.title.as_str())
            .value("attention")
            .y("query")
            .y_tokens(&self.queries)
            .x("key")
            .x_tokens(&self.keys)
            .palette(Palette::Blues)
            .range(0.0, 1.0)
            .print_values(false)
            .square();
        heatmap.arrows = true;
        (heatmap.join, heatmap.cells) = (Join::Largest, self.cells);
        heatmap.tooltips = self.tooltips;
        if is_causal(&self.pattern) { heatmap.mask(above_diagonal(self.pattern.dim())) } else { heatmap }
    }

    /// The three keys with the most attention for each query; in a long text, for the last queries only.
    fn plain(&self) -> String {
        const LINES: usize = 40;
        let mut out = headline(&self.title);
        let first = self.queries.len().saturating_sub(LINES);
        let names: Vec<String> = (first..self.queries.len()).map(|query| token_at(&self.queries, query)).collect();
        let width = names.iter().map(|name| columns(name)).max().unwrap_or(0);
        for (name, row) in names.iter().zip(self.pattern.rows().into_iter().skip(first)) {
            let mut keys: Vec<(usize, f32)> = row.iter().copied().enumerate().filter(|&(_, p)| p >= 0.005).collect();
            keys.sort_by(|a, b| falling(a.1, b.1));
            let said = keys.iter().take(3).map(|&(key, p)| format!("{} {}", token_at(&self.keys, key), number(p)));
            out += &format!("{} → {}\n", pad(name, width), said.collect::<Vec<_>>().join(", "));
        }
        out
    }
}

/// Whether no attention falls above the diagonal.
pub(crate) fn is_causal(pattern: &Array2<f32>) -> bool {
    pattern.is_square() && pattern.indexed_iter().all(|((query, key), &p)| key <= query || p == 0.0)
}

pub(crate) fn above_diagonal(dim: (usize, usize)) -> Array2<bool> {
    Array2::from_shape_fn(dim, |(query, key)| key > query)
}

/// Names the place that receives most of the attention on average (the first token, the previous token, ...), as a
/// clause of a sentence.
///
/// The first tokens are left out, because these places coincide for them.
pub(crate) fn habit(pattern: &Array2<f32>) -> String {
    let queries = pattern.nrows();
    let mean = |key: fn(usize) -> usize| {
        let seen = (2..queries).filter_map(|query| pattern.get((query, key(query))).copied());
        seen.sum::<f32>() / (queries - 2) as f32
    };
    if queries < 3 || !pattern.is_square() {
        return "too few tokens to say where it attends on average".into();
    }
    let places = [
        ("the token before", mean(|query| query - 1)),
        ("the first token", mean(|_| 0)),
        ("the token itself", mean(|query| query)),
    ];
    let most = places.into_iter().min_by(|a, b| falling(a.1, b.1)).filter(|(_, share)| share.is_finite());
    most.map_or("it is not a number".into(), |(place, share)| format!("on average {} goes to {place}", number(share)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_names_the_token_before() {
        let pattern = Array2::from_shape_fn((5, 5), |(query, key)| f32::from(key + 1 == query || query + key == 0));
        let figure = AttentionPattern::new(pattern, ["a"; 5]).title("L1H0").draw().unwrap();
        assert_eq!(figure.alt(), "L1H0: attention of 5 tokens; on average 1 goes to the token before.");
        assert!(figure.to_text().ends_with("a@4 → a@3 1\n"), "{}", figure.to_text());
    }

    #[test]
    fn cross_attention_has_other_keys_and_no_mask() {
        let pattern = Array2::from_elem((2, 3), 1.0 / 3.0);
        let figure = AttentionPattern::new(pattern, ["x", "y"]).keys(["u", "v", "w"]).draw().unwrap();
        assert!(figure.to_svg().contains("<title>y@1 → w@2: 0.333</title>"));
        assert!(!figure.to_svg().contains("masked"));
    }
}
