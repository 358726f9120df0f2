//! Pictures of plain data: matrices, tokens, series.
//!
//! Each kind of picture is a builder: give it data, set its names, then call [`draw`](Heatmap::draw), which returns a
//! [`Figure`]. Nothing here depends on models; the analyses of this crate use the same builders.
//!
//! | picture | use |
//! |---|---|
//! | [`AttentionPattern`] | where one head attends |
//! | [`AttentionHeads`] | where all heads of a layer attend, one at a time |
//! | [`Heatmap`] | any matrix: patching, head scores, confusion |
//! | [`LensTable`] | the model's predictions after every layer |
//! | [`LineChart`] | accuracy by layer, a metric over steps |
//! | [`Bars`] | the next token, a handful of numbers |
//! | [`LayerGraph`] | circuits: which parts send to which |
//! | [`Scatter`] | two scores of many heads |
//! | [`SoundPicture`] | a sound: its waveform, its spectrogram, the words in it |
//! | [`TokenText`] | a score for every token |
//! | [`Top`] | the strongest of many numbers |
//! | [`WordTable`] | words with a value: the tokens a direction promotes, the names of heads |
//!
//! Data come in any common type: a matrix as [`ToMatrix`] describes, a row of numbers as [`ToValues`], names as
//! [`ToNames`]. Errors in the data are returned by `draw`. Ranks count from 1 in every picture. In red–white–blue, zero
//! is white, whatever the range.
//!
//! [`row()`], [`column()`] and [`tabs()`] compose several figures into one. A notebook cell may also end in a builder,
//! which is then drawn and shown.
//!
//! To add a kind of picture, add a file with its builder, enter it in the table above and in `shown!` at the end of
//! this file and in `drawn!` in `drawn.rs`. To add a palette, touch `drawing/color.rs`. To add a statistic of the lens
//! table, touch `statistic.rs`.
//!
//! The attention of one head, and the predictions after every layer (point at a cell for its values):
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
mod lanes;
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
pub use data::{NamedPoint, NamedValue, Numeric, ToBars, ToNames, ToValues};
pub use drawing::color::Palette;
pub(crate) use drawing::color::round_up;
pub(crate) use drawn::drawn;
pub use drawn::{ToFigure, ToFigures, ToTabs};
pub use figure::Figure;
pub use graph::LayerGraph;
pub use heads::AttentionHeads;
pub use heatmap::Heatmap;
pub(crate) use lanes::{Lane, Lanes};
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

/// Returns an error if a picture would have more things than a page can hold.
fn check_count(picture: &'static str, what: &'static str, got: usize, most: usize) -> Result<()> {
    if got > most { Err(PlotError::TooMany { picture, what, got, most }.into()) } else { Ok(()) }
}

shown! {
    /// Shows the picture as the output of a notebook cell.
    AttentionHeads: draw
}
shown! {
    /// Shows the picture as the output of a notebook cell.
    AttentionPattern: draw
}
shown! {
    /// Shows the picture as the output of a notebook cell.
    Bars: draw
}
shown! {
    /// Shows the picture as the output of a notebook cell.
    Heatmap: draw
}
shown! {
    /// Shows the picture as the output of a notebook cell.
    LayerGraph: draw
}
shown! {
    /// Shows the picture as the output of a notebook cell.
    LensTable: draw
}
shown! {
    /// Shows the picture as the output of a notebook cell.
    LineChart: draw
}
shown! {
    /// Shows the picture as the output of a notebook cell.
    Scatter: draw
}
shown! {
    /// Shows the picture as the output of a notebook cell.
    SoundPicture: draw
}
shown! {
    /// Shows the picture as the output of a notebook cell.
    TokenText: draw
}
shown! {
    /// Shows the picture as the output of a notebook cell.
    WordTable: draw
}
