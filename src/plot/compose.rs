//! Composes several figures into one, because a notebook cell has one output.

use super::{
    drawn::{ToFigures, ToTabs},
    figure::{Figure, Node, Tab},
};
use crate::printable;

/// Places figures side by side, and starts a new line where the page is not wide enough.
///
/// Each may be a figure, a picture that is not drawn yet, a lens or a map, or a `Result`, `Option` or reference of one
/// of these. They come in an array, slice, `Vec`, iterator or (for several types) a tuple: see [`ToFigures`]. If one of
/// them is an error, only its message is shown, and [`Figure::save`] returns that error.
///
/// # Examples
/// ```
/// use glassbox::{plot::row, prelude::*};
/// let run = Model::open("induction-2l")?.run("red fox blue owl red fox blue")?;
/// let pair = row((run.logit_lens(), run.attention_head(1, 0), Heatmap::new([[0.5, 1.0]])));
/// assert!(pair.alt().contains("Logit lens"));
/// let failed = row([run.attention_head(1, 0), run.attention_head(7, 0)]);
/// assert!(failed.to_text().starts_with("Error: "));
/// # Ok::<(), glassbox::Error>(())
/// ```
#[doc(alias = "subplots")]
pub fn row<Kind>(figures: impl ToFigures<Kind>) -> Figure {
    Figure::or_failed(figures.to_figures().map(Node::Row))
}

/// Places figures one above the other. It takes what [`row`] takes.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let bars = Bars::new([("yes", 0.7)]);
/// assert!(column([&bars, &bars]).size().1 > row([&bars, &bars]).size().1); // higher than a row
/// ```
#[doc(alias = "subplots")]
pub fn column<Kind>(figures: impl ToFigures<Kind>) -> Figure {
    Figure::or_failed(figures.to_figures().map(Node::Column))
}

/// Shows one figure at a time, chosen by its name. It takes pairs of a name and anything that [`row`] takes.
///
/// In a single SVG, and on a page that drops style sheets, all of them are shown under their names.
///
/// # Examples
/// ```
/// use glassbox::prelude::*;
/// let (bars, map) = (Bars::new([("yes", 0.7)]), Heatmap::new([[0.5, 1.0]]));
/// assert!(tabs((("bars", bars), ("map", map))).to_html().contains("bars"));
/// ```
pub fn tabs<Kind>(panes: impl ToTabs<Kind>) -> Figure {
    let tab = |(name, pane)| Tab { name: printable::line(name), button: None, pane };
    let tabs = |panes: Vec<(String, Figure)>| panes.into_iter().map(tab).collect();
    Figure::or_failed(panes.to_tabs().map(|panes| Node::Tabs { tabs: tabs(panes), still: None }))
}
