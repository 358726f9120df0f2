//! [`Heatmap`]: any matrix as colours, with tokens, names or numbers along its sides.

mod cells;
mod large;
mod words;

use ndarray::Array2;

use super::{
    data::{Kept, NamedValue, Numeric, ToNames},
    figure::Figure,
    matrix::ToMatrix,
};
use crate::{
    Result,
    plot::drawing::{
        category_axis::Labels,
        cell_values::Printed,
        color::Palette,
        grid::{Grid, TOOLTIPS},
        joined::Join,
        legend::Legend,
        panels::{Panels, room},
    },
    printable::line,
};

/// A matrix of values as colours, or several matrices of one shape as facets that share one colour range.
///
/// By default, values of both signs are red–white–blue around 0, and amounts are white to blue. NaN is hatched, a
/// masked cell is light grey, and a cell beyond the range is outlined. In a small map, every cell prints its value.
///
/// # Shapes
/// Each facet has the shape `[row, column]`: rows go down (or up with [`upward`](Self::upward)), columns go right.
///
/// # Examples
/// ```
/// use glassbox::plot::Heatmap;
/// use ndarray::array;
/// let effect = array![[0.0, 0.8], [-0.1, 0.3]];
/// let figure = Heatmap::new(effect)
///     .title("Patching the residual stream")
///     .value("logit difference")
///     .y_index("layer")
///     .x("position").x_tokens([" Mary", " Mary"])
///     .upward()
///     .draw()?;
/// assert!(figure.to_svg().contains("<title>layer 0, ·Mary@1: 0.8</title>"));
/// # Ok::<(), glassbox::Error>(())
/// ```
///
/// <div>
#[doc = include_str!("../../../tests/golden/patching.svg")]
/// </div>
#[doc(alias("imshow", "px.imshow"))]
#[derive(Clone)]
#[must_use = "a heatmap is drawn by `.draw()`"]
pub struct Heatmap {
    facets: Vec<(String, Array2<f32>)>,
    kept: Kept,
    title: String,
    value: String,
    x: (String, Labels),
    y: (String, Labels),
    palette: Option<Palette>,
    range: Option<(f32, f32)>,
    mask: Option<Array2<bool>>,
    upward: bool,
    printed: Option<usize>,
    /// The most cells with a tooltip.
    pub(crate) tooltips: usize,
    square: bool,
    pub(crate) arrows: bool,
    /// How a joined cell follows from its block, and how many cells the picture may have.
    pub(crate) join: Join,
    pub(crate) cells: Option<usize>,
}

const PICTURE: &str = "a heatmap";
/// The greatest width of a single panel, of several in a row (which leaves room for a legend), the greatest height, and
/// the side of a square panel.
const WIDTH: f64 = 800.0;
const FACETS: f64 = 640.0;
const HEIGHT: f64 = 440.0;
const SQUARE: f64 = 600.0;
/// The most facets.
const FACETS_AT_MOST: usize = 1000;
/// Axes with at most this many cells label each of them.
const LABELLED: usize = 48;

