//! Pictures of plain data: matrices, tokens, series.
//!
//! Each kind of picture is a builder: data in, a few words about it, then [`draw`](Heatmap::draw), which gives a
//! [`Figure`]. Nothing here knows about models; the analyses of this crate use these same builders.
//!
//! | picture | for |
//! |---|---|
//! | [`AttentionPattern`] | where one head looks |
//! | [`AttentionHeads`] | where all heads of a layer look, one at a time |
//! | [`Heatmap`] | any matrix: patching, head scores, confusion |
//! | [`LensTable`] | what the model would say after every layer |
//! | [`LineChart`] | accuracy by layer, a metric over steps |
//! | [`Bars`] | the next token, a handful of numbers |
//! | [`LayerGraph`] | circuits: who tells whom |
//! | [`Scatter`] | two scores of many heads |
//! | [`SoundPicture`] | a sound: its waveform, its spectrogram, the words in it |
//! | [`TokenText`] | which words carry a score |
//! | [`Top`] | the strongest of many numbers |
//! | [`WordTable`] | words with a value: what directions write, what heads are called |
//!
//! Data come as people have them: a matrix as [`ToMatrix`] says, a row of numbers as [`ToValues`], names as [`ToNames`];
//! what cannot be drawn is said when it is drawn. Ranks count from 1 in every picture and every answer. Zero is white in
//! red–white–blue, whatever the range.
//!
//! [`row()`], [`column()`] and [`tabs()`] make one figure of several. A notebook cell may also end in a builder, which is
//! then drawn and shown.
//!
//! Where one head looks, and what the model would say after every layer (point at a cell for its values):
//!
//! <div>
#![doc = include_str!("../../tests/golden/attention.svg")]
#![doc = include_str!("../../tests/golden/lens.svg")]
//! </div>

mod attention;
mod axis_names;
mod bars;
mod candidates;
mod compose;
mod data;
mod drawing;
mod drawn;
mod figure;
mod graph;
mod heads;
mod heatmap;
mod layout;
mod lens;
mod line;
mod matrix;
mod scatter;
mod series;
mod sound;
mod statistic;
mod tokens;
mod top;
mod words;

pub use attention::AttentionPattern;
pub use axis_names::AxisNames;
pub use bars::Bars;
pub(crate) use candidates::{Candidate, Candidates};
pub use compose::{column, row, tabs};
pub(crate) use data::Held;
pub use data::{Number, Pair, Point, ToBars, ToNames, ToValues};
pub use drawing::color::Palette;
pub(crate) use drawing::color::round_up;
pub(crate) use drawn::drawn;
pub use drawn::{ToFigure, ToFigures, ToTabs};
pub use figure::Figure;
pub use graph::LayerGraph;
pub use heads::AttentionHeads;
pub use heatmap::Heatmap;
pub use lens::LensTable;
pub use line::LineChart;
pub use matrix::{ToMatrices, ToMatrix};
pub use scatter::Scatter;
pub use series::Series;
pub use sound::SoundPicture;
pub use statistic::Statistic;
pub use tokens::TokenText;
pub use top::Top;
pub use words::WordTable;

use crate::{Result, error::PlotError};

/// An error where a picture would be of more things than a page can hold.
fn check_count(picture: &'static str, what: &'static str, got: usize, most: usize) -> Result<()> {
    if got > most { Err(PlotError::TooMany { picture, what, got, most }.into()) } else { Ok(()) }
}

shown! {
    /// Shows the picture as the output of a notebook's cell.
    AttentionHeads: draw
}
shown! {
    /// Shows the picture as the output of a notebook's cell.
    AttentionPattern: draw
}
shown! {
    /// Shows the picture as the output of a notebook's cell.
    Bars: draw
}
shown! {
    /// Shows the picture as the output of a notebook's cell.
    Heatmap: draw
}
shown! {
    /// Shows the picture as the output of a notebook's cell.
    LayerGraph: draw
}
shown! {
    /// Shows the picture as the output of a notebook's cell.
    LensTable: draw
}
shown! {
    /// Shows the picture as the output of a notebook's cell.
    LineChart: draw
}
shown! {
    /// Shows the picture as the output of a notebook's cell.
    Scatter: draw
}
shown! {
    /// Shows the picture as the output of a notebook's cell.
    SoundPicture: draw
}
shown! {
    /// Shows the picture as the output of a notebook's cell.
    TokenText: draw
}
shown! {
    /// Shows the picture as the output of a notebook's cell.
    WordTable: draw
}
