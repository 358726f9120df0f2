//! [`TokenText`]: a text whose tokens are coloured by a value.

use super::{
    data::{Kept, Numeric, ToNames, ToValues},
    figure::Figure,
};
use crate::{
    Result,
    error::PlotError,
    order::falling,
    plot::{
        check_count,
        drawing::{
            canvas::{Canvas, Frame, heading_height},
            category_axis::token_at,
            color::{ColorScale, GRID, Palette, TARGET, check_range},
            legend::{Legend, hatching},
            mark::Mark,
            page::MARGIN,
        },
    },
    printable::{columns, fit, headline, line, number, or, visible},
};

/// A text with each token on a background colour that shows its value; the tooltip gives the number.
///
/// A space before a word appears as room in its token's box. Other spaces are `·`, and a line ends after a newline `↵`.
///
/// # Examples
/// ```
/// use glassbox::plot::TokenText;
/// let figure = TokenText::new(["The", " cat"], [-0.1, 0.8]).value("attribution").draw()?;
/// assert!(figure.to_svg().contains("<title>·cat@1: 0.8</title>"));
/// # Ok::<(), glassbox::Error>(())
/// ```
///
/// <div>
#[doc = include_str!("../../tests/golden/text.svg")]
/// </div>
#[doc(alias("colored_tokens", "ColoredTokens"))]
#[derive(Clone)]
#[must_use = "a text is drawn by `.draw()`"]
pub struct TokenText {
    tokens: Vec<String>,
    values: Vec<f32>,
    kept: Kept,
    title: String,
    value: String,
    palette: Option<Palette>,
    range: Option<(f32, f32)>,
    width: usize,
    outlined: Option<usize>,
}

const PICTURE: &str = "a coloured text";
/// The most tokens, and the most characters in a line.
const TOKENS: usize = 50_000;
const WIDEST: usize = 500;
const SIZE: f64 = 13.0;
const COLUMN: f64 = SIZE * 0.6;
const LINE: f64 = 27.0;
const BOX: f64 = 21.0;
/// The space to the left and right of a token's text, in px.
const PAD: f64 = 2.0;