impl Heatmap {
    /// A heatmap of one matrix.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// assert!(Heatmap::new([[0.5, 1.0], [0.25, 0.0]]).draw()?.to_svg().contains("0.25"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn new<Kind>(values: impl ToMatrix<Kind>) -> Self {
        Self::facets([("", values)])
    }

    /// A heatmap of several matrices of one shape, each under its name.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let maps = [("before", [[0.5, 1.0]]), ("after", [[0.0, 0.2]])];
    /// assert!(Heatmap::facets(maps).draw()?.to_svg().contains("after"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn facets<P, Kind>(facets: impl IntoIterator<Item = P>) -> Self
    where
        P: NamedValue<Value: ToMatrix<Kind>>,
    {
        let mut kept = Kept::default();
        let mut facet = |(name, values): (String, P::Value)| (line(name), kept.take(values.to_matrix()));
        Self {
            facets: facets.into_iter().map(|pair| facet(pair.pair())).collect(),
            kept,
            title: String::new(),
            value: String::new(),
            x: Default::default(),
            y: Default::default(),
            palette: None,
            range: None,
            mask: None,
            upward: false,
            printed: None,
            tooltips: TOOLTIPS,
            square: false,
            arrows: false,
            join: Join::Mean,
            cells: None,
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

    /// Names the x axis.
    pub fn x(mut self, axis: impl Into<String>) -> Self {
        self.x.0 = line(axis.into());
        self
    }

    /// Names the y axis.
    pub fn y(mut self, axis: impl Into<String>) -> Self {
        self.y.0 = line(axis.into());
        self
    }

    /// Names the x axis and numbers its columns from 0.
    pub fn x_index(mut self, axis: impl Into<String>) -> Self {
        self.x = (line(axis.into()), Labels::Index);
        self
    }

    /// Names the columns.
    pub fn x_names<Kind>(mut self, names: impl ToNames<Kind>) -> Self {
        self.x.1 = Labels::names(self.kept.take(names.to_names()));
        self
    }

    /// Labels the columns with tokens, written `·Mary@4`.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// assert!(Heatmap::new([[0.5, 1.0]]).x_tokens([" Mary", " John"]).draw()?.to_svg().contains("·John@1"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn x_tokens<Kind>(mut self, tokens: impl ToNames<Kind>) -> Self {
        self.x.1 = Labels::tokens(self.kept.take(tokens.to_names()));
        self
    }

    /// Names the y axis and numbers its rows from 0.
    pub fn y_index(mut self, axis: impl Into<String>) -> Self {
        self.y = (line(axis.into()), Labels::Index);
        self
    }

    /// Names the rows.
    pub fn y_names<Kind>(mut self, names: impl ToNames<Kind>) -> Self {
        self.y.1 = Labels::names(self.kept.take(names.to_names()));
        self
    }

    /// Labels the rows with tokens, written `·Mary@4`.
    pub fn y_tokens<Kind>(mut self, tokens: impl ToNames<Kind>) -> Self {
        self.y.1 = Labels::tokens(self.kept.take(tokens.to_names()));
        self
    }

    /// The colours.
    pub fn palette(mut self, palette: Palette) -> Self {
        self.palette = Some(palette);
        self
    }

    /// The values at the ends of the palette. The default is the range of the data, from 0 for amounts, and symmetric
    /// about 0 for red–white–blue.
    ///
    /// Unless a [palette](Self::palette) is given, a range that starts at 0 or above is white to blue, and a range that
    /// reaches below 0 is red–white–blue. In red–white–blue, 0 stays white: −0.2 to 1 becomes −1 to 1.
    ///
    /// # Examples
    /// ```
    /// # use glassbox::prelude::*;
    /// let figure = Heatmap::new([[0.5, 0.6]]).range(0, 1).draw()?; // the same scale for every picture
    /// assert!(figure.to_svg().contains("0.6"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn range(mut self, lo: impl Numeric, hi: impl Numeric) -> Self {
        self.range = Some((lo.to_f32(), hi.to_f32()));
        self
    }

    /// The cells to leave out (`true`), which are light grey. The mask has the shape of each facet.
    ///
    /// # Examples
    /// ```
    /// use glassbox::{ndarray::array, prelude::*};
    /// let figure = Heatmap::new([[0.5, 0.6]]).mask(array![[false, true]]).draw()?;
    /// assert!(!figure.to_svg().contains("0.6"));
    /// # Ok::<(), glassbox::Error>(())
    /// ```
    pub fn mask(mut self, mask: Array2<bool>) -> Self {
        self.mask = Some(mask);
        self
    }

    /// Puts row 0 at the bottom, as layers are usually drawn.
    pub fn upward(mut self) -> Self {
        self.upward = true;
        self
    }

    /// Makes cells as high as they are wide, for a matrix whose rows and columns are the same things.
    pub fn square(mut self) -> Self {
        self.square = true;
        self
    }

    /// Prints the values of this many of the strongest cells, over all facets, if they have room. Values that round to
    /// the same number are all printed or none. By default, every cell of a small map shows its number, and no cell of
    /// a large one.
    pub fn print_strongest(mut self, cells: usize) -> Self {
        self.printed = Some(cells);
        self
    }

    /// Whether every cell shows its number, if there is room for all of them.
    pub fn print_values(self, printed: bool) -> Self {
        self.print_strongest(if printed { usize::MAX } else { 0 })
    }

    /// Draws the picture. If there are more cells than can be seen, each drawn cell is the mean of a block of cells, or
    /// NaN if one of them is NaN; a note says so.
    ///
    /// # Errors
    /// When there is no facet or no cell, the shapes of the facets or of the mask differ, the number of labels does not
    /// match the cells, the range is empty, or there are more than 1000 facets.
    pub fn draw(&self) -> Result<Figure> {
        self.check()?;
        match self.joined() {
            None => self.draw_cells(""),
            Some((smaller, note)) => {
                let (figure, scale) = (smaller.draw_cells(&note)?, smaller.scale());
                Ok(figure.retold(self.alt(&scale), self.listing(&scale)))
            }
        }
    }

    fn draw_cells(&self, note: &str) -> Result<Figure> {
        let scale = self.scale();
        let legend = Legend::of(&scale, &self.value, self.specials(&scale));
        let (cell, per_row) = self.cell_size(room(&self.band(&self.y, self.dim().0, 1.0, self.upward), &legend));
        let rule = self.rule(&scale);
        let note =
            rule.as_deref().into_iter().chain([note]).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        let values: Vec<f32> = self.seen().map(|(_, _, value)| value).collect();
        let printed = Printed::of(&values, self.printed, scale, cell);
        let panels = Panels {
            heading: &self.title,
            note: &note,
            names: self.facets.iter().map(|(name, _)| name.as_str()).collect(),
            per_row,
            x: self.band(&self.x, self.dim().1, cell.0, false),
            y: self.band(&self.y, self.dim().0, cell.1, self.upward),
            legend: legend.beside(cell.1 * self.dim().0 as f64),
        };
        let canvas = panels.draw(|canvas, i, frame| {
            let (name, values) = &self.facets[i];
            let grid = Grid {
                values: values.view(),
                mask: self.mask.as_ref().map(Array2::view),
                scale,
                frame,
                upward: self.upward,
                tooltips: self.tooltips / self.facets.len(),
                printed,
                title: &|row, column| self.tooltip(name, row, column, values[(row, column)]),
                words: None,
            };
            grid.draw(canvas);
        });
        let plain = match self.dim() {
            (rows, columns) if rows > 40 || columns > 14 => self.listing(&scale),
            _ => self.tables(),
        };
        canvas.finish(self.alt(&scale), plain)
    }
}
