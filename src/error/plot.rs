/// What can be wrong with a picture's data.
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
    #[error("the series `{series}` has {ys} values but {others} {what}; they must be as many")]
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
    #[error("an edge names `{name}`, and no node of the graph is called so")]
    Node { name: String },
    #[error("the node `{node}` is in layer {layer}, and the graph has {layers} layers, counted from 0")]
    Layer { node: String, layer: usize, layers: usize },
    #[error("the drawing library refused a shape: {0}")]
    Drawing(String),
}