impl TokenText {
    /// Tokens and a value for each. If there is one value less than tokens, as for losses, the first token has no
    /// value.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// assert!(TokenText::new(["red", " fox"], [0.1, 0.9]).draw()?.to_svg().contains("·fox@1: 0.9"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn new<Names, Kind>(tokens: impl ToNames<Names>, values: impl ToValues<Kind>) -> Self {
        let mut kept = Kept::default();
        let (tokens, mut values) = (kept.take(tokens.to_names()), kept.take(values.to_values()));
        if values.len() + 1 == tokens.len() {
            values.insert(0, f32::NAN);
        }
        Self {
            tokens,
            values,
            kept,
            title: String::new(),
            value: String::new(),
            palette: None,
            range: None,
            width: 90,
            outlined: None,
        }
    }

    /// The heading.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = line(title.into());
        self
    }

    /// The name of the values, for the legend.
    pub fn value(mut self, name: impl Into<String>) -> Self {
        self.value = line(name.into());
        self
    }

    /// The colours. The default is red–white–blue if any value is negative, else white to blue.
    pub fn palette(mut self, palette: Palette) -> Self {
        self.palette = Some(palette);
        self
    }

    /// The values at the ends of the palette. In red–white–blue, 0 stays white: −0.2 to 1 becomes −1 to 1.
    pub fn range(mut self, lo: impl Numeric, hi: impl Numeric) -> Self {
        self.range = Some((lo.to_f32(), hi.to_f32()));
        self
    }

    /// Outlines the token that the values are about, such as the query whose attention is shown.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let figure = TokenText::new(["red", " fox"], [0.9, 0.1]).outline(1).draw()?; // attention from "fox"
    /// assert!(figure.to_svg().contains("·fox"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn outline(mut self, position: usize) -> Self {
        self.outlined = Some(position);
        self
    }

    /// The number of characters in a line; the default is 90, and values are clamped to 20 to 500.
    pub fn width(mut self, characters: usize) -> Self {
        self.width = characters.clamp(20, WIDEST);
        self
    }

    /// Draws the picture.
    ///
    /// # Errors
    /// When there are no tokens or more than 50,000, the number of values does not match, or the range is empty.
    pub fn draw(&self) -> Result<Figure> {
        self.check()?;
        let scale = self.scale();
        let legend = Legend::of(&scale, &self.value, Vec::new());
        let lines = self.lines();
        let widest = lines.iter().flatten().map(Placed::end).fold(0.0, f64::max);
        let top = MARGIN + heading_height(&self.title);
        let bottom = top + LINE * lines.len() as f64;
        let width = widest.max(legend.level_size().0) + 2.0 * MARGIN;
        let canvas = Canvas::headed(&self.title, "", width, bottom + 8.0 + legend.level_size().1 + MARGIN);
        for (line, tokens) in lines.iter().enumerate() {
            for token in tokens {
                let frame = Frame {
                    x: MARGIN + token.from,
                    y: top + LINE * line as f64 + (LINE - BOX) / 2.0,
                    width: token.width() - 1.0,
                    height: BOX,
                };
                self.draw_token(&canvas, &scale, token, frame);
            }
        }
        legend.draw_level(&canvas, (MARGIN, bottom + 8.0));
        canvas.finish(self.alt(), self.plain())
    }

    fn draw_token(&self, canvas: &Canvas, scale: &ColorScale, token: &Placed, frame: Frame) {
        let value = self.values.get(token.index).copied().unwrap_or(f32::NAN);
        let color = scale.color(value);
        let said = if value.is_nan() { "no value".into() } else { number(value) };
        let title = format!("{}: {said}", token_at(&self.tokens, token.index));
        let words = Mark::text(frame.middle(), token.text.as_str(), SIZE).fill(color.text()).middle();
        let hatched: &[Frame] = if value.is_nan() { &[frame] } else { &[] };
        canvas.group(title, [frame.mark().fill(color).stroke(GRID, 1.0), hatching(hatched), words]);
        if self.outlined == Some(token.index) {
            canvas.put(frame.mark().stroke(TARGET, 2.0));
        }
    }

    fn check(&self) -> Result<()> {
        self.kept.check()?;
        if self.tokens.is_empty() {
            return Err(PlotError::Empty { picture: PICTURE, what: "there are no tokens" }.into());
        }
        check_count(PICTURE, "tokens", self.tokens.len(), TOKENS)?;
        if self.values.len() != self.tokens.len() {
            let (got, expected) = (vec![self.values.len()], vec![self.tokens.len()]);
            return Err(PlotError::Shape { picture: PICTURE, what: "values".into(), got, expected }.into());
        }
        check_range(self.range)
    }

    fn scale(&self) -> ColorScale {
        ColorScale::chosen(self.palette, self.range, &self.values)
    }

    /// The tokens of each line, each with its position.
    fn lines(&self) -> Vec<Vec<Placed>> {
        let mut lines = vec![Vec::new()];
        let mut from = 0.0;
        for (index, token) in self.tokens.iter().enumerate() {
            // One space before a word becomes room in the box.
            let (indent, text) = match token.strip_prefix(' ') {
                Some("") => (1, String::new()),
                Some(word) if !word.starts_with(' ') => (1, fit(&visible(word), self.width - 1)),
                _ => (0, fit(&visible(token), self.width)),
            };
            let mut placed = Placed { index, from, indent, text };
            if placed.end() > self.width as f64 * COLUMN && from > 0.0 {
                lines.push(Vec::new());
                placed.from = 0.0;
            }
            from = placed.end();
            lines.last_mut().into_iter().for_each(|line| line.push(placed.clone()));
            if token.ends_with('\n') && index + 1 < self.tokens.len() {
                lines.push(Vec::new());
                from = 0.0;
            }
        }
        lines
    }

    fn alt(&self) -> String {
        let title = or(&self.title, "Coloured text");
        let scale = self.scale();
        let strongest = (0..self.tokens.len())
            .filter(|&i| self.values[i].is_finite())
            .min_by(|&a, &b| falling(scale.strength(self.values[a]), scale.strength(self.values[b])).then(a.cmp(&b)));
        let said =
            strongest.map(|i| format!("; the strongest is {}: {}", token_at(&self.tokens, i), number(self.values[i])));
        format!("{title}: {} tokens{}.", self.tokens.len(), said.unwrap_or_default())
    }

    fn plain(&self) -> String {
        let mut out = headline(&self.title);
        let said = self.tokens.iter().zip(&self.values).map(|(token, &value)| {
            if value.is_nan() { visible(token) } else { format!("{}({})", visible(token), number(value)) }
        });
        out += &said.collect::<Vec<_>>().join(" ");
        out.push('\n');
        out
    }
}

/// A token in its line: where it starts, in px, and the empty columns before its text.
#[derive(Clone)]
struct Placed {
    index: usize,
    from: f64,
    indent: usize,
    text: String,
}

impl Placed {
    fn width(&self) -> f64 {
        (self.indent + columns(&self.text)) as f64 * COLUMN + 2.0 * PAD
    }

    fn end(&self) -> f64 {
        self.from + self.width()
    }
}
