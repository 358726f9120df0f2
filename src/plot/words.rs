//! [`WordTable`]: a table of words on coloured cells.

use ndarray::Array2;

use super::{
    data::{Kept, Numeric, ToNames},
    figure::Figure,
};
use crate::{
    Result,
    error::PlotError,
    order::by_size,
    plot::{
        check_count,
        drawing::{
            category_axis::{Band, Labels},
            color::{ColorScale, Palette, check_range},
            grid::{Grid, TOOLTIPS},
            legend::Legend,
            page::LABEL,
            panels::Panels,
        },
    },
    printable::{columns, fit, headline, line, number, or, pad, visible},
};

/// A word in each cell, on a colour that shows its value: the tokens that a direction promotes, or the names of heads.
///
/// By default, values of both signs are red–white–blue around 0, and amounts are white to blue. If the columns are too
/// narrow for three letters, the words appear in the tooltips only.
///
/// # Shapes
/// The cells have the shape `[row, column]`.
///
/// # Examples
/// ```
/// use glassbox::plot::WordTable;
/// use ndarray::array;
/// let cells = array![[(" cat".to_string(), 2.5), (" dog".to_string(), 1.9)]];
/// let figure = WordTable::new(cells).rows("direction", ["σ 3.1"]).columns("rank", ["first", "second"]).draw()?;
/// assert!(figure.to_svg().contains("<title>σ 3.1, first\n·cat: 2.5</title>".replace('\n', "&#10;").as_str()));
/// # Ok::<(), glassbox::Error>(())
/// ```
///
/// <div>
#[doc = include_str!("../../tests/golden/words.svg")]
/// </div>
#[derive(Clone)]
#[must_use = "a table is drawn by `.draw()`"]
pub struct WordTable {
    cells: Array2<(String, f32)>,
    title: String,
    value: String,
    note: String,
    rows: (String, Labels),
    columns: (String, Labels),
    details: Option<Array2<String>>,
    kept: Kept,
    palette: Option<Palette>,
    range: Option<(f32, f32)>,
    upward: bool,
}

const PICTURE: &str = "a table of words";
const CELLS: usize = 50_000;
const WIDTH: f64 = 900.0;
const ROW: f64 = 22.0;
/// The most and the fewest letters that a cell shows.
const LONGEST: usize = 11;
const SHORTEST: usize = 3;

impl WordTable {
    /// A table of words and their values.
    pub fn new(cells: Array2<(String, f32)>) -> Self {
        Self {
            cells,
            title: String::new(),
            value: String::new(),
            note: String::new(),
            rows: Default::default(),
            columns: Default::default(),
            details: None,
            kept: Kept::default(),
            palette: None,
            range: None,
            upward: false,
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

    /// A sentence under the table.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = line(note.into());
        self
    }

    /// The name of the row axis, and the names of the rows.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{ndarray::array, prelude::*};
    /// let cells = array![[("cat".to_string(), 2.5)]];
    /// assert!(WordTable::new(cells).rows("layer", ["L3"]).draw()?.to_svg().contains("L3"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn rows<Kind>(mut self, axis: impl Into<String>, names: impl ToNames<Kind>) -> Self {
        self.rows = (line(axis.into()), Labels::names(self.kept.take(names.to_names())));
        self
    }

    /// The name of the column axis, and the names of the columns.
    pub fn columns<Kind>(mut self, axis: impl Into<String>, names: impl ToNames<Kind>) -> Self {
        self.columns = (line(axis.into()), Labels::names(self.kept.take(names.to_names())));
        self
    }

    /// The names of the row and column axes, both numbered from 0.
    pub fn numbered(mut self, rows: impl Into<String>, columns: impl Into<String>) -> Self {
        (self.rows, self.columns) = ((line(rows.into()), Labels::Index), (line(columns.into()), Labels::Index));
        self
    }

    /// The tooltip of each cell, instead of its word and value. The array has the shape of the cells.
    pub fn details(mut self, details: Array2<String>) -> Self {
        self.details = Some(details);
        self
    }

    /// The colours.
    pub fn palette(mut self, palette: Palette) -> Self {
        self.palette = Some(palette);
        self
    }

    /// The values at the ends of the palette.
    pub fn range(mut self, lo: impl Numeric, hi: impl Numeric) -> Self {
        self.range = Some((lo.to_f32(), hi.to_f32()));
        self
    }

    /// Puts row 0 at the bottom, as layers are usually drawn.
    pub fn upward(mut self) -> Self {
        self.upward = true;
        self
    }

