/// What can be wrong with what is asked of a run.
#[derive(thiserror::Error, Debug)]
pub(crate) enum RunError {
    #[error("this run stopped before layer {layer}, so it has no logits; leave out stop_at_layer to get them")]
    NoLogits { layer: usize },
    #[error("layer {layer} is out of range: this model has layers 0 to {}", n_layers.saturating_sub(1))]
    Layer { layer: usize, n_layers: usize },
    #[error("a gradient needs one number to differentiate; the metric gave shape {shape:?}")]
    NotScalar { shape: Vec<usize> },
    #[error("the metric does not depend on `{site}`, so there is no gradient there")]
    NoGradient { site: String },
}
