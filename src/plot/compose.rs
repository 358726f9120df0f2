//! Several figures as one: a cell of a notebook has one output, so pictures that belong together are composed.

use super::{
    drawn::{ToFigures, ToTabs},
    figure::{Figure, Node, Tab},
};
use crate::printable;

/// The figures side by side, and in a further line where the page is not wide enough.
///
/// They may be figures, pictures that are not drawn yet, lenses and maps, `Result`s and `Option`s of these, or references
/// to them, in an array, slice, `Vec`, iterator or (of several kinds) a tuple: see [`ToFigures`]. Where one of them is an
/// error, all that is shown is its sentence, and [`Figure::save`] gives it.
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

/// The figures one above the other: what they may be, see [`row`].
#[doc(alias = "subplots")]
pub fn column<Kind>(figures: impl ToFigures<Kind>) -> Figure {
    Figure::or_failed(figures.to_figures().map(Node::Column))
}

/// One figure at a time, chosen by its name: pairs of a name and what [`row`] takes.
///
/// As a single SVG, and where style sheets are dropped, all of them are shown under their names.
pub fn tabs<Kind>(panes: impl ToTabs<Kind>) -> Figure {
    let tab = |(name, pane)| Tab { name: printable::line(name), button: None, pane };
    let tabs = |panes: Vec<(String, Figure)>| panes.into_iter().map(tab).collect();
    Figure::or_failed(panes.to_tabs().map(|panes| Node::Tabs { tabs: tabs(panes), still: None }))
}
