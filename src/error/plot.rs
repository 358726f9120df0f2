//! The errors of pictures ([`plot`](crate::plot)).
/// A problem with a picture's data.
#[derive(thiserror::Error, Debug)]
pub(crate) enum PlotError {
    #[error("{picture} has nothing to draw: {what}")]
    Empty { picture: &'static str, what: &'static str },
    #[error("{picture} can show {most} {what} at most; it was given {got}; choose some of them")]
    TooMany { picture: &'static str, what: &'static str, got: usize, most: usize },
    #[error("{picture} was given {got} labels for the axis `{axis}`, whose length is {expected}; give one for each")]
    Labels { picture: &'static str, axis: String, got: usize, expected: usize },
    #[error("{picture} needs {what} of shape {expected:?}; it was given {got:?}")]
    Shape { picture: &'static str, what: String, got: Vec<usize>, expected: Vec<usize> },
    #[error(
        "the data have the shape {shape:?}, but at most {} longer than 1 can be drawn here; choose a part, as in \
         `tensor.get(0)?` or `tensor.narrow(0, 0, 1)?`", axes(*needed)
    )]
    Axes { shape: Vec<usize>, needed: usize },
    #[error("row {at} has {got} numbers and row 0 has {expected}; give rows of one length")]
    Ragged { at: usize, got: usize, expected: usize },
    #[error("the series `{series}` has {ys} values but {others} {what}; give equally many")]
    Lengths { series: String, ys: usize, others: usize, what: &'static str },
    #[error("the range {lo} to {hi} is empty or not finite; give a low end below a high end")]
    Range { lo: f32, hi: f32 },
    #[error(
        "the {axis} axis is logarithmic but `{series}` holds {value}, which has no logarithm; leave such points out"
    )]
    Logarithm { axis: &'static str, series: String, value: f32 },
    #[error("the {axis} axis is logarithmic and has named ticks; choose one of the two")]
    NamedLogarithm { axis: &'static str },
    #[error("`{path}` does not say what kind of file to write; end the name in .svg or .html")]
    Extension { path: String },
    #[error(
        "`{path}` names a bitmap, but figures are written as vector graphics; end the name in .svg or .html, and \
         convert the file with a browser or another program, such as `rsvg-convert picture.svg -o picture.png`"
    )]
    Pixels { path: String },
    #[error("an edge names `{name}`, but the graph has no such node; add it with `node`")]
    Node { name: String },
    #[error("the node `{node}` is in layer {layer}, but the graph has {layers} layers, counted from 0")]
    Layer { node: String, layer: usize, layers: usize },
    #[error("sample {at} of the sound is {value}, which cannot be drawn; give finite numbers, from -1 to 1")]
    Sample { at: usize, value: f32 },
    #[error("a sound has a rate above 0, in samples a second, such as 16000; got {rate}")]
    Rate { rate: f64 },
    #[error(
        "in the tier `{tier}`, `{label}` lasts from {from} to {to} s; give a start, then an end that is not before it"
    )]
    Interval { tier: String, label: String, from: f64, to: f64 },
    #[error("there is no figure here: the value is None")]
    NoFigure,
    #[error("the drawing library refused a shape: {0}")]
    Drawing(String),
}

/// A number of axes in words.
fn axes(needed: usize) -> String {
    match needed {
        1 => "one axis".into(),
        2 => "two axes".into(),
        _ => format!("{needed} axes"),
    }
}