    /// Draws the picture.
    ///
    /// # Errors
    /// When there are no cells or more than 50,000, or when the names or details do not match the cells.
    pub fn draw(&self) -> Result<Figure> {
        self.check()?;
        let (rows, columns) = self.cells.dim();
        let values = self.cells.mapv(|(_, value)| value);
        let scale = ColorScale::chosen(self.palette, self.range, values.as_slice().unwrap_or_default());
        let letters = self.letters();
        let pitch = match letters {
            0 => (WIDTH / columns as f64).floor().clamp(3.0, 24.0),
            letters => (letters as f64 * LABEL * 0.6 + 8.0).round(),
        };
        let panels = Panels {
            heading: &self.title,
            note: &self.note,
            names: vec![""],
            per_row: 1,
            x: Band { labels: &self.columns.1, name: &self.columns.0, count: columns, pitch, reversed: false },
            y: Band { labels: &self.rows.1, name: &self.rows.0, count: rows, pitch: ROW, reversed: self.upward },
            legend: Legend::of(&scale, &self.value, Vec::new()).beside(ROW * rows as f64),
        };
        let words = |row: usize, column: usize| fit(&shown(&self.cells[(row, column)].0), letters);
        let canvas = panels.draw(|canvas, _, frame| {
            let grid = Grid {
                values: values.view(),
                mask: None,
                scale,
                frame,
                upward: self.upward,
                tooltips: TOOLTIPS,
                printed: None,
                title: &|row, column| self.tooltip(row, column),
                words: if letters > 0 { Some(&words) } else { None },
            };
            grid.draw(canvas);
        });
        canvas.finish(self.alt(), self.plain())
    }

    fn check(&self) -> Result<()> {
        self.kept.check()?;
        let (rows, columns) = self.cells.dim();
        if rows * columns == 0 {
            return Err(PlotError::Empty { picture: PICTURE, what: "the table has no cells" }.into());
        }
        check_count(PICTURE, "cells", rows * columns, CELLS)?;
        self.rows.1.check(PICTURE, or(&self.rows.0, "y"), rows)?;
        self.columns.1.check(PICTURE, or(&self.columns.0, "x"), columns)?;
        if let Some(details) = self.details.as_ref().filter(|details| details.dim() != (rows, columns)) {
            let (got, expected) = (details.shape().to_vec(), vec![rows, columns]);
            return Err(PlotError::Shape { picture: PICTURE, what: "the details".into(), got, expected }.into());
        }
        check_range(self.range)
    }

    /// The number of letters of a word that a cell shows; 0 if there is no room for words.
    fn letters(&self) -> usize {
        let longest = self.cells.iter().map(|(word, _)| columns(&shown(word))).max().unwrap_or(0);
        let room = ((WIDTH / self.cells.ncols() as f64 - 8.0) / (LABEL * 0.6)) as usize;
        if room < SHORTEST.min(longest) { 0 } else { room.min(LONGEST).min(longest.max(SHORTEST)) }
    }

    fn tooltip(&self, row: usize, column: usize) -> String {
        let (y, x) = (self.rows.1.full(&self.rows.0, row), self.columns.1.full(&self.columns.0, column));
        let (word, value) = &self.cells[(row, column)];
        match &self.details {
            Some(details) => details[(row, column)].clone(),
            None => format!("{y}, {x}\n{}: {}", visible(word), number(*value)),
        }
    }

    fn alt(&self) -> String {
        let (rows, columns) = self.cells.dim();
        let title = or(&self.title, "Table of words");
        let strongest = self.cells.indexed_iter().filter(|(_, (word, value))| !word.is_empty() && value.is_finite());
        let strongest = strongest.min_by(|a, b| by_size(a.1.1, b.1.1));
        let said = strongest.map(|((row, column), _)| self.tooltip(row, column).replace('\n', ": "));
        let said = said.map_or_else(String::new, |said| format!("; the strongest is {said}"));
        format!("{title}: {rows} rows by {columns} columns{said}.")
    }

    fn plain(&self) -> String {
        const WIDEST: usize = 14;
        let (rows, across) = self.cells.dim();
        let cell = |row: usize, column: usize| {
            let (word, value) = &self.cells[(row, column)];
            format!("{} {}", fit(&shown(word), WIDEST), number(*value)).trim().to_string()
        };
        let names: Vec<String> = (0..rows).map(|row| self.rows.1.plain(row)).collect();
        let head = names.iter().map(|name| columns(name)).max().unwrap_or(0);
        let widths: Vec<usize> =
            (0..across).map(|column| (0..rows).map(|row| columns(&cell(row, column))).max().unwrap_or(0)).collect();
        let mut out = headline(&self.title);
        let order: Vec<usize> = if self.upward { (0..rows).rev().collect() } else { (0..rows).collect() };
        for row in order {
            let cells: Vec<_> = (0..across).map(|column| pad(&cell(row, column), widths[column])).collect();
            out += &format!("{}  {}", pad(&names[row], head), cells.join("  "));
            out = out.trim_end().to_string() + "\n";
        }
        if !self.note.is_empty() {
            out += &format!("{}\n", self.note);
        }
        out
    }
}

/// The word with its spaces shown as `·`; an empty word stays empty.
fn shown(word: &str) -> String {
    if word.is_empty() { String::new() } else { visible(word) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    fn table(columns: usize) -> Figure {
        WordTable::new(Array2::from_elem((2, columns), ("word".into(), 1.0))).draw().unwrap()
    }

    #[test]
    fn words_that_have_no_room_are_left_to_the_tooltips() {
        assert!(table(10).to_svg().contains(">word</text>"));
        assert!(!table(60).to_svg().contains(">word</text>"));
        assert!(table(60).to_svg().contains("word: 1</title>"));
    }

    #[test]
    fn details_of_another_shape_are_an_error() {
        let table = WordTable::new(Array2::from_elem((2, 2), (String::new(), 0.0)));
        let error = table.details(Array2::from_elem((1, 2), String::new())).draw().unwrap_err().to_string();
        assert!(error.contains("[1, 2]") && error.contains("[2, 2]"), "{error}");
    }
}
