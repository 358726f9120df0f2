//! [`AttentionPattern`]: where one head looks.

use ndarray::Array2;

use super::{color::Palette, figure::Figure, heatmap::Heatmap};
use crate::{Result, error::PlotError};

/// The attention of one head: which token looks at which.
///
/// The token that looks goes down (token 0 on top), the token that is looked at goes right; white is 0, dark blue is 1.
/// Where nothing above the diagonal is ever looked at, that half is light grey.
///
/// # Shapes
/// The pattern is `[query, key]`; rows sum to 1.
///
/// # Examples
/// ```
/// use glassbox::plot::AttentionPattern;
/// use ndarray::array;
/// let figure = AttentionPattern::new(array![[1.0, 0.0], [0.41, 0.59]], ["When", " Mary"]).title("L0H1").draw()?;
/// assert!(figure.to_svg().contains("<title>·Mary@1 → When@0: 0.41</title>"));
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a pattern is drawn by `.draw()`"]
pub struct AttentionPattern {
    pattern: Array2<f32>,
    queries: Vec<String>,
    keys: Vec<String>,
    title: String,
}

const PICTURE: &str = "an attention pattern";

impl AttentionPattern {
    /// The pattern of a head over a text.
    pub fn new(pattern: Array2<f32>, tokens: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let tokens: Vec<String> = tokens.into_iter().map(Into::into).collect();
        Self { pattern, keys: tokens.clone(), queries: tokens, title: String::new() }
    }

    /// The tokens that are looked at, when they are another text's (cross-attention).
    pub fn keys(mut self, tokens: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.keys = tokens.into_iter().map(Into::into).collect();
        self
    }

    /// The heading.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// The picture.
    ///
    /// # Errors
    /// When the pattern has no cells, or the tokens are not as many as its rows and columns.
    pub fn draw(&self) -> Result<Figure> {
        check(&self.pattern.view().dim().into(), &self.queries, &self.keys)?;
        self.heatmap().draw()
    }

    fn heatmap(&self) -> Heatmap {
        let mut heatmap = Heatmap::new(self.pattern.clone())
            .title(self.title.as_str())
            .value("attention")
            .y_tokens("looks (query)", &self.queries)
            .x_tokens("is looked at (key)", &self.keys)
            .palette(Palette::Blues)
            .range(0.0, 1.0)
            .print(0);
        heatmap.square = true;
        heatmap.arrows = true;
        match causal(&self.pattern) {
            true => heatmap.mask(above_diagonal(self.pattern.dim())),
            false => heatmap,
        }
    }
}

fn check(&(rows, columns): &(usize, usize), queries: &[String], keys: &[String]) -> Result<()> {
    let count = |axis: &str, got: usize, expected: usize| match got == expected {
        true => Ok(()),
        false => Err(PlotError::Labels { picture: PICTURE, axis: axis.into(), got, expected }),
    };
    count("query", queries.len(), rows)?;
    Ok(count("key", keys.len(), columns)?)
}

/// Whether nothing above the diagonal is looked at.
pub(crate) fn causal(pattern: &Array2<f32>) -> bool {
    pattern.nrows() == pattern.ncols() && pattern.indexed_iter().all(|((query, key), &p)| key <= query || p == 0.0)
}

pub(crate) fn above_diagonal(dim: (usize, usize)) -> Array2<bool> {
    Array2::from_shape_fn(dim, |(query, key)| key > query)
}
